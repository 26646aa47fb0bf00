#!/bin/sh
# SPDX-License-Identifier: ISC
#
# What is neither of one device nor of a pair: captures that stand alone, and an IPFIX file (RFC 5655), the messages
# of which are put into datagrams; every flow, compared with tshark.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_corpus
need_commands python3
. "$SRCDIR/tests/golden/golden.sh"
need_tshark

check "an IPFIX file becomes a capture" python3 "$SRCDIR/tests/golden/to-pcap.py" \
    "$CORPUS/ipfix-file/example_flows.ipfix" "$T/example_flows.pcap"
for capture in "$T/example_flows.pcap" "$CORPUS/split/mpls.pcap" "$CORPUS/split/nfv5.pcap"; do
	name=$(basename "$capture" .pcap)
	tshark_decode "$capture"
	if ! decode "$capture"; then
		fail "$name: decoded" || diag "$(cat "$T/messages")"
		continue
	fi
	is "$(grep -c 'have no template' "$T/messages")" 0 "$name: every set is decoded"
	compare "$name" "$T/tshark.json"
done
done_testing
