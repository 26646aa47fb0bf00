# SPDX-License-Identifier: ISC
#
# elements.tsv -> element_table.c. IANA's elements stand in an array by id; all others in a hash table with
# linear probing whose function element_find() shares: (pen * 31 + id) mod ELEMENT_SLOTS.

BEGIN {
	FS = "\t"
	slots = 3001 # a prime, about twice the number of others
	split("octetArray OCTETS string STRING boolean BOOLEAN macAddress MAC ipv4Address IPV4 ipv6Address IPV6 " \
	    "dateTimeSeconds SECONDS dateTimeMilliseconds MILLISECONDS dateTimeMicroseconds MICROSECONDS " \
	    "dateTimeNanoseconds NANOSECONDS basicList BASIC_LIST subTemplateList TEMPLATE_LIST subTemplateMultiList MULTI_LIST " \
	    "unsigned8 UNSIGNED unsigned16 UNSIGNED unsigned32 UNSIGNED unsigned64 UNSIGNED unsigned256 UNSIGNED signed8 SIGNED " \
	    "signed16 SIGNED signed32 SIGNED signed64 SIGNED float32 FLOAT float64 FLOAT", words, " ")
	for (i = 1; i in words; i += 2)
		type[words[i]] = words[i + 1]
	print "/* Made by elements.awk from elements.tsv. */\n#include \"flow/element_table.h\"\n"
	print "const struct element element_list[] = {"
}

/^#/ { next }

{
	name = $3 == "-" ? $1 "/" $2 : $3
	printf "\t{%d, %d, ELEMENT_%s, %d, \"%s\", \",\\\"%s\\\":\", \"%s\", \"%s\"},\n", $1, $2, type[$4], length(name) + 4,
	    name, name, ($5 == "-" ? "" : $5), ($6 == "-" ? "" : $6)
	if ($1 == 0) {
		iana[$2] = n + 1
		if ($2 > most)
			most = $2
	} else {
		s = ($1 * 31 + $2) % slots
		while (s in others)
			s = (s + 1) % slots
		others[s] = n + 1
		count++
	}
	n++
}

END {
	print "};\nconst size_t element_count = sizeof(element_list) / sizeof(element_list[0]);\n"
	print "/* Places in element_list, plus 1; 0: none. */"
	printf "const uint16_t element_iana[%d] = {", most + 1
	for (i = 0; i <= most; i++)
		printf "%s%d,", i % 16 == 0 ? "\n\t" : " ", iana[i]
	printf "\n};\nconst uint16_t element_iana_count = %d;\n\nconst uint16_t element_others[%d] = {", most + 1, slots
	for (i = 0; i < slots; i++)
		printf "%s%d,", i % 16 == 0 ? "\n\t" : " ", others[i]
	printf "\n};\nconst uint16_t element_slots = %d;\n", slots
	if (2 * count > 2 * slots - slots / 2) {
		print "elements.awk: the hash table is too full: enlarge slots" >"/dev/stderr"
		exit 1
	}
}
