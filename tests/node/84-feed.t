#!/bin/sh
# SPDX-License-Identifier: ISC
# Live feeds: the flows as cat prints them, the records as the log has them; readers that are many, slow, deaf, or leave; a relay
# that is killed or stopped while the log loses nothing; sockets and who may connect; reloads. (flowd's collector stalled when a
# consumer of its feed stopped reading, and ended when it left.)
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"

need_commands curl jq python3
fb=$BUILDDIR/flowbraid
readers=
more_cleanup()
{
	# shellcheck disable=SC2086 # a list of numbers
	[ -z "$readers" ] || kill -9 $readers 2>/dev/null || true
}
is_ready()
{
	grep -q ready "$T/ready"
}
# other_end WHAT...: a program of outputs.py, in $other.
other_end()
{
	: >"$T/ready"
	python3 "$SRCDIR/tests/node/outputs.py" "$@" >"$T/ready" 2>"$T/other-err" &
	other=$!
	readers="$readers $other"
	wait_for 20 is_ready || diag "$(cat "$T/other-err")"
}
STATUS=$((PORT + 1))
status_of()
{
	curl -s -m 10 "http://127.0.0.1:$STATUS/status" | jq -r "$1"
}
# shows EXPRESSION VALUE
shows()
{
	[ "$(status_of "$1")" = "$2" ]
}
said()
{
	[ "$(grep -c "$1" "$T/messages")" -ge "${2-1}" ]
}
lines()
{
	[ "$(wc -l <"$1")" -ge "$2" ]
}
reloaded=0
reload()
{
	reloaded=$((reloaded + 1))
	kill -HUP "$node_pid"
	wait_for 20 said 'configuration read again' $reloaded
}
user=
who=$(id -un)
if [ "$(id -u)" = 0 ] && id nobody >/dev/null 2>&1; then
	user='user = "nobody";'
	who=nobody
	chmod 711 "$T"
	mkdir "$T/log" "$T/run"
	chown nobody "$T/log" "$T/run"
	chmod 755 "$T/run"
else
	mkdir "$T/run"
fi
FEED=$T/run/feed
RECORDS=$T/run/records
# setup FEEDS [TOP-KEYS]
setup()
{
	configure "{ address = \"127.0.0.1\"; port = $PORT; receive_buffer = \"64M\"; }" 'rotate = "1d"; memory = "256M";' \
		"status = { address = \"127.0.0.1\"; port = $STATUS; }; $user feed = $1; ${2-}"
}

# --- sockets ---
python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])' "$FEED"
[ -z "$user" ] || chown nobody "$FEED"
setup "( \"$FEED\", { path = \"$RECORDS\"; format = \"records\"; mode = \"0600\"; } )"
check "it starts where a killed node has left its socket" start_node || diag "$(cat "$T/messages")"
is "$(stat -c '%F %a %U' "$FEED" "$RECORDS" | paste -sd,)" "socket 660 $who,socket 600 $who" "sockets, with their modes, of the children's user"
if [ "$(id -u)" = 0 ]; then
	is "$(python3 -c 'import os, socket, sys
os.setgroups([]); os.setgid(12345); os.setuid(12345)
try:
    socket.socket(socket.AF_UNIX).connect(sys.argv[1])
    print("connected")
except PermissionError:
    print("refused")' "$FEED")" refused "who may not connect, cannot"
fi
first=$node_pid
cp "$T/messages" "$T/messages.first"
sed "s,$T/log,$T/log2,; s/port = $PORT/port = $((PORT + 2))/; s/port = $STATUS/port = $((PORT + 3))/; s/user = .nobody.;//" "$T/conf" >"$T/conf2"
run timeout 60 "$NODE" -d -f "$T/conf2"
is "$status" 2 "another node on the same path: exit 2"
like "$err" "feed $FEED: cannot listen: another process listens there" "it says why"
: >"$T/run/file"
sed "s,$FEED,$T/run/file,; s,$RECORDS,$T/run/other," "$T/conf2" >"$T/conf3"
run timeout 60 "$NODE" -d -f "$T/conf3"
is "$status" 2 "a file that is no socket: exit 2"
like "$err" "feed $T/run/file: cannot listen: there is a file that is no socket" "it says why"
check "and it stays" [ -f "$T/run/file" ]
check "what could be opened is closed" [ ! -e "$T/run/other" ]

# exports [OPTIONS]: from an exporter of this host; what it sends is flows of 600 bytes in JSON.
exports()
{
	"$BLAST" -p "$PORT" "$@" >/dev/null
}

# --- many readers, all of whom read ---
other_end reader "$FEED" "$T/json" 8
eight=$other
other_end reader "$RECORDS" "$T/records.fbs.open" 2
two=$other
exports -n 150 -r 150 -v 9 -s $((PORT + 4))
exports -n 150 -r 150 -v 5 -s $((PORT + 5))
check "all is recorded" wait_for 20 recorded 300
flows=$("$fb" cat -q -c "$T/log")
for i in 0 1 2 3 4 5 6 7; do
	check "reader $i: as many lines as flows" wait_for 20 lines "$T/json.$i" "$flows" || diag "$(wc -l <"$T/json.$i") of $flows"
done
is "$(sha256sum "$T"/json.? | cut -d' ' -f1 | sort -u | wc -l)" 1 "all readers have the same"
"$fb" cat -q -F json "$T/log" | jq -cS 'del(.witnesses)' | sort >"$T/want"
jq -cS . "$T/json.0" | sort >"$T/got"
check "which is what cat prints of the log" cmp "$T/got" "$T/want" || diag "$(diff "$T/got" "$T/want" | head -n 4)"
counted()
{
	[ "$("$fb" cat -q -c "$1" 2>/dev/null)" = "$flows" ]
}
for i in 0 1; do
	mv "$T/records.fbs.open.$i" "$T/00-$i.fbs.open"
	check "a reader of records has a log with all flows" wait_for 20 counted "$T/00-$i.fbs.open"
	run "$fb" verify "$T/00-$i.fbs.open"
	is "$status" 0 "without damage" || diag "$out$err"
done
"$fb" cat -q -F json "$T/00-0.fbs.open" | jq -cS 'del(.witnesses)' | sort >"$T/got"
check "that are the same" cmp "$T/got" "$T/want"
check "status: readers" wait_for 10 shows '[.relay.feed[].readers] | join(" ")' "8 2"
check "status: lines and records, of each reader" wait_for 10 shows '[.relay.feed[].records] | join(" ")' "$((8 * flows)) 600"
is "$(status_of '[.relay.feed[].lost] | add')" 0 "nothing is lost"
kill "$eight" "$two"
check "readers that have gone are forgotten" wait_for 10 shows '[.relay.feed[].readers] | join(" ")' "0 0"

# --- one that does not read, one that leaves ---
other_end reader "$FEED" "$T/json" 1
other_end stall "$FEED" "$T/stalled"
stalled=$other
other_end leave "$FEED" 20000
leaver=$other
other_end stall "$FEED" "$T/killed"
kill -9 "$other"
exports -n 600 -r 200 -v 5 -s $((PORT + 5))
check "all is recorded, whatever readers do" wait_for 30 recorded 900
status=0
wait "$leaver" || status=$?
is "$status" 0 "one has left in the middle"
check "one that reads has everything" wait_for 60 lines "$T/json.0" 18000 || diag "$(wc -l <"$T/json.0")"
is "$(grep -c lost "$T/json.0")" 0 "and lost nothing"
check "that one is lost on is said" wait_for 10 said "feed $FEED: a reader does not keep up"
check "two have gone" wait_for 10 shows '[.relay.feed[].readers] | join(" ")' "2 0"
kill -USR1 "$stalled"
# told FILE WANT: its lines, and those that it was told of as lost, are so many.
told()
{
	[ "$(awk -F'[:,}]' '/^.?"lost"/ { n += $2; next } /^.?"lostD/ { next } { n++ } END { print n + 0 }' "$1")" = "$2" ]
}
check "the one that did not read: lines and losses are all that there was" wait_for 30 told "$T/stalled" 18000
is_json()
{
	jq -e . "$1" >/dev/null
}
check "every line is JSON" is_json "$T/stalled"
lost=$(jq -s 'map(.lost // 0) | add' "$T/stalled")
check "it did lose" [ "$lost" -gt 0 ]
check "and did not lose all" [ "$lost" -lt 18000 ]
check "as many as the status says" wait_for 10 shows '.relay.feed[0].lost > '"$lost"' - 1' true || diag "$(status_of .relay.feed), $lost"
kill "$stalled"
check "only one is left" wait_for 10 shows '[.relay.feed[].readers] | join(" ")' "1 0"
kill "$other" 2>/dev/null || true

other_end stall "$RECORDS" "$T/00-stalled.fbs.open"
stalled=$other
exports -n 4000 -r 4000 -v 5 -s $((PORT + 5))
check "all is recorded" wait_for 30 recorded 4900
kill -USR1 "$stalled"
datagrams_told()
{
	awk '$2 == "datagram" { n++ } $2 == "event" && match($0, / 3=[0-9]+/) { n += substr($0, RSTART + 3, RLENGTH - 3) } END { print n + 0 }' "$T/records"
}
# told_records FILE WANT: its datagrams, and those that events told of.
told_records()
{
	"$BUILDDIR/tests/node/records" "$1" >"$T/records"
	[ "$(datagrams_told)" = "$2" ]
}
check "of records, too" wait_for 30 told_records "$T/00-stalled.fbs.open" 4000 || diag "$(grep event "$T/records")"
like "$(cat "$T/records")" ' event .* log-drop' "told by an event"
run "$fb" verify "$T/00-stalled.fbs.open"
is "$status" 0 "without damage" || diag "$out$err"

# --- the relay ends, or stands still ---
relay=$(children fb-relay)
exports -n 900 -r 150 -v 9 -s $((PORT + 6)) & # templates are in the first one alone
load=$!
check "exports go on" wait_for 20 recorded 5000
kill -9 "$relay"
another()
{
	[ -n "$(children fb-relay)" ] && [ "$(children fb-relay)" != "$relay" ]
}
check "killed: another one takes its place" wait_for 20 another
other_end reader "$FEED" "$T/after" 1
after=$other
wait $load
check "all is recorded" wait_for 20 recorded 5800
last()
{
	grep -q '"sequence":899,' "$T/after.0"
}
check "a reader has flows again" wait_for 20 last
sed 's/.*"sequence":\([0-9]*\),.*/\1/' "$T/after.0" | sort -un >"$T/sequences"
first=$(head -n 1 "$T/sequences")
check "from templates that the collector told it" [ "$first" -gt 0 ]
is "$(wc -l <"$T/sequences")" $((900 - first)) "and no datagram is missing from then on"
kill "$after"

other_end reader "$RECORDS" "$T/00-after.fbs.open" 1
relay=$(children fb-relay)
kill -STOP "$relay"
exports -n 20000 -r 8000 -v 5 -s $((PORT + 5))
check "stopped: all is recorded" wait_for 60 recorded 25800 || diag "$(records | grep -c ' datagram ')"
full()
{
	[ "$(status_of '.lanes[0] | .relay_lost + .relayed')" = 25800 ]
}
check "handed to it and lost are all, and counted" wait_for 10 full || diag "$(status_of '.lanes[0]')"
check "some are lost" [ "$(status_of '.lanes[0].relay_lost')" -gt 0 ]
check "it is said" said "the relay does not keep up"
like "$(curl -s "http://127.0.0.1:$STATUS/healthz")" '^(relay: silent for|ok)' "the health page answers"
kill -CONT "$relay"
# What is lost is told with what comes next, and that may be lost, too, as long as there is no room.
sent=20000
goes_on()
{
	exports -n 1 -r 100 -v 5 -s $((PORT + 5))
	sent=$((sent + 1))
	told_records "$T/00-after.fbs.open.0" 0
	[ "$(datagrams_told)" -gt 20000 ]
}
check "it goes on" wait_for 60 goes_on
check "and the reader is told what is missing" wait_for 60 told_records "$T/00-after.fbs.open.0" $sent ||
	diag "$sent: $(grep event "$T/records")"
is "$(children fb-relay)" "$relay" "in the same life"

# --- reload ---
collector=$(children fb-collector)
setup "( { path = \"$T/run/chosen\"; expression = \"src net 10.0.0.0/29 and proto tcp\"; }, { path = \"$FEED\"; mode = \"0666\"; } )"
check "other feeds" reload || diag "$(tail -3 "$T/messages")"
is "$(stat -c %a "$FEED")" 666 "one has another mode"
check "one is no more" [ ! -e "$RECORDS" ]
is "$(children fb-collector)" "$collector" "the collector is the same"
other_end reader "$T/run/chosen" "$T/chosen" 1
other_end reader "$FEED" "$T/everything" 1
exports -n 200 -r 200 -v 5 -s $((PORT + 5))
check "everything" wait_for 20 lines "$T/everything.0" 6000
jq -c 'select(.sourceIPv4Address | test("^10[.]0[.]0[.][0-7]$"))' "$T/everything.0" >"$T/want"
check "an expression chooses" wait_for 20 lines "$T/chosen.0" "$(wc -l <"$T/want")"
check "what it says" cmp "$T/chosen.0" "$T/want"
check "that is something" [ -s "$T/want" ] || diag "$(head -n 1 "$T/everything.0")"

# --- too many ---
other_end reader "$FEED" "$T/many" 30
one_more()
{
	python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.settimeout(10)
sys.exit(s.recv(1) != b"")' "$FEED"
}
check "one reader too many: its connection ends" one_more
check "it is said" said "feed $FEED: a reader is refused: there are 32 already"
check "and counted" wait_for 10 shows '.relay.feed[1].refused_readers' 1
exports -n 10 -r 1000 -v 5 -s $((PORT + 5))
check "the others read on" wait_for 20 lines "$T/many.29" 300

setup "\"relative\""
kill -HUP "$node_pid"
check "a path that is none: refused" wait_for 20 said 'feed: expected the path of a socket'
setup "{ path = \"$FEED\"; expression = \"src port http or\"; }"
kill -HUP "$node_pid"
check "an expression that is none: refused, with its column" wait_for 20 said 'conf:.*: feed.expression: column'
# Lines that are on the way come before the end.
exports -n 50 -r 5000 -v 5 -s $((PORT + 5))
stop_node
is "$status" 0 "it ends in good order"
check "readers get all that came before, and then an end" wait_for 10 lines "$T/everything.0" 7800 || diag "$(wc -l <"$T/everything.0")"
is "$(find "$T/run" -type s)" "" "no socket is left"
is "$(records | grep -c ' datagram ')" $((6060 + sent)) "the log has every datagram"
done_testing
