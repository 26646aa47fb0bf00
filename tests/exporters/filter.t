#!/bin/bash
# SPDX-License-Identifier: ISC
#
# Expressions side by side with nfdump's: 200 that both understand, made from the flows of traffic that softflowd watched, select as
# many flows of the same datagrams.
NEED="softflowd softflowctl nfcapd nfdump"
. "$(dirname "$0")/exporters.bash"

check "an interface" interface_make || { done_testing; }
EXPORTER_NUDGE="softflowctl -c $T/ctl expire-all"
export EXPORTER_NUDGE
exported "traffic" "--version 9" softflowd -d -i t0 -n "127.0.0.1:$PORT" -v 9 -c "$T/ctl" -p "$T/pid" -t maxlife=60

collector_is_idle()
{
	awk '$2 ~ /:0808$/ { split($5, queue, ":"); found = queue[2] == "00000000" && $NF == 0 } END { exit !found }' /proc/net/udp
}
mkdir "$T/theirs"
nfcapd -b 127.0.0.1 -p 2056 -w "$T/theirs" -t 3600 -B 4000000 >"$T/theirs.messages" 2>&1 </dev/null &
pid=$!
check "nfcapd starts" wait_for 20 grep -qs '^Startup' "$T/theirs.messages"
run "$FLOWBRAID" replay --speed max -q 127.0.0.1 2056 "$T/traffic/log"
is "$status$err" 0 "nfcapd gets the same datagrams"
check "and takes all of them" wait_for 20 collector_is_idle
kill -TERM $pid
wait $pid
seed=${SEED:-$$}
export FLOWBRAID
run python3 "$HERE/filter.py" "$seed" 200 "$T/traffic/flows" "$T/traffic/log" "$T/theirs"
is "$status" 0 "expressions of seed $seed: $(tail -n 1 <<<"$out")" || diag "$out$err"
done_testing
