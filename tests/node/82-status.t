#!/bin/sh
# SPDX-License-Identifier: ISC
# Status, metrics and health over HTTP: what they say, what bad clients can do to them (nothing that lasts) and to the
# collector (nothing), and how a reload changes the address.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_namespaces
need_commands ip curl jq python3
if [ "${IN_NAMESPACE-}" != yes ]; then
	unshare --net --mount true 2>/dev/null || skip_all "mounting is not permitted here"
	rm -rf "$T"
	IN_NAMESPACE=yes exec unshare --net --mount "$0"
fi
. "$SRCDIR/tests/node/node.sh"

ip link set lo up
# An answer does not fit into the kernel's buffers, so that it is the reporter that keeps it.
echo '4096 4096 4096' >/proc/sys/net/ipv4/tcp_wmem
mkdir "$T/log"
mount -t tmpfs -o size=256m none "$T/log"
clients=
more_cleanup()
{
	[ -z "$clients" ] || kill "$clients" 2>/dev/null || true
	umount -l "$T/log"
}
STATUS=$((PORT + 1))
URL=http://127.0.0.1:$STATUS

get()
{
	curl -s -m 10 "$@"
}
code()
{
	curl -s -m 10 -o /dev/null -w '%{http_code}' "$@"
}
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
reporter()
{
	children fb-reporter
}
health_is()
{
	get $URL/healthz >"$T/health"
	grep -q "$1" "$T/health"
}

LISTENER="{ address = \"127.0.0.1\"; port = $PORT; receive_buffer = \"64M\"; }"
# setup STATUS-ADDRESS STATUS-PORT [LISTENERS]
setup()
{
	configure "${3-$LISTENER}" 'rotate = "1d"; memory = "8M";' \
		"status = { address = \"$1\"; port = $2; ${STATUS_KEYS-} }; policy = { rules = ( { match = \"any\"; action = \"keep\"; } ); }; $(test "$(id -u)" != 0 || echo 'user = "nobody";')"
}
setup 127.0.0.1 $STATUS
# An interface whose name must be escaped.
ip link add 'q"\x' type veth peer name p1
ip link set 'q"\x' up
chown nobody "$T/log"
check "it starts" start_node || diag "$(cat "$T/messages")"
"$BLAST" -p "$PORT" -n 1000 -r 20000 >/dev/null
total=1000
shown()
{
	[ "$(get $URL/status | jq '[.lanes[].datagrams] | add')" = $total ]
}
check "the datagrams are shown" wait_for 20 shown

# --- what they say ---
get $URL/status >"$T/status"
is "$(jq -r '[.cluster, .node, (.lanes | length), .lanes[0].lane] | map(tostring) | join(" ")' "$T/status")" "test n 1 0" "status: whose it is"
# documented KIND: keys in the manual; names of metrics without a kind.
documented()
{
	sed -n '/^\.Sh STATUS/,/^\.Sh SIGNALS/p' "$SRCDIR/man/flowbraidd.8" |
		awk -v kind="${1-}" '$1 == ".It" && $2 == "Li" && (kind == "" || $5 == kind) { print kind == "" ? $3 : $4 }' | sort | paste -sd' '
}
is "$(jq -r '.lanes[0] | del(.lane, .time, .listeners, .policy_rules) | keys[]' "$T/status" | sort | paste -sd' ')" \
	"$(documented lane)" \
	"status: the keys of a lane are those of the manual"
is "$(jq -r '.lanes[0].policy_rules[0] | del(.rule) | keys[]' "$T/status" | sort | paste -sd' ')" \
	"$(documented rule)" \
	"status: the keys of a rule are those of the manual"
is "$(jq -r '.lanes[0].listeners[0] | del(.name) | keys[]' "$T/status" | sort | paste -sd' ')" \
	"$(documented listener)" \
	"status: the keys of a listener are those of the manual"
get $URL/metrics >"$T/metrics"
python3 "$SRCDIR/tests/node/metrics.py" <"$T/metrics" >"$T/names" 2>"$T/why"
is "$(cat "$T/why")" "" "metrics: a strict reader accepts them"
is "$(awk '{ print $1 }' "$T/names" | paste -sd' ')" \
	"$(documented)" \
	"metrics: those of the manual"
is "$(get $URL/healthz)" ok "health: ok"
is "$(code $URL/healthz) $(code $URL/status) $(code $URL/metrics)" "200 200 200" "GET: 200"
is "$(code -I $URL/metrics) $(curl -s -m 10 -I $URL/metrics | tr -d '\r' | sed '1,/^$/d' | wc -c)" "200 0" "HEAD: 200, and no body"
is "$(code $URL/) $(code $URL/../etc/passwd --path-as-is) $(code "$URL/status?x=1")" "404 404 200" "unknown paths: 404"
is "$(code -d x=1 $URL/status) $(code -X DELETE $URL/status)" "405 405" "POST, DELETE: 405"
like "$(code -X NONSENSE $URL/status)" "^(405|501|400)$" "an unknown method is refused"
like "$(code -d "$(head -c 4000 /dev/zero | tr '\0' x)" $URL/status)" "^(405|413|000)$" "a large body is refused"
like "$(code -H "X: $(head -c 20000 /dev/zero | tr '\0' x)" $URL/status)" "^(400|413|431|000)$" "large headers are refused"

# --- health: what is wrong ---
collector=$(children fb-collector)
kill -STOP "$collector"
check "a collector that hangs: said" wait_for 20 health_is '^collector 0: silent for' || diag "$(cat "$T/health")"
is "$(code $URL/healthz)" 503 "503"
kill -CONT "$collector"
check "it is well again" wait_for 20 health_is '^ok$'
setup 127.0.0.1 $STATUS "$LISTENER, { address = \"239.255.77.1\"; port = $PORT; interface = \"d0\"; },
	{ address = \"239.255.77.1\"; port = $PORT; interface = \"q\\\"\\\\x\"; }"
check "a listener without its interface" hangup 'configuration read again' || diag "$(tail -n 3 "$T/messages")"
check "is said" wait_for 20 health_is 'listener 239.255.77.1:.*%d0: waits for its interface' || diag "$(cat "$T/health")"
is "$(wc -l <"$T/health")" 1 "of no other one"
get $URL/metrics >"$T/metrics"
is "$(python3 "$SRCDIR/tests/node/metrics.py" <"$T/metrics" 2>&1 >/dev/null)" "" "metrics with a name that must be escaped"
like "$(cat "$T/metrics")" 'listener="239.255.77.1:[0-9]+%q\\"\\\\x"' "it is"
is "$(get $URL/status | jq '.lanes[0].listeners[2].name | endswith("q\"\\x")')" true "and in the status"
ip link add d0 type veth peer name p0
ip link set d0 up
check "the interface comes: it is well" wait_for 20 health_is '^ok$'
ip link del d0
check "the interface goes: said" wait_for 20 health_is 'listener 239.255.77.1:.*%d0: waits for its interface'
setup 127.0.0.1 $STATUS
check "without it" hangup 'configuration read again'
check "it is well again" wait_for 20 health_is '^ok$'
head -c 300M /dev/zero >"$T/log/filler" 2>/dev/null
"$BLAST" -p "$PORT" -n 100 -r 20000 >/dev/null
total=$((total + 100))
check "the disk is full: said" wait_for 20 health_is '^collector 0: the log cannot be written' || diag "$(cat "$T/health")"
rm "$T/log/filler"
check "it is well again" wait_for 20 health_is '^ok$'

# --- bad clients ---
resident()
{
	awk '/^VmRSS:/ { print $2 }' "/proc/$1/status"
}
cpu()
{
	awk '{ print $14 + $15 }' "/proc/$1/stat"
}
served()
{
	health_is '^ok$'
}
is_ready()
{
	grep -q ready "$T/ready"
}
pid=$(reporter)
idle=$(resident "$pid")
"$BLAST" -p "$PORT" -f 3 -n 350000 -r 5000 >/dev/null &
blast_pid=$!
for kind in "silent 1000" "slow 1000" "deaf 200" "churn 1000"; do
	# shellcheck disable=SC2086 # two words
	python3 "$SRCDIR/tests/node/clients.py" $STATUS $kind >"$T/ready" &
	clients=$!
	wait_for 20 is_ready
	begun=$(cpu "$pid") clock=$(date +%s)
	answers=0
	for i in 1 2 3 4 5 6 7 8; do
		! served || answers=$((answers + 1))
	done
	check "$kind: others are answered" [ $answers = 8 ] || diag "$answers of 8"
	check "$kind: no more than its descriptors" [ "$(find "/proc/$pid/fd" -mindepth 1 | wc -l)" -le 256 ]
	diag "$kind: $(resident "$pid") KiB resident, idle $idle; $(($(cpu "$pid") - begun)) ticks of CPU in $(($(date +%s) - clock)) s"
	check "$kind: memory is bounded" [ "$(resident "$pid")" -le $((idle + 16384)) ]
	kill "$clients"
	wait "$clients" 2>/dev/null
	clients=
done
head -c 100000 /dev/urandom >"$T/garbage"
for i in 1 2 3 4 5; do
	python3 - $STATUS "$T/garbage" <<-'END'
		import socket, sys
		s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
		try:
		    s.sendall(open(sys.argv[2], "rb").read())
		    s.settimeout(5)
		    s.recv(100)
		except OSError:
		    pass
	END
done
check "garbage: others are answered" served
python3 "$SRCDIR/tests/node/requests.py" $STATUS 1 400 plain >"$T/why" 2>&1 || diag "$(cat "$T/why")"
is "$(cat "$T/why")" "" "senseless requests: answers are HTTP"
check "senseless requests: others are answered" served
few_left()
{
	[ "$(find "/proc/$pid/fd" -mindepth 1 | wc -l)" -le 16 ]
}
check "connections that are left end by themselves" wait_for 30 few_left || diag "$(find "/proc/$pid/fd" -mindepth 1 | wc -l)"
is "$(reporter)" "$pid" "it was one process all the time"
kill "$blast_pid" 2>/dev/null
wait "$blast_pid" 2>/dev/null
check "datagrams came meanwhile" [ "$(get $URL/status | jq '.lanes[0].datagrams')" -gt $((total + 10000)) ]
is "$(get $URL/status | jq -c '[.lanes[0].log_drops, .lanes[0].listeners[0].kernel_drops]')" "[0,0]" "the collector lost nothing meanwhile"
check "ended connections are counted" [ "$(get $URL/status | jq .reporter.ended)" -gt 0 ]

# --- it ends ---
kill -9 "$pid"
another()
{
	[ "$(reporter)" != "$pid" ] && served
}
check "the reporter is killed: there is another one" wait_for 20 another
like "$(cat "$T/messages")" 'reporter: ended by signal 9' "it is said"
is "$(get $URL/status | jq .reporter.restarts)" 1 "and counted"
is "$(children fb-collector)" "$collector" "the collector is the same"

# --- reloads ---
setup 127.0.0.1 $((STATUS + 1))
check "another port" hangup 'configuration read again'
is "$(code http://127.0.0.1:$((STATUS + 1))/healthz) $(code $URL/healthz)" "200 000" "the new one answers, the old one is closed"
setup 0.0.0.0 $((STATUS + 1))
check "all addresses: refused" hangup 'the running configuration stays'
like "$(cat "$T/messages")" 'conf:[0-9]+: status 0.0.0.0: others reach this address: it needs TLS' "it says what is missing"
STATUS_KEYS="public = true;"
setup 0.0.0.0 $((STATUS + 1))
check "all addresses, same port" hangup 'configuration read again' || diag "$(tail -n 3 "$T/messages")"
is "$(code http://127.0.0.2:$((STATUS + 1))/healthz)" 200 "it answers"
like "$(cat "$T/messages")" 'status 0.0.0.0 port .*neither authentication nor encryption' "it is said that others can read"
is "$(grep -c 'neither authentication' "$T/messages")" 1 "of no other address"
setup 192.0.2.77 $STATUS
check "an address that is not here: refused" hangup 'the running configuration stays'
like "$(cat "$T/messages")" 'status 192.0.2.77 port .*: cannot listen: Cannot assign requested address' "it says why"
is "$(code http://127.0.0.2:$((STATUS + 1))/healthz)" 200 "the old one answers"
configure "$LISTENER" 'rotate = "1d"; memory = "8M";' "$(test "$(id -u)" != 0 || echo 'user = "nobody";')"
check "no status" hangup 'configuration read again'
is "$(code http://127.0.0.1:$((STATUS + 1))/healthz) $(reporter)" "000 " "nothing answers"
stop_node
is "$status" 0 "SIGTERM: exit 0"
check "it starts without a status" start_node
setup 127.0.0.1 $STATUS
check "a reload brings one" hangup 'configuration read again'
check "it answers" wait_for 20 served || diag "$(cat "$T/health"; tail -n 5 "$T/messages")"
stop_node
is "$status" 0 "SIGTERM: exit 0"
done_testing
