#!/bin/sh
# SPDX-License-Identifier: ISC
#
# flowbraid cat --anonymise: no address of a flow is shown, in any format; prefixes and all else stay; keys that are none.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
need_commands jq

fb=$BUILDDIR/flowbraid
cd "$T" || exit 99
cat >conf <<-END
	cluster = "test"; node = "n";
	listen = ( { address = "0.0.0.0"; port = 2055; } );
	log = { directory = "log"; };
END
"$BUILDDIR/tests/bench/blast" -w v5.pcap -n 100 -r 10 -p 2055 >/dev/null
"$BUILDDIR/tests/bench/blast" -w v9.pcap -n 100 -r 10 -v 9 -p 2055 >/dev/null
"$BUILDDIR/flowbraidd" -f conf -r v5.pcap -r v9.pcap 2>/dev/null
# The sample key of Crypto-PAn's distribution.
echo 1522178d33a4cf80130a5b1649907d10d8988f8379796527 | tr -d '\n' >key
echo 62574c2d2a842202 >>key
"$fb" cat -q -F json log >true
run "$fb" cat -q -F json --anonymise key log
is "$status$err" 0 "it prints" || diag "$err"
cp out shown 2>/dev/null || printf '%s\n' "$out" >shown

addresses='.sourceIPv4Address, .destinationIPv4Address, .ipNextHopIPv4Address'
jq -r "$addresses | values" true | sort -u >true.addresses
jq -r "$addresses | values" shown | sort -u >shown.addresses
check "there are addresses" [ "$(wc -l <true.addresses)" -gt 100 ]
is "$(wc -l <shown.addresses)" "$(wc -l <true.addresses)" "as many stand-ins as addresses"
for format in json csv text; do
	"$fb" cat -q -F $format --anonymise key log >out.$format
	is "$(grep -cFwf true.addresses out.$format)" 0 "-F $format: none of them is shown"
done
rest='del(.sourceIPv4Address, .destinationIPv4Address, .ipNextHopIPv4Address)'
is "$(jq -c "$rest" shown | cmp - "$(jq -c "$rest" true >rest && echo rest)" 2>&1)" "" "all else is as it was"
is "$("$fb" cat -c --anonymise key log -- src net 10.0.0.0/8)" "$("$fb" cat -c log -- src net 10.0.0.0/8)" \
	"an expression asks for true addresses"
is "$(jq -r '.sourceIPv4Address' shown | cut -d. -f1 | sort -u | wc -l)" "$(jq -r '.sourceIPv4Address' true | cut -d. -f1 | sort -u | wc -l)" \
	"what shares 8 bits does so still"
# 10.185.25.118 has 117.161.29.118: so has everything in 10/8 a stand-in in 117/8.
is "$(jq -r '.sourceIPv4Address' shown | cut -d. -f1 | sort -u)" 117 "they are Crypto-PAn's"

printf '%s' 0123456789abcdef0123456789abcdef >raw
run "$fb" cat -q -c --anonymise raw log
is "$status" 0 "a key of 32 bytes"
printf '%s' too-short >short
run "$fb" cat --anonymise short log
is "$status" 2 "a short key: exit 2"
is "$err" "flowbraid: short: expected a key of 32 bytes, or 64 hexadecimal digits, found 9 bytes" "a short key: message"
run "$fb" cat --anonymise none log
is "$status" 2 "no key: exit 2"
like "$err" 'none: No such file' "no key: message"
done_testing
