#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Every capture of the corpus, whatever else looks at it: all of its datagrams are recorded, to the byte; those that
# are malformed are flagged, and no others; cat and verify take the log.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_corpus
need_commands python3
. "$SRCDIR/tests/golden/golden.sh"

# malformed CAPTURE: which of its datagrams are, from 1, and what flowbraidd counts; each checked by hand.
malformed()
{
	case $1 in
	devices/ipfix_basic.pcap) echo "1: 1 message length" ;;  # another message follows in the datagram
	devices/v5_basic.pcap) echo "1: 1 record count" ;;       # says 2 records, and holds 35 and a half
	devices/v5_invalid.pcap) echo "1 2: 2 record count" ;;   # say more records than they hold
	devices/v9_aci.pcap) echo "1: 1 set length" ;;           # a set of no length
	devices/v9_paloalto81_zerofill.pcap) echo "2: 1 set length" ;; # likewise: zeros to the end
	devices/v9_wlc.pcap) echo "1: 1 stray bytes" ;;          # behind the template, not zero: no padding
	# bytes behind the only sample that the header counts
	sflow/data-discard-interface.pcap | sflow/data-local-interface.pcap | sflow/data-multiple-interfaces.pcap)
		echo "1: 1 stray bytes"
		;;
	sflow/sflow_print-segv.pcap) echo "1: 1 header cut" ;; # by UDP's length
	esac
}

find "$CORPUS" -name '*.pcap' | sort >"$T/captures"
check "the corpus has captures" test -s "$T/captures"
while read -r capture; do
	name=${capture#"$CORPUS"/}
	if ! decode "$capture"; then
		fail "$name: decoded" || diag "$(cat "$T/messages")"
		continue
	fi
	python3 "$SRCDIR/tests/exporters/replay.py" -l "$capture" >"$T/want"
	"$BUILDDIR/tests/node/records" -x "$T"/log/*.fbs >"$T/records"
	awk '$2 == "datagram" { print $5, $6, $10 }' "$T/records" >"$T/got"
	check "$name: $(wc -l <"$T/want") datagrams, recorded as they came" cmp "$T/want" "$T/got"
	flagged=$(awk '$2 == "datagram" { n++; if ($8 == 2) { printf "%s%d", s, n; s = " " } }' "$T/records")
	is "$flagged$(sed -n 's/.*: malformed: /: /p' "$T/messages")" "$(malformed "$name")" \
	    "$name: malformed ones are flagged, no others, and counted by reason"
	run "$BUILDDIR/flowbraid" verify -q "$T/log"
	is "$status" 0 "$name: verify finds nothing" || diag "$out$err"
done <"$T/captures"
done_testing
