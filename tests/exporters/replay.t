#!/bin/bash
# SPDX-License-Identifier: ISC
#
# An archive, sent again by `flowbraid replay` to nfcapd: nfdump has the same flows, with packets and octets.
NEED="nfcapd nfdump jq"
. "$(dirname "$0")/exporters.bash"

BLAST=$BUILDDIR/tests/bench/blast
cat >"$T/conf" <<-END
	cluster = "test"; node = "n";
	listen = ( { address = "0.0.0.0"; port = 2055; } );
	log = { directory = "$T/log"; };
END
"$BLAST" -w "$T/5.pcap" -p 2055 -s 1005 -n 300 -r 100 >/dev/null
"$BLAST" -w "$T/9.pcap" -p 2055 -s 1009 -n 300 -r 100 -v 9 >/dev/null
"$BUILDDIR/flowbraidd" -f "$T/conf" -r "$T/5.pcap" -r "$T/9.pcap" 2>/dev/null
check "an archive is made" "$FLOWBRAID" merge -q -o "$T/archive" "$T/log"

collector_is_idle()
{
	awk '$2 ~ /:0808$/ { split($5, queue, ":"); found = queue[2] == "00000000" && $NF == 0 } END { exit !found }' /proc/net/udp
}
mkdir "$T/theirs"
nfcapd -b 127.0.0.1 -p 2056 -w "$T/theirs" -t 3600 -B 4000000 >"$T/theirs.messages" 2>&1 </dev/null &
pid=$!
check "nfcapd starts" wait_for 20 grep -qs '^Startup' "$T/theirs.messages"
run "$FLOWBRAID" replay --speed 20 -q 127.0.0.1 2056 "$T/archive"
is "$status$err" 0 "sent"
check "nfcapd has taken everything" wait_for 20 collector_is_idle
kill -TERM $pid
wait $pid

"$FLOWBRAID" cat -q -F json "$T/archive" | jq -r 'select(.options | not) |
    "\(.sourceIPv4Address) \(.sourceTransportPort) \(.destinationIPv4Address) \(.destinationTransportPort) \(.packetDeltaCount) \(.octetDeltaCount)"' |
    sort >"$T/ours"
TZ=UTC nfdump -q -N -R "$T/theirs" -o "fmt:%sa %sp %da %dp %pkt %byt" 2>/dev/null |
    awk 'NF == 6 { print $1, $2 + 0, $3, $4 + 0, $5, $6 }' | sort >"$T/nfdump"
check "there are flows" [ "$(wc -l <"$T/ours")" -gt 10000 ]
is "$(wc -l <"$T/nfdump")" "$(wc -l <"$T/ours")" "as many flows"
is "$(cmp "$T/ours" "$T/nfdump" 2>&1)" "" "the same ones" || diag "$(diff "$T/ours" "$T/nfdump" | head -n 6)"
done_testing
