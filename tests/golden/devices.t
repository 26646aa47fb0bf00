#!/bin/sh
# SPDX-License-Identifier: ISC
#
# v5, v9 and IPFIX exports of real devices through the daemon and the command, compared with tshark's decoding of
# them.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_corpus
need_commands python3
. "$SRCDIR/tests/golden/golden.sh"

for capture in "$CORPUS"/devices/v5_*.pcap "$CORPUS"/devices/v9_*.pcap "$CORPUS"/devices/ipfix_*.pcap; do
	name=$(basename "$capture" .pcap)
	if ! decode "$capture"; then
		fail "$name: decoded"
		diag "$(cat "$T/messages")"
		continue
	fi
	oracle=$name
	# The same datagrams, the data first: tshark never decodes what stands before its template.
	[ "$name" = ipfix_netscaler_late_tpl ] && oracle=ipfix_netscaler
	compare "$name" "$CORPUS/devices/$oracle.tshark.json"
done

# The comparison itself: it sees a value that differs, a field too few, a flow too few.
try_lie()
{
	sed "$3" "$T/flows" >"$T/lie"
	check "a lie is seen: $3" sh -c "! cmp -s '$T/flows' '$T/lie' && \
	    ! python3 '$SRCDIR/tests/golden/compare.py' '$1' '$CORPUS/devices/$2.tshark.json' <'$T/lie' >/dev/null"
}

decode "$CORPUS/devices/v9_valid01.pcap"
for lie in 's/"octetDeltaCount":76/"octetDeltaCount":77/' '1s/"ipVersion":4,//' '2d' \
    '3s/"flowStart":"2015/"flowStart":"2016/' '1s/"index":0/"index":0,"vlanId":1/'; do
	try_lie v9_valid01 v9_valid01 "$lie"
done
decode "$CORPUS/devices/ipfix_netscaler.pcap"
for lie in 's/"5951\/330":"0000"/"5951\/330":"0001"/' 's/"5951\/331":"0000",//' 's/2036-02-07T07/2036-02-07T08/' \
    's/:19.000128Z/:19.000129Z/'; do
	try_lie ipfix_netscaler ipfix_netscaler "$lie"
done
done_testing
