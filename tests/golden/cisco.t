#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Consecutive exports of real routers: every flow, compared with tshark, which runs here and now. Six sets of the
# last capture have no template in it that is theirs: the router sends from two ports, and templates of one are
# none of the other (RFC 7011 section 8: they hold within their transport session).
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_corpus
need_commands python3
. "$SRCDIR/tests/golden/golden.sh"
need_tshark

for capture in "$CORPUS"/cisco/*/traffic-*.pcap; do
	name=$(basename "$(dirname "$capture")")-$(basename "$capture" .pcap)
	tshark_decode "$capture"
	if ! decode "$capture"; then
		fail "$name: decoded"
		diag "$(cat "$T/messages")"
		continue
	fi
	unknown=$(grep -c 'have no template' "$T/messages")
	case $name in
	112-*) like "$(cat "$T/messages")" '^flowbraid: 6 sets have no template' "$name: six sets without template" ;;
	*) is "$unknown" 0 "$name: every set is decoded" ;;
	esac
	compare "$name" "$T/tshark.json"
done
done_testing
