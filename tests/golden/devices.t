#!/bin/sh
# SPDX-License-Identifier: ISC
#
# v5 and v9 exports of real devices through the daemon and the command, compared with tshark's decoding of them.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_corpus
need_commands python3

# The captures' datagrams go to port 2055.
cat >"$T/conf" <<EOF2
cluster = "golden";
node = "a";
listen = ( { address = "127.0.0.1"; port = 2055; } );
log = { directory = "$T/log"; };
EOF2

# Decodes $1 into $T/flows.
decode()
{
	rm -rf "$T/log"
	"$BUILDDIR/flowbraidd" -f "$T/conf" -r "$1" 2>"$T/messages" &&
	    "$BUILDDIR/flowbraid" cat -F json "$T/log" >"$T/flows" 2>>"$T/messages"
}

for capture in "$CORPUS"/devices/v5_*.pcap "$CORPUS"/devices/v9_*.pcap; do
	name=$(basename "$capture" .pcap)
	if ! decode "$capture"; then
		fail "$name: decoded"
		diag "$(cat "$T/messages")"
		continue
	fi
	if python3 "$SRCDIR/tests/golden/compare.py" "$name" "${capture%.pcap}.tshark.json" <"$T/flows" >"$T/said"; then
		pass "$name: $(tail -n 1 "$T/said")"
	else
		fail "$name" || diag "$(cat "$T/said")"
	fi
	is "$("$BUILDDIR/flowbraid" cat -c "$T/log" 2>"$T/messages")" "$(grep -vc '"options":true' "$T/flows")" "$name: cat -c counts the flows"
done

# The comparison itself: it sees a value that differs, a field too few, a flow too few.
decode "$CORPUS/devices/v9_valid01.pcap"
for lie in 's/"octetDeltaCount":76/"octetDeltaCount":77/' '1s/"ipVersion":4,//' '2d' \
    '3s/"flowStart":"2015/"flowStart":"2016/' '1s/"index":0/"index":0,"vlanId":1/'; do
	sed "$lie" "$T/flows" >"$T/lie"
	check "a lie is seen: $lie" sh -c "! python3 '$SRCDIR/tests/golden/compare.py' v9_valid01 \
	    '$CORPUS/devices/v9_valid01.tshark.json' <'$T/lie' >/dev/null"
done
done_testing
