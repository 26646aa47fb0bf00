#!/bin/sh
# SPDX-License-Identifier: ISC
#
# sFlow of real agents through the daemon and the command, compared with what tshark decodes from the same captures.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_corpus
need_commands python3 tshark

cat >"$T/conf" <<EOF2
cluster = "golden";
node = "a";
listen = ( { address = "127.0.0.1"; port = 6343; }, { address = "::1"; port = 6343; } );
log = { directory = "$T/log"; };
EOF2

# Decodes $1 into $T/flows.
decode()
{
	rm -rf "$T/log"
	"$BUILDDIR/flowbraidd" -f "$T/conf" -r "$1" 2>"$T/messages" &&
	    "$BUILDDIR/flowbraid" cat -F json "$T/log" >"$T/flows" 2>>"$T/messages"
}

compare()
{
	python3 "$SRCDIR/tests/golden/compare-sflow.py" "$T/pdml" <"$1"
}

for capture in "$CORPUS"/sflow/*.pcap; do
	name=$(basename "$capture" .pcap)
	tshark -n -r "$capture" -d udp.port==6343,sflow -T pdml >"$T/pdml" 2>"$T/said"
	if ! decode "$capture"; then
		fail "$name: decoded" || diag "$(cat "$T/messages")"
		continue
	fi
	if compare "$T/flows" >"$T/said" 2>&1; then
		pass "$name: $(tail -n 1 "$T/said")"
	else
		fail "$name" || diag "$(cat "$T/said")"
	fi
	is "$("$BUILDDIR/flowbraid" cat -c "$T/log" 2>"$T/messages")" "$(grep -vc '"options":true' "$T/flows")" \
		"$name: cat -c counts the flows"
	run "$BUILDDIR/flowbraid" verify -q "$T/log"
	is "$status" 0 "$name: verify finds nothing" || diag "$out$err"
	case $name in
	sflow_print-segv) # its UDP header says that there are 8 bytes of it
		decode "$capture"
		is "$(wc -l <"$T/flows")" 0 "$name: nothing is made of a cut header"
		like "$(cat "$T/messages")" '1 datagrams recorded \(1 malformed' "$name: it is recorded, and said to be malformed"
		;;
	esac
done

# The comparison itself: it sees a value that differs, a field too few or too many, a sample too few.
tshark -n -r "$CORPUS/sflow/data-1140.pcap" -T pdml >"$T/pdml" 2>"$T/said"
decode "$CORPUS/sflow/data-1140.pcap"
for lie in 's/"octetDeltaCount":421/"octetDeltaCount":422/' '1s/"ipTTL":64,//' '2d' '1s/"index":0/"index":0,"vlan":1/' \
	's/6762,26615/26615,6762/'; do
	sed "$lie" "$T/flows" >"$T/lie"
	if compare "$T/lie" >"$T/said" 2>&1; then fail "a lie is seen: $lie"; else pass "a lie is seen: $lie"; fi
done
done_testing
