#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Chosen columns and keys, and long text. tests/golden/columns.t does the same with captures.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_commands python3 jq
fb=$BUILDDIR/flowbraid
cd "$T" || exit 99
"$SRCDIR/tests/cmd/flowlines" a 9 0.1 >a.lines
"$BUILDDIR/tests/cmd/make-log" a lab a 5 <a.lines
"$fb" merge -q -o archive a || exit 99

names=received,exporter,exporterPort,sourceIPv4Address,destinationTransportPort,octetDeltaCount,flowEnd,witnesses
run "$fb" cat -F csv --fields $names archive
is "$status $err" "0 " "--fields with csv"
is "$(head -n 1 "$T/out")" "$names" "the line of names is the list"
cp "$T/out" csv
run "$fb" cat -F json --fields $names archive
is "$status $err" "0 " "--fields with json"
cp "$T/out" json
"$fb" cat -F json archive >whole
run python3 "$SRCDIR/tests/cmd/columns.py" $names whole json csv
is "$out" "$("$fb" cat -c archive)" "both hold what all of JSON has" || diag "$err"

# What goes wrong.
run "$fb" cat -F csv --fields exporter,sourceIpv4Addres,index a
is "$status" 2 "a name that nobody knows: exit 2"
like "$err" 'column 10: expected an information element or PEN/ID, found "sourceIpv4Addres"; near to it: sourceIPv4Address' \
    "it says where, and what is near"
is "$(printf '%s\n' "$err" | sed -n '2s/.*: //p;3s/.*: //p' | awk 'NR == 1 { at = index($0, "sourceIpv4Addres") } NR == 2 { print at == index($0, "^") }')" \
    1 "and points at it" || diag "$err"
for args in "--fields index" "-F long --fields index" "-F json -c --fields index"; do
	# shellcheck disable=SC2086 # words
	run "$fb" cat $args a
	like "$status $err" '^2 .*--fields: chosen for -F csv and json' "$args: refused"
done
run "$fb" cat -F json --witnesses --fields index a
like "$status $err" '^2 .*--witnesses: shown with' "--witnesses --fields: refused"

# Long text tells what JSON tells.
"$fb" cat -v archive >long
is "$("$fb" cat -F long archive | cksum)" "$(cksum <long)" "-v is -F long"
is "$(grep -c '^flow ' long)" "$("$fb" cat -c archive)" "long: all flows"
run "$fb" cat -n 1 -v archive
for key in sourceIPv4Address flowStart exportTime received bgpSourceAsNumber; do
	value=$(head -n 1 whole | jq -r ".$key // empty")
	[ -z "$value" ] || like "$out" "^    $key: $value\$" "long: $key"
done
like "$out" '^    octetDeltaCount: [0-9]+ octets$' "long: units"

done_testing
