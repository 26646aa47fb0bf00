#!/bin/sh
# SPDX-License-Identifier: ISC
#
# flowbraid cat with an expression: what it selects is what jq selects of all flows; where the expression may stand; what is said
# about one that is wrong.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
need_commands jq

fb=$BUILDDIR/flowbraid
cd "$T" || exit 99
cat >conf <<-END
	cluster = "test"; node = "n";
	listen = ( { address = "0.0.0.0"; port = 2055; } );
	log = { directory = "log"; };
END
"$BUILDDIR/tests/bench/blast" -w v5.pcap -n 200 -r 10 -p 2055 >/dev/null
"$BUILDDIR/tests/bench/blast" -w v9.pcap -n 200 -r 10 -v 9 -p 2055 >/dev/null
"$BUILDDIR/flowbraidd" -f conf -r v5.pcap -r v9.pcap 2>/dev/null
"$fb" cat -q -F json log >all
total=$(grep -c . all)
check "there are flows" [ "$total" -gt 5000 ]

# same EXPRESSION JQ-CONDITION: the same flows, some of them and not all.
same()
{
	jq -c "select((.options | not) and ($2))" all >want
	"$fb" cat -q -F json log -- "$1" | jq -c . >got
	count=$(grep -c . want || true)
	check "$1: $count flows" cmp -s want got || diag "$(wc -l <got) instead of $count"
	is "$("$fb" cat -q -c log -- "$1")" "$count" "counted"
	check "some, not all" [ "$count" -gt 0 ] && [ "$count" -lt "$total" ]
}

# What stands in the middle, so that some lie on either side.
middle()
{
	jq -r -s "map($1) | unique | .[length / 2 | floor]" all
}
port=$(middle .sourceTransportPort)
octets=$(middle .octetDeltaCount)
source=$(middle .sourceIPv4Address)
same "version 9" '.version == 9'
same "src port < $port" ".sourceTransportPort < $port"
same "src port $port" ".sourceTransportPort == $port"
same "src ip $source" ".sourceIPv4Address == \"$source\""
same "bytes > $octets and version 5" ".octetDeltaCount > $octets and .version == 5"
same "not (octetDeltaCount <= $octets) or src port in [$port]" ".octetDeltaCount > $octets or .sourceTransportPort == $port"

# Where it may stand.
want=$("$fb" cat -c log -- version 9)
is "$("$fb" cat -c log 'version 9')" "$want" "as a last argument"
is "$("$fb" cat -c log -- version '9 or' version 9)" "$want" "as several words"
: >version
is "$("$fb" cat -c log -- version 9)" "$want" "behind -- also where a file has that name"
is "$("$fb" cat -n 7 log -- version 9 | wc -l)" 7 "-n ends after so many"
is "$("$fb" cat -n 7 -c log)" 7 "-n counts to there"
run "$fb" cat -n 0 log
is "$status $err" "2 flowbraid: 0: expected a number above 0" "-n 0 is refused"

run "$fb" cat --explain 'port 80 or 443'
is "$status $out" "0 ((src port = 80 or dst port = 80) or (src port = 443 or dst port = 443))" "--explain"
run "$fb" cat log -- dst port htp
is "$status" 2 "a wrong one: exit 2"
is "$err" 'flowbraid: expression, column 10: expected a number, found "htp"
flowbraid:   dst port htp
flowbraid:            ^' "it is shown where"
run "$fb" cat log no-such-log
is "$status" 2 "neither a file nor an expression: exit 2"
like "$err" 'no-such-log: there is no such file, and it is no expression either' "both are said"
done_testing
