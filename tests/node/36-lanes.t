#!/bin/sh
# SPDX-License-Identifier: ISC
# A daemon with four lanes: groups and addresses of both families, many exporters. Each datagram is recorded once, by the
# lane of its exporter, whatever happens to lanes and listeners; to a merge it is one node.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_namespaces
need_commands ip python3 curl jq
if [ -z "${IN_NAMESPACE-}" ]; then
	rm -rf "$T"
	IN_NAMESPACE=yes exec unshare --net "$0"
fi
. "$SRCDIR/tests/node/node.sh"
FB="$BUILDDIR/flowbraid"
LANES="0 1 2 3"

ip link set lo up
ip link add d0 type veth peer name p0
ip link set d0 up
ip link set p0 up
for i in $(seq 1 40); do
	ip -6 addr add "fd00::$(printf %x "$i")/64" dev d0 nodad 2>/dev/null || skip_all "no IPv6 here"
done
GROUP4=239.255.77.1 GROUP6=ff05::77:1
STATUS=$((PORT + 1))

said()
{
	[ "$(grep -c "$1" "$T/messages")" -ge "$2" ]
}

# hangup TEXT: asks, and waits until TEXT has been said once more.
hangup()
{
	count=$(grep -c "$1" "$T/messages" || true)
	kill -HUP "$node_pid"
	wait_for 20 said "$1" $((count + 1))
}

collector()
{
	children "fb-collector-$1"
}

total=0
# export_to COUNT ADDRESS...: to each of the addresses a hundred exporters of its own send as many datagrams each.
export_to()
{
	count=$1
	shift
	for to in "$@"; do
		case $to in
		"$GROUP4") from="127.0.1.1 20 5" interface=lo ;;
		127.0.0.1) from="127.0.2.1 20 5" interface= ;;
		127.0.0.2) from="127.0.3.1 20 5" interface= ;;
		"$GROUP6") from="fd00::1 20 5" interface=d0 ;;
		::1) from="fd00::15 20 5" interface= ;;
		esac
		next=$(cat "$T/next-$to" 2>/dev/null || echo 1)
		echo $((next + count)) >"$T/next-$to"
		# shellcheck disable=SC2086 # several words
		python3 "$SRCDIR/tests/node/exporters.py" "$to" "$PORT" $from "$next" "$count" 10000 $interface || fail "exporters send to $to"
		total=$((total + 100 * count))
	done
}

# What came: lane, address, port, listener, sequence of the exporter.
datagrams()
{
	records >"$T/records"
	awk '$2 == "datagram" { n = split($1, path, "/"); print substr(path[n], 1, 2), $5, $6, $7, substr($10, 33, 8) }' "$T/records"
}

# once NAME: everything is there, once, and no exporter changed its lane.
once()
{
	check "$1: everything is recorded" wait_for 20 recorded $total || diag "$(datagrams | wc -l) of $total"
	datagrams >"$T/all"
	is "$(wc -l <"$T/all")" $total "$1: nothing more"
	is "$(awk '{ print $2, $3, $5 }' "$T/all" | sort | uniq -d | wc -l)" 0 "$1: nothing twice"
	is "$(awk '{ print $2, $3, $1 }' "$T/all" | sort -u | awk '{ print $1, $2 }' | uniq -d | wc -l)" 0 "$1: exporters stay in their lanes"
}

EVERY="{ address = \"$GROUP4\"; port = $PORT; interface = \"lo\"; },
	{ address = \"127.0.0.1\"; port = $PORT; },
	{ address = \"$GROUP6\"; port = $PORT; interface = \"d0\"; }"
LAST="{ address = \"::1\"; port = $PORT; }"
TOP="lanes = 4; status = { address = \"127.0.0.1\"; port = $STATUS; };"
if [ "$(id -u)" = 0 ]; then TOP="$TOP user = \"nobody\";"; fi
configure "$EVERY, $LAST" 'rotate = "1d";' "$TOP"
check "it starts" start_node || diag "$(cat "$T/messages")"
export_to 10 $GROUP4 127.0.0.1 $GROUP6 ::1
once "four lanes"
is "$(awk '{ print $1 }' "$T/all" | sort -u | paste -sd' ')" "00 01 02 03" "files are named by their lanes"
for lane in $LANES; do
	file=$(echo "$T/log/0$lane"-*)
	is "$(od -An -j22 -N2 -tx1 "$file" | tr -d ' ')" "000$lane" "lane $lane: its header says so"
done
is "$(awk '{ print $4 }' "$T/all" | sort | uniq -c | awk '{ print $1 }' | paste -sd' ')" "1000 1000 1000 1000" "each listener has its datagrams"

# --- CPUs ---
cpus_of()
{
	awk '/^Cpus_allowed_list:/ { print $2 }' "/proc/$1/task/$2/status"
}
allowed=$(cpus_of "$node_pid" "$node_pid")
# shellcheck disable=SC2016 # awk's
every=$(echo "$allowed" | tr ',' '\n' | awk -F- '{ for (i = $1; i <= ($2 == "" ? $1 : $2); i++) print i }')
cpu_count=$(echo "$every" | wc -l)
cpu_of_lane()
{
	echo "$every" | sed -n "$(($1 % cpu_count + 1))p"
}
for lane in $LANES; do
	pid=$(collector "$lane")
	is "$(cpus_of "$pid" "$pid")" "$(cpu_of_lane "$lane")" "lane $lane: its CPU"
	for task in /proc/"$pid"/task/*; do
		[ "${task##*/}" = "$pid" ] || is "$(cpus_of "$pid" "${task##*/}")" "$allowed" "lane $lane: the thread that writes goes anywhere"
	done
done

# --- status ---
shown()
{
	[ "$(curl -s "http://127.0.0.1:$STATUS/status" | jq '[.lanes[].datagrams] | add')" = "$total" ]
}
check "status: the lanes' datagrams are all" wait_for 20 shown
is "$(curl -s "http://127.0.0.1:$STATUS/status" | jq -c '[.lanes[].lane]')" "[0,1,2,3]" "status: each lane"
is "$(curl -s "http://127.0.0.1:$STATUS/metrics" | sed -n 's/^flowbraid_log_datagrams_total{lane="\(.*\)"} .*/\1/p' | paste -sd' ')" "$LANES" "metrics: each lane"
is "$(curl -s "http://127.0.0.1:$STATUS/healthz")" ok "health: ok"

# --- a collector is killed ---
victim=$(collector 2)
kill -STOP "$node_pid" # so that it is not started again before all has been sent
kill -9 "$victim"
export_to 10 $GROUP4 127.0.0.1 $GROUP6 ::1
of_victim=$(grep -c '^02' "$T/all") # and as many wait for it
check "lane 2 killed: the others go on" wait_for 20 recorded $((total - of_victim)) || diag "$(datagrams | awk '{ print $1 }' | sort | uniq -c)"
is "$(datagrams | awk '{ print $1 }' | sort | uniq -c | awk '{ print $2, $1 }' | grep '^02')" "02 $of_victim" "lane 2 killed: it has nothing new"
kill -CONT "$node_pid"
once "lane 2 is back: its sockets kept what came"
like "$(cat "$T/messages")" 'collector-2: ended by signal 9 .*restart 1' "it is said"
is "$(grep -c 'ended by' "$T/messages")" 1 "of no other lane"
is "$(cpus_of "$(collector 2)" "$(collector 2)")" "$(cpu_of_lane 2)" "it has its CPU again"

# --- rotation ---
kill -USR1 "$node_pid"
rotated()
{
	for lane in $LANES; do
		[ "$(find "$T/log" -name "0$lane-*.fbs" | wc -l)" -ge "$1" ] || return 1
	done
}
check "rotation: every lane" wait_for 20 rotated 1
is "$(find "$T/log" -name '*.fbs' | wc -l)" 5 "rotation: a segment each, and the killed one's"
export_to 5 $GROUP4 127.0.0.1 $GROUP6 ::1
once "rotated"

# --- reload ---
sockets_of()
{
	awk -v at="$1:$(printf '%04X' "$PORT")" '$2 == at' /proc/net/udp /proc/net/udp6 | wc -l
}
export_to 20 127.0.0.1 & # under load
total=$((total + 100 * 20))
configure "{ address = \"127.0.0.2\"; port = $PORT; }, $EVERY" 'rotate = "1d";' "$TOP"
check "a listener more, one fewer" hangup 'configuration read again: 4'
is "$(sockets_of 0200007F) $(sockets_of 00000000000000000000000001000000)" "4 0" "all lanes of each"
wait $!
export_to 10 $GROUP4 127.0.0.1 $GROUP6
export_to 10 127.0.0.2
once "reloaded"
is "$(awk '$2 ~ /^127.0.3/ { print $4 }' "$T/all" | uniq -c | awk '{ print $1, $2 }')" "1000 0" "the new listener is the first now"
configure "$EVERY, $LAST" 'rotate = "1d";' "$TOP"
check "back" hangup 'configuration read again: 4'
export_to 10 $GROUP4 127.0.0.1 $GROUP6 ::1
once "reloaded again"
stop_node
is "$status" 0 "SIGTERM: exit 0" || diag "$(tail -n 3 "$T/messages")"
is "$(find "$T/log" -name '*.open' | wc -l)" 0 "all lanes are sealed"
is "$(awk '$1 == "Udp:" { print $6 }' /proc/net/snmp | tail -n 1)" 0 "the kernel dropped nothing"

# --- to a merge it is one node ---
run "$FB" verify -q "$T/log"
is "$status" 0 "the log is whole" || diag "$out$err"
run "$FB" gaps --json "$T/log"
is "$status" 0 "gaps: nothing is missing" || diag "$err"
cp "$T/out" "$T/gaps"
is "$(jq -c '[([.streams[].nodes | length] | unique), ([.streams[].nodes[].missing] | add), (.streams | length)]' "$T/gaps")" "[[1],0,500]" \
	"gaps: one node, each exporter one stream, nothing missing"
run "$FB" merge -o "$T/archive" "$T/log"
is "$status" 0 "merge: exit 0" || diag "$out$err"
run "$FB" gaps --json "$T/archive"
is "$(jq -cS . "$T/out")" "$(jq -cS . "$T/gaps")" "gaps of the archive are those of the log"
run "$FB" info --json "$T/archive"
is "$(jq -c '[.datagrams, .hearings, (.nodes | length), .nodes[0].lanes, .nodes[0].duplicates, .nodes[0].redundant]' "$T/out")" \
	"[$total,$total,1,4,0,0]" "merge: one node, and nothing counts as a duplicate"

# --- what the kernel drops is the host's, and told once ---
rm -rf "$T/log"
configure "{ address = \"$GROUP4\"; port = $PORT; interface = \"lo\"; receive_buffer = \"64K\"; }" 'rotate = "1d";' "$TOP"
check "small buffers: it starts" start_node || diag "$(cat "$T/messages")"
# shellcheck disable=SC2046 # a list of numbers
kill -STOP $(collector 0) $(collector 1) $(collector 2) $(collector 3)
total=0
export_to 50 $GROUP4
# shellcheck disable=SC2046 # a list of numbers
kill -CONT $(collector 0) $(collector 1) $(collector 2) $(collector 3)
dropped=$(awk '$1 == "Udp:" { print $6 }' /proc/net/snmp | tail -n 1)
diag "$dropped of $total dropped"
check "some were dropped" [ "$dropped" -gt 0 ]
check "the others are recorded" wait_for 20 recorded $((total - dropped))
drops_in()
{
	records | awk '$2 == "event" && $5 == "kernel-drop"' | sed -n 's/.* 3=\([0-9]*\).*/\1/p' | awk '{ n += $1 } END { print n + 0 }'
}
told()
{
	[ "$(drops_in)" -ge "$dropped" ]
}
check "events tell of them" wait_for 20 told || diag "$(records | grep kernel-drop)"
is "$(drops_in)" "$dropped" "as many as the host counted"
# Again, while there is no first lane to tell. The parent has to know first what was told: it does when it has answered twice.
answered()
{
	[ "$(grep -c 'collector-0: [0-9]* restarts' "$T/messages")" -ge "$1" ]
}
for i in 1 2; do
	asked=$(grep -c 'collector-0: [0-9]* restarts' "$T/messages" || true)
	kill -USR2 "$node_pid"
	wait_for 20 answered $((asked + 1))
done
kill -STOP "$node_pid"
# shellcheck disable=SC2046 # a list of numbers
kill -STOP $(collector 1) $(collector 2) $(collector 3)
kill -9 "$(collector 0)"
export_to 50 $GROUP4
dropped=$(awk '$1 == "Udp:" { print $6 }' /proc/net/snmp | tail -n 1)
kill -CONT "$node_pid"
# shellcheck disable=SC2046 # a list of numbers
kill -CONT $(collector 1) $(collector 2) $(collector 3)
check "those of a time without the first lane, too" wait_for 20 told || diag "$(records | grep kernel-drop)"
stop_node
is "$(drops_in)" "$dropped" "once" || diag "$(records | grep kernel-drop)"
is "$(records | awk '$2 == "event" && $5 == "kernel-drop" { n = split($1, path, "/"); print substr(path[n], 1, 2) }' | sort -u)" 00 "in the first lane"
is "$(records | grep 'kernel-drop' | grep -c ' 2=')" 0 "of no listener in particular"

# --- retention ---
rm -rf "$T/log"
configure "{ address = \"127.0.0.1\"; port = $PORT; receive_buffer = \"64M\"; }" 'rotate = "1d"; size = "1M"; retain_size = "16M";' "$TOP"
check "retention: it starts" start_node || diag "$(cat "$T/messages")"
for i in $(seq 1 20); do
	"$BLAST" -p "$PORT" -s $((41000 + i)) -n 2000 -r 20000 -f 30 >/dev/null
done
within_share()
{
	for lane in $LANES; do
		size=$(find "$T/log" -name "0$lane-*.fbs" -printf '%s\n' | awk '{ n += $1 } END { print n + 0 }')
		[ "$size" -le $((4 << 20)) ] || return 1
	done
	[ "$(grep -c 'retain_size: removing' "$T/messages")" = 4 ]
}
all_came()
{
	[ "$(curl -s "http://127.0.0.1:$STATUS/status" | jq '[.lanes[].datagrams] | add')" = 40000 ]
}
check "retention: all came" wait_for 20 all_came
check "each lane keeps to its share" wait_for 20 within_share || diag "$(ls -l "$T/log"; cat "$T/messages")"
stop_node
is "$status" 0 "SIGTERM: exit 0"
run "$FB" verify -q "$T/log"
is "$status" 0 "what is left is whole" || diag "$out$err"
done_testing
