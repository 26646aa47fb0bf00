#!/bin/sh
# SPDX-License-Identifier: ISC
# kill -9 of the collector, the reporter, the parent, or all, at random moments under load, and now and then of another one
# while the node is still at getting up. Each time: nothing that was in the log has gone from it, it verifies, and the ledger
# misses exactly what was sent and is not there, all of it between two lives. The dead are replaced, orphans end, and
# a node that is started at once gets lock and sockets.
#
#	KILLS=300 SEED=1 tests/node/45-kills.t
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root (large receive buffers)"
need_commands python3 perl
KILLS=${KILLS:-40}
SEED=${SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
A_LOG=20 # kills; then another one is begun
FB="$BUILDDIR/flowbraid"
STATUS_PORT=$((PORT + 10001))
FROM=$((2000 + $$ % 4000 * 4)) # other tests run, too
# port version flows a-second
STREAMS="$FROM 5 3 2500
$((FROM + 1)) 9 3 2500
$((FROM + 2)) 5 12 1200
$((FROM + 3)) 9 8 1200"
senders=
user=
! id nobody >/dev/null 2>&1 || user='user = "nobody";'
chmod 711 "$T"
more_cleanup()
{
	# shellcheck disable=SC2086 # a list of numbers
	[ -z "$senders" ] || kill -9 $senders 2>/dev/null || true
}

configure "{ address = \"127.0.0.1\"; port = $PORT; receive_buffer = \"256M\"; }" 'rotate = "1d"; size = "16M";' \
	"$user status = { address = \"127.0.0.1\"; port = $STATUS_PORT; };"
diag "SEED=$SEED KILLS=$KILLS"

# --- chance

random=$SEED
# dice N: a number below N in $die
dice()
{
	random=$(((random * 1103515245 + 12345) % 2147483648))
	die=$(((random >> 12) % $1))
}

pause_ms()
{
	sleep "$(printf '0.%03d' "$1")"
}

# --- the node

# gone PID...: none of them is there, but for what nobody has waited for.
gone()
{
	for pid; do
		[ ! -e "/proc/$pid" ] || grep -qs '^State:[[:space:]]*Z' "/proc/$pid/status" || return 1
	done
}

is_up()
{
	! gone "$node_pid"
}

newest()
{
	find "$T/log" -name '*.fbs*' | sort | tail -n 1
}

# The life that the newest segment is of.
life_now()
{
	"$BUILDDIR/tests/node/records" "$(newest)" 2>/dev/null | sed -n 's/^[^ ]* header [0-9]* \([0-9a-f]*\) .*/\1/p' | head -n 1
}

# It records, in another life than $1.
records_anew()
{
	[ "$(life_now)" != "$1" ] && "$BUILDDIR/tests/node/records" "$(newest)" 2>/dev/null | grep -q ' datagram '
}

status_is_well()
{
	perl -MIO::Socket::INET -e '
		alarm 5; # nobody may be there to answer
		my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$ARGV[0]", Timeout => 5) or exit 1;
		print $s "GET /healthz HTTP/1.0\r\n\r\n"; print while <$s>;' "$STATUS_PORT" | grep -q '^ok'
}

begin_node()
{
	: >"$T/messages"
	"$NODE" -d -f "$T/conf" 2>"$T/messages" </dev/null &
	node_pid=$!
	starts=$((starts + 1))
}

bury_parent()
{
	wait "$node_pid" 2>/dev/null || true
}

said_started()
{
	grep -q ': started: ' "$T/messages"
}

started_or_ended()
{
	said_started || ! is_up
}

# Its supervisor: starts a node that has ended, until one stays, or five did not. In $ended how many.
supervise()
{
	ended=0
	while [ $ended -lt 5 ] && wait_for 30 started_or_ended && ! is_up; do
		ended=$((ended + 1))
		cat "$T/messages" >>"$T/ended"
		bury_parent
		begin_node
	done
	said_started
}

# --- what is known

# A copy of the log as it is at this moment, in $T/shot: made again when a segment was sealed meanwhile.
shoot()
{
	until
		rm -rf "$T/shot"
		mkdir "$T/shot"
		before=$(ls "$T/log")
		for segment in "$T"/log/*; do
			case $segment in
			*.open) cp "$segment" "$T/shot/" 2>/dev/null ;;
			*.fbs) ln "$segment" "$T/shot/" ;;
			esac
		done
		[ "$(ls "$T/log")" = "$before" ]
	do :; done
}

# look FILE...: dumps segments into $T/held/NUMBER, where what was there before must stand at the beginning.
look()
{
	for segment; do
		name=${segment##*/}
		name=${name%.open}
		[ ! -e "$T/held/$name.sealed" ] || continue
		"$BUILDDIR/tests/node/records" "$segment" | sed 's/\.open / /' >"$T/dump"
		grep -Ev '^[^ ]* (torn|seal) ' "$T/dump" >"$T/now" || true
		[ -e "$T/held/$name" ] || : >"$T/held/$name"
		if ! cmp -s -n "$(stat -c %s "$T/held/$name")" "$T/held/$name" "$T/now"; then
			echo "$name: $(wc -l <"$T/held/$name") records were on the disk before; now $(cmp "$T/held/$name" "$T/now" 2>&1)"
			return 1
		fi
		mv "$T/now" "$T/held/$name"
		mv "$T/dump" "$T/dumps/$name"
		[ "$name.open" = "${segment##*/}" ] || : >"$T/held/$name.sealed"
	done
}

# All that must hold of the log as it is; prints what does not.
account()
{
	shoot
	look "$T"/shot/* || return 1
	[ "$(find "$T/held" -name '*.fbs' | wc -l)" = "$(find "$T/shot" -type f | wc -l)" ] || {
		echo "segments are missing: $(ls "$T/held") $(ls "$T/shot")"
		return 1
	}
	"$FB" verify --quick -q "$T/shot" >"$T/verified" 2>&1 || {
		cat "$T/verified"
		return 1
	}
	"$FB" gaps --json -q "$T/shot" >"$T/ledger" 2>"$T/err" || [ $? = 1 ] || {
		cat "$T/err"
		return 1
	}
	cat "$T/dumps/"* >"$T/records"
	python3 "$SRCDIR/tests/node/kills.py" "$T/records" "$T/ledger" "$T/truth"
}

tells_truth()
{
	truth=told
	account >"$T/account" || truth=missed
	is $truth told "$1" || diag "$(cat "$T/account")"
}

# --- one log

begin_log()
{
	# shellcheck disable=SC2115
	rm -rf "$T/log" "$T/held" "$T/dumps"
	mkdir "$T/held" "$T/dumps"
	starts=0
	echo "$STREAMS" | sed 's/^/stream /' >"$T/truth"
	begin_node
	check "a node on an empty log starts" supervise || diag "$(cat "$T/messages" "$T/ended")"
	senders=
	while read -r port version flows rate; do
		"$BLAST" -p "$PORT" -s "$port" -v "$version" -f "$flows" -r "$rate" -n 100000000 >"$T/sent.$port" &
		senders="$senders $!"
	done <<-END
		$STREAMS
	END
	check "records" wait_for 30 records_anew none
}

# The senders end, and what they say must be what is there, and what is told as missing.
end_log()
{
	# shellcheck disable=SC2086 # a list of numbers
	kill $senders
	# shellcheck disable=SC2086
	wait $senders || true
	senders=
	life=$(life_now)
	stop_node
	is "$status" 0 "SIGTERM: exit 0"
	echo "life $life stopped" >>"$T/truth"
	for port in $(echo "$STREAMS" | cut -d' ' -f1); do
		sent=$(sed -n 's/^sent \([0-9]*\) .*/\1/p' "$T/sent.$port")
		sed -i "s/^stream $port .*/& $sent/" "$T/truth"
	done
	tells_truth "of all that was sent each datagram is recorded, or told as missing"
	# shellcheck disable=SC2046 # words
	set -- $(grep '^holes' "$T/account")
	all_sent=$((all_sent + $(awk '$1 == "stream" { n += $6 } END { print n }' "$T/truth")))
	all_holes=$((all_holes + ${2:-0}))
	all_lost=$((all_lost + ${3:-0}))
	[ "${4:-0}" -le "$most" ] || most=$4
	all_lives=$((all_lives + $(sed -n 's/^[^ ]* header [0-9]* \([0-9a-f]*\) .*/\1/p' "$T/records" | sort -u | wc -l)))
	run "$FB" verify -q "$T/log"
	is "$status" 0 "the whole log verifies" || diag "$out$err"
	is "$(find "$T/log" -name '*.open' | wc -l)" 0 "all of it is sealed"
}

# --- kills

# strike WHO: SIGKILL; $struck tells who was there to be killed, $orphans who must end by themselves.
strike()
{
	struck=$1
	orphans=
	stroke=$1
	case $1 in
	parent)
		orphans=$(children)
		kill -9 "$node_pid"
		;;
	all)
		dice 2
		# shellcheck disable=SC2046 # a list of numbers
		if [ $die = 0 ]; then
			kill -9 $(children) "$node_pid"
		else
			stroke=parent-first # so the collector may have ended in good order before it was hit
			kill -9 "$node_pid" $(children)
		fi
		;;
	*)
		victim=$(children "fb-$1")
		# shellcheck disable=SC2086 # none, or one
		[ -n "$victim" ] && kill -9 $victim 2>/dev/null || struck=nobody
		;;
	esac
	case $1 in
	parent | all)
		bury_parent
		begin_node
		;;
	esac
}

choose()
{
	dice 4
	case $die in
	0) who=collector ;;
	1) who=reporter ;;
	2) who=parent ;;
	*) who=all ;;
	esac
}

new_reporter()
{
	[ "$(children fb-reporter)" != "$1" ] && status_is_well
}

# What must come after the one or two kills of $hit: lives, processes, answers.
recovered()
{
	case $hit in
	*collector* | *parent* | *all*)
		wait_for 40 records_anew "$life" || echo "it does not record in another life"
		;;
	esac
	case $hit in
	*reporter* | *parent* | *all*)
		wait_for 40 new_reporter "$reporter" || echo "there is no new reporter that answers"
		;;
	*) wait_for 40 status_is_well || echo "its status is not there" ;;
	esac
	# shellcheck disable=SC2086 # a list of numbers
	wait_for 20 gone $dead || echo "children of a dead parent live on: $dead"
}

# one_kill N
one_kill()
{
	dice 300
	pause_ms $die
	look "$(newest)" >"$T/account" || fail "kill $1: before it" || diag "$(cat "$T/account")"
	life=$(life_now)
	reporter=$(children fb-reporter)
	choose
	name="kill $1: $who"
	strike $who
	hit=" $struck "
	dead=$orphans
	eval "count_$struck=\$((count_$struck + 1))"
	dice 4
	if [ $die = 0 ]; then
		choose
		dice 250
		name="$name, $die ms later $who"
		pause_ms $die
		strike $who
		hit="$hit$struck "
		dead="$dead $orphans"
		eval "count_$struck=\$((count_$struck + 1))"
		supervise
	else
		supervise
		is $ended 0 "$name: whoever starts it does it once" || diag "$(cat "$T/ended")"
		case $stroke in
		collector) echo "life $life killed" ;;
		all) echo "life $life downed" ;;
		parent) echo "life $life sealed" ;;
		esac >>"$T/truth"
	fi
	is "$(recovered)" "" "$name: all are there again" || diag "$(cat "$T/messages")"
	tells_truth "$name: log and ledger tell the truth"
}

: >"$T/ended"
count_collector=0 count_reporter=0 count_parent=0 count_all=0 count_nobody=0
all_sent=0 all_holes=0 all_lost=0 all_lives=0 most=0
kill=0
while [ $kill -lt "$KILLS" ]; do
	[ $((kill % A_LOG)) != 0 ] || begin_log
	kill=$((kill + 1))
	one_kill $kill
	[ $((kill % A_LOG)) != 0 ] && [ $kill -lt "$KILLS" ] || end_log
done
diag "killed: collector $count_collector, reporter $count_reporter, parent $count_parent, all $count_all; $all_lives lives"
diag "sent $all_sent, missing $all_lost in $all_holes holes; the largest of a killed collector $most datagrams"
[ $tap_failed -eq 0 ] || diag "SEED=$SEED KILLS=$KILLS does it again"
done_testing
