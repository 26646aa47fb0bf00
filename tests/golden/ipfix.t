#!/bin/sh
# SPDX-License-Identifier: ISC
#
# flowbraid export -F ipfix: of each capture of the corpus, ipfixDump (of libfixbuf) finds as many records in the file as cat shows, with
# the same values, and so does flowbraid itself when the file's messages come as datagrams.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_corpus
need_commands python3 ipfixDump
. "$SRCDIR/tests/golden/golden.sh"

find "$CORPUS" -name '*.pcap' | sort >"$T/captures"
check "the corpus has captures" test -s "$T/captures"
check "an IPFIX file becomes a capture" python3 "$SRCDIR/tests/golden/to-pcap.py" \
    "$CORPUS/ipfix-file/example_flows.ipfix" "$T/example_flows.pcap"
echo "$T/example_flows.pcap" >>"$T/captures"
while read -r capture; do
	name=${capture#"$CORPUS"/}
	if ! decode "$capture"; then
		fail "$name: decoded" || diag "$(cat "$T/messages")"
		continue
	fi
	cp "$T/flows" "$T/first"
	rm -f "$T/file"
	run "$BUILDDIR/flowbraid" export -q -F ipfix -o "$T/file" "$T/log"
	is "$status" 0 "$name: exported" || diag "$err"
	ipfixDump -d --rfc5610 --hexdump=65535 -i "$T/file" >"$T/dump" 2>"$T/dump.err" ||
	    echo "ipfixDump failed" >>"$T/dump.err"
	is "$(grep -v ': Template warning: Illegal length' "$T/dump.err")" "" "$name: ipfixDump finds no fault"
	set --
	if [ -s "$T/file" ]; then
		: >"$T/flows"
		python3 "$SRCDIR/tests/golden/to-pcap.py" "$T/file" "$T/again.pcap" && decode "$T/again.pcap"
		is "$(grep -v ' recorded (0 malformed, 0 cut), 0 refused, 0 of no known protocol,' "$T/messages")" "" \
		    "$name: flowbraid finds no fault"
		set -- "$T/flows"
	fi
	if python3 "$SRCDIR/tests/golden/compare-ipfix.py" "$(basename "$name")" "$T/first" "$T/dump" "$@" >"$T/said"; then
		pass "$name: $(tail -n 1 "$T/said")"
	else
		fail "$name" || diag "$(cat "$T/said")"
	fi
done <"$T/captures"
done_testing
