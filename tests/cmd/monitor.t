#!/bin/sh
# SPDX-License-Identifier: ISC
# flowbraid monitor against nodes that are none (fake-node.py): what it says of whole, dead, wrong, slow and hostile ones, over TLS and with
# passwords; what it serves, and to whom.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
need_commands python3 curl jq openssl

FLOWBRAID=$BUILDDIR/flowbraid
PORT=$((30000 + $$ % 9000))
A=http://127.0.0.1:$PORT
B=http://127.0.0.1:$((PORT + 1))
DEAD=http://127.0.0.1:$((PORT + 9))
MONITOR=127.0.0.1:$((PORT + 8))
monitor_pid=
cleanup()
{
	# shellcheck disable=SC2046 # numbers
	kill $monitor_pid $(cat "$T"/*.pid 2>/dev/null) 2>/dev/null || true
}

listens()
{
	grep -q ":$(printf %04X "$1") 0*:0000 0A" /proc/net/tcp
}
# node NAME PORT-OFFSET [OPTION]...: takes the place of the one of that name.
node()
{
	name=$1
	port=$((PORT + $2))
	shift 2
	if [ -f "$T/$name.pid" ]; then
		kill "$(cat "$T/$name.pid")"
		wait "$(cat "$T/$name.pid")" 2>/dev/null || true
	fi
	python3 "$SRCDIR/tests/cmd/fake-node.py" "$port" "$@" "$name" 2>"$T/$name.err" &
	echo $! >"$T/$name.pid"
	wait_for 20 listens "$port" || diag "$(cat "$T/$name.err")"
}
monitor()
{
	run "$FLOWBRAID" monitor "$@"
}

# --- options ---
monitor --check
is "$status" 3 "no nodes: unknown"
like "$err" 'no nodes' "it says so"
monitor --node ftp://a
is "$status" 2 "no such address"
like "$err" 'node 1: expected http://HOST:PORT' "what is expected"
monitor --node "http://user:secret@192.0.2.1:1"
like "$err" 'a password is sent over https only' "no password in the clear"
check "nor in messages" sh -c "! grep -q secret '$T/err'"
monitor --node $A --listen 0.0.0.0:1 -n
is "$status" 2 "nothing is served to everybody"
like "$err" 'public = true' "unless told to"
monitor --node $A --listen 127.0.0.1:0
like "$err" 'expected ADDRESS:PORT' "no port"
monitor --node $A --window 5m
like "$err" '\-\-window: expected a duration' "a window that is too short"
monitor --node $A --check --json
is "$status" 3 "check or JSON"
cat >"$T/conf" <<-END
	cluster = "test"; nodes = ( "$A", { url = "$B"; } );
	window = "1h"; interval = "500ms"; timeout = "2s"; streams = 5; series = 50;
	listen = { port = 5; public = false; };
END
monitor -f "$T/conf" -n
is "$status$err" 0 "a configuration"
# bad TEXT MESSAGE
bad()
{
	printf '%s\n' "$1" >"$T/bad"
	monitor -f "$T/bad" -n
	like "$status $err" "2 .*$2" "$1"
}
bad 'nodes = 5;' 'line 1: nodes: expected a list'
bad 'nodes = ( { user = "x"; } );' 'expected url'
bad 'nodes = ( { url = "https://a"; user = "x"; } );' 'go together'
bad 'nodes = ( { url = "https://a"; user = "x"; password_file = "/nowhere"; } );' 'cannot read'
bad 'windows = "1h";' 'windows: no such key'
bad 'interval = "1";' 'interval: expected a duration'
bad 'listen = { address = "here"; };' 'expected a numeric address'
bad 'listen = { address = "127.0.0.1"; };' 'expected port'
bad 'tls = { ca = 5; };' 'ca: expected a string'
bad 'tls = { certificate = "x"; }; nodes = ( "https://a" );' 'certificate and key go together'
bad 'nodes = (' 'syntax error'

# --- whole, and not ---
node a 0
node b 1
monitor --node $A --node $B --check
is "$status" 0 "two nodes that have all" || diag "$out$err"
like "$out" "^FLOWBRAID OK - test: 0 datagrams .* \\| nodes_up=2;2:;1:;0;2 residual=0;0;;0 residual_percent=0\\.0000%;0;0\\.0000;0;100 'a_missing'=0;;;0 'b_missing'=0;;;0\$" \
	"one line with data"
is "$(printf '%s\n' "$out" | wc -l)" 1 "one"
monitor --node $A --node $B --json
is "$(jq -c '[.cluster, .health, .residual, [.nodes[].state], .streamsTotal, [.streams[0].nodes[].state], (.timeline.all | length, .[0], .[-1]), (.timeline.nodes[0].heard | [.[0], .[-1] > 0])]' "$T/out")" \
	'["test","whole",0,["up","up"],2,["hears","hears"],360,null,0,[null,true]]' "the document"
at=$(date +%s)
node b 1 --at "$at" --miss 100-90,60-50
monitor --node $A --node $B --check
is "$status" 1 "one has missed something" || diag "$out"
like "$out" "node b misses 200 datagrams" "it is said"
node a 0 --at "$at" --miss 95-85
monitor --node $A --node $B --check
is "$status" 2 "all have missed something"
like "$out" "residual=50;" "how much" || diag "$out"
monitor --node $A --node $B --check --max-loss 5
is "$status" 1 "which is no more than permitted"
monitor --node $A --node $B --json
is "$(jq -c '[.health, .residual, .streams[0].residual, [.nodes[].missing], ([.gaps[] | select(.nodes == "all") | .missing] | add),
	([.gaps[] | select(.nodes == ["b"]) | .missing] | add), ([.gaps[].cause] | unique)]' "$T/out")" \
	'["losing",50,50,[100,200],50,150,["network","network or exporter"]]' "the document tells which" ||
	diag "$(jq -c .gaps "$T/out")"
node a 0
node b 1

# --- nodes that are not well ---
monitor --node $A --node $DEAD --check
is "$status" 1 "one is dead"
like "$out" 'has not answered yet: connection refused' "it is said"
monitor --node $DEAD --check
is "$status" 2 "all are dead"
like "$out" 'no node answers' "that, too"
monitor --node $A --node $A/ --check
like "$out" 'it has the name of another node' "a node twice"
monitor --node http://no-such-host.invalid:1 --check
like "$status $out" '2 .*has not answered yet: (nodename nor servname|temporary failure|non-recoverable|timed out)' "a name that nobody knows"
monitor --cluster other --node $A --check
like "$status $out" '2 .*it is of another cluster' "another cluster"
# odd MODE MESSAGE
odd()
{
	node b 1 --mode "$1"
	printf 'nodes = ( "%s", "%s" ); timeout = "2s";' $A $B >"$T/odd"
	monitor -f "$T/odd" --check
	like "$status $out" "1 .*: $2" "$1: $2"
}
odd slow 'timed out'
odd endless 'its answer is too long'
odd garbage 'it (does not speak HTTP|ended the connection)'
odd error 'it answers with an error'
odd half 'it ended the connection'
odd wrong '/gaps: expected cluster'

# --- TLS and passwords ---
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/ca.key" -out "$T/ca.pem" -subj /CN=authority -days 2
	for who in node client; do
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/$who.key" -out "$T/$who.csr" -subj /CN=$who
		echo "subjectAltName=IP:127.0.0.1" >"$T/ext"
		openssl x509 -req -in "$T/$who.csr" -CA "$T/ca.pem" -CAkey "$T/ca.key" -CAcreateserial -out "$T/$who.pem" -days 2 -extfile "$T/ext"
	done
} 2>"$T/openssl" || diag "$(cat "$T/openssl")"
node b 1 --certificate "$T/node.pem" --key "$T/node.key" --client-ca "$T/ca.pem" --user "me:pass word"
S=https://127.0.0.1:$((PORT + 1))
echo "pass word" >"$T/password"
# secure NODE TLS: asks it with this configuration.
secure()
{
	printf 'nodes = ( %s ); timeout = "5s"; tls = { %s };' "$1" "$2" >"$T/secure"
	monitor -f "$T/secure" --check
}
who="{ url = \"$S\"; user = \"me\"; password_file = \"$T/password\"; }"
secure "$who" "ca = \"$T/ca.pem\"; certificate = \"$T/client.pem\"; key = \"$T/client.key\";"
is "$status" 0 "over TLS, with a certificate and a password" || diag "$out$err"
secure "\"$S\"" "ca = \"$T/ca.pem\"; certificate = \"$T/client.pem\"; key = \"$T/client.key\";"
like "$status $out" '2 .*it wants another user or password' "without a password"
secure "\"https://me:pass%20word@127.0.0.1:$((PORT + 1))\"" "ca = \"$T/ca.pem\"; certificate = \"$T/client.pem\"; key = \"$T/client.key\";"
is "$status" 0 "with one in the address" || diag "$out$err"
check "which is not shown" sh -c "! grep -q 'pass' '$T/out'"
secure "$who" "ca = \"$T/ca.pem\";"
is "$status" 2 "without a certificate" || diag "$out"
secure "$who" "certificate = \"$T/client.pem\"; key = \"$T/client.key\";"
like "$status $out" '2 .*(unable to get local issuer|self-signed|verify failed)' "of an authority that nobody knows"
secure "\"https://me:pass%20word@localhost:$((PORT + 1))\"" "ca = \"$T/ca.pem\"; certificate = \"$T/client.pem\"; key = \"$T/client.key\";"
like "$status $out" '2 .*(ostname mismatch|verify failed|cannot connect)' "of another host"
secure "$who" "ca = \"$T/password\";"
like "$status $err" "3 .*tls.ca $T/password: cannot use it" "a file that is no certificate"

# --- what it serves ---
node b 1 --streams 30
mkdir "$T/page"
echo '<!doctype html>' >"$T/page/index.html"
echo 'x' >"$T/page/app.js"
echo 'secret' >"$T/page/key.pem"
start_monitor()
{
	"$FLOWBRAID" monitor "$@" 2>"$T/messages" &
	monitor_pid=$!
	wait_for 20 listens $((PORT + 8)) || diag "$(cat "$T/messages")"
}
stop_monitor()
{
	kill "$monitor_pid"
	status=0
	wait "$monitor_pid" || status=$?
	monitor_pid=
}
cluster()
{
	[ "$(curl -s -m 10 "http://$MONITOR/cluster" | jq -r "$1")" = "$2" ]
}
start_monitor --node "$A" --node "$B" --listen "$MONITOR" --page "$T/page" --interval 300ms
check "it serves what it sees" wait_for 20 cluster .streamsTotal 30
check "30 streams, of which b hears 28 alone: thinner" wait_for 20 cluster .health thinner
is "$(curl -s "http://$MONITOR/cluster?streams=3" | jq -c '[.streamsTotal, (.streams | length)]')" '[30,3]' "as many streams as are asked for"
is "$(curl -s -o "$T/health" -w '%{http_code}' "http://$MONITOR/healthz")" 200 "health"
like "$(cat "$T/health")" '1 of 2 nodes hear 10\.0\.0\.' "and why it is not whole"
curl -s "http://$MONITOR/metrics" >"$T/metrics"
is "$(grep -c '^flowbraid_cluster_node_up{node="[ab]"} 1$' "$T/metrics")" 2 "metrics: nodes"
is "$(grep -c '^flowbraid_cluster_stream_redundancy{.*} 1$' "$T/metrics")" 28 "and redundancy"
if command -v promtool >/dev/null; then
	promtool check metrics <"$T/metrics" >"$T/lint" 2>&1
	is "$?$(cat "$T/lint")" 0 "promtool has nothing to say"
else
	skip "promtool has nothing to say" "no promtool (package prometheus)"
fi
curl -s -i "http://$MONITOR/" | tr -d '\r' >"$T/index"
like "$(cat "$T/index")" '^<!doctype html>$' "the page"
like "$(cat "$T/index")" "^Content-Security-Policy: default-src 'none'.*require-trusted-types-for 'script'" "with its policy"
is "$(curl -s -o "$T/js" -w '%{http_code} %{content_type}' "http://$MONITOR/app.js")" "200 text/javascript; charset=utf-8" "a script"
for path in key.pem ../conf page/index.html index.htm %2e%2e/conf; do
	is "$(curl -s --path-as-is -o "$T/none" -w '%{http_code}' "http://$MONITOR/$path")" 404 "not /$path"
done
curl -s -N -m 2 "http://$MONITOR/events" >"$T/events" || true
check "events" [ "$(grep -c '^data: {"cluster":"test".*}$' "$T/events")" -ge 2 ]
sed -n 's/^data: //p' "$T/events" | head -n 1 >"$T/event"
is "$(jq -r .cluster "$T/event")" test "are documents"
descriptors()
{
	find "/proc/$monitor_pid/fd" -type l | wc -l
}
before=$(descriptors)
i=0
while [ $i -lt 60 ]; do
	curl -s -N -m 1 -o "$T/ev$i" -w '%{http_code}\n' "http://$MONITOR/events" >>"$T/codes" &
	i=$((i + 1))
	echo $! >>"$T/watchers"
done
# shellcheck disable=SC2013
for pid in $(cat "$T/watchers"); do
	wait "$pid" || true
done
is "$(sort "$T/codes" | uniq -c | awk '{ print $2 }' | paste -sd' ')" "200 503" "60 who watch: some, and others are told"
gone()
{
	[ "$(descriptors)" -le $((before + 4)) ]
}
check "and nothing of them stays" wait_for 20 gone || diag "$before $(descriptors)"
kill "$(cat "$T/b.pid")"
rm "$T/b.pid"
check "a node goes down while one looks" wait_for 20 cluster '.nodes[1].state' down
said()
{
	grep -q "$1" "$T/messages"
}
check "which is said" wait_for 5 said 'cluster test: thinner: .*node b does not answer any more'
stop_monitor
is "$status" 0 "it ends in good order"

# Names from the network.
node a 0 --cluster 't"e\st' --streams 1
# shellcheck disable=SC2016
printf 'nodes = ( "%s" );' "$A" >"$T/evil"
start_monitor -f "$T/evil" --listen "$MONITOR"
check "quotes in a name" wait_for 20 cluster .cluster 't"e\st'
like "$(curl -s "http://$MONITOR/")" 'the page is not installed|doctype' "the page as it is installed, or none"
stop_monitor

# To whom.
node a 0
printf 'me:%s\n' "$(openssl passwd -6 secret)" >"$T/users"
cat >"$T/tls" <<-END
	nodes = ( "$A" );
	listen = { port = $((PORT + 8)); certificate = "$T/node.pem"; key = "$T/node.key"; users = "$T/users"; };
END
start_monitor -f "$T/tls"
is "$(curl -s -m 10 --cacert "$T/ca.pem" -o "$T/tls.out" -w '%{http_code}' "https://$MONITOR/cluster")" 401 "over TLS, without a password"
is "$(curl -s -m 10 --cacert "$T/ca.pem" -u me:secret -o "$T/tls.out" -w '%{http_code}' "https://$MONITOR/cluster")" 200 "with one"
# again MESSAGE: the configuration is read again, and so much is said.
said_since()
{
	tail -n "+$before" "$T/messages" >"$T/again"
	grep -q "$1" "$T/again"
}
again()
{
	before=$(($(wc -l <"$T/messages") + 1))
	kill -HUP "$monitor_pid"
	wait_for 10 said_since "$1"
}
printf 'you:%s\n' "$(openssl passwd -6 secret)" >"$T/users"
sed -i "1s/^/timeout = \"2s\"; streams = 1; /" "$T/tls"
check "SIGHUP: the configuration is read again" again 'configuration read again'
is "$(curl -s -m 10 --cacert "$T/ca.pem" -u me:secret -o "$T/tls.out" -w '%{http_code}' "https://$MONITOR/cluster")" 401 "one user has gone"
is "$(curl -s -m 10 --cacert "$T/ca.pem" -u you:secret "https://$MONITOR/cluster" | jq '.streams | length')" 1 "another has come, and a limit"
cp "$T/tls" "$T/tls.good"
sed -i "s|$A|$B|; 1s/^/window = \"1h\"; interval = \"2s\"; /; s/port = [0-9]*;/port = $((PORT + 7));/" "$T/tls"
check "what cannot change is refused" again 'the configuration stays as it was'
like "$(cat "$T/again")" "node 1: cannot change from $A/* to $B/* without a new start" "nodes"
like "$(cat "$T/again")" 'window: cannot change from 10800000ms to 3600000ms without a new start' "the window"
like "$(cat "$T/again")" "listen: cannot change from 127.0.0.1 port $((PORT + 8)) to 127.0.0.1 port $((PORT + 7)) without" "the address"
sed "s/streams = 1/streams = 2/; s|$T/node.key|$T/nowhere|" "$T/tls.good" >"$T/tls"
check "nor is a half of it taken" again 'the configuration stays as it was'
is "$(curl -s -m 10 --cacert "$T/ca.pem" -u you:secret "https://$MONITOR/cluster" | jq '.streams | length')" 1 "with a key that is not there"
sed 's/timeout/time/' "$T/tls.good" >"$T/tls"
check "nor anything that is wrong" again 'time: no such key'
stop_monitor
is "$status" 0 "the end"
done_testing
