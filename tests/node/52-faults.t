#!/bin/sh
# SPDX-License-Identifier: ISC
# Each system call with which the log is written and put in order fails (tests/node/fault-shim.c): the daemon lives,
# records everything that its memory can hold, says when it begins and when it ends, and every segment is sound.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"

FAULT_CONTROL="$T/control"
export FAULT_CONTROL
head -c 4096 /dev/zero >"$FAULT_CONTROL"
plain_node=$NODE
cat >"$T/faulty" <<-END
	#!/bin/sh
	LD_PRELOAD="$BUILDDIR/tests/node/fault-shim.so" exec "$plain_node" "\$@"
END
chmod +x "$T/faulty"
NODE="$T/faulty"
configure "{ address = \"127.0.0.1\"; port = $PORT; }" 'rotate = "1d"; memory = "8M"; sync = "50ms"; flush = "20ms";'
run "$NODE" -n -f "$T/conf"
[ "$status" = 0 ] || skip_all "a preloaded object does not go with this build: $err"

sent=0
sequence=0
rounds=0

put()
{
	printf "$2" | dd of="$FAULT_CONTROL" bs=1 seek="$1" conv=notrunc 2>/dev/null
}

# rules LINE...: in force from now on; none: no faults.
rules()
{
	rounds=$((rounds + 1))
	put 0 -
	put 1 "$(printf '%s\\n' "$@" "round $rounds")\\000"
	put 512 '000000000000000\n000000000000000\n'
	put 0 +
}

# struck N [RULE]: rule number 0 or RULE has struck so often.
struck()
{
	[ "$(dd if="$FAULT_CONTROL" bs=1 skip=$((512 + 16 * ${2-0})) count=15 2>/dev/null)" = "$(printf '%015d' "$1")" ]
}

# send COUNT: small datagrams; large ones when there are more than 1000.
send()
{
	if [ "$1" -gt 1000 ]; then
		"$BLAST" -p "$PORT" -n "$1" -r 30000 -q $sequence >/dev/null
	else
		"$BLAST" -p "$PORT" -n "$1" -r 20000 -f 3 -q $sequence >/dev/null
	fi
	sequence=$((sequence + $1 * 30))
	sent=$((sent + $1))
}

count_said()
{
	grep -c "$1" "$T/messages"
}

said_times()
{
	[ "$(count_said "$1")" -ge "$2" ]
}

table=
# row FAULT WHEN TIMES OUTCOME: remembered for the table.
row()
{
	table="$table$(printf '%-50s %-7s %-5s %s' "$@")
"
}

# fault CALL ERROR SKIP COUNT KIND PROVOKE [RULE]: one row. KIND: write, sync, name (what the messages speak of), or
# none when nothing is to be said. PROVOKE: data, blocks (whole ones) or rotate.
fault()
{
	fault_kind=$5 fault_what="$1 $2${7:+, $(printf '%s' "$7" | tr '\n' ',')}"
	case $fault_kind in
	write)
		began='cannot write: ' ended='writing again after'
		outcome="backed out, kept in memory, written again; nothing lost"
		;;
	sync)
		began='cannot sync: ' ended='syncing again after'
		outcome="kept in memory, written again, synced again; nothing lost"
		;;
	name)
		began='cannot rename or sync the folder: ' ended='renaming and syncing the folder again after'
		outcome="writing went on, tried again; nothing lost"
		;;
	none)
		began='cannot ' ended=' again after'
		outcome="nothing lost, nothing to say"
		;;
	esac
	began_before=$(count_said "$began")
	ended_before=$(count_said "$ended")
	said_before=$(count_said 'cannot ')
	case $6 in
	data)
		rules "$1 $2 $3 $4" ${7+"$7"}
		send 200
		;;
	blocks)
		rules "$1 $2 $3 $4" ${7+"$7"}
		send 2800
		;;
	rotate)
		send 100
		wait_for 20 recorded "$sent"
		rules "$1 $2 $3 $4" ${7+"$7"}
		kill -USR1 "$node_pid"
		wait_for 20 sealed_or_struck "$4"
		send 100
		;;
	esac
	if ! wait_for 20 struck "$4"; then
		fail "$fault_what: it struck" || diag "$(dd if="$FAULT_CONTROL" bs=1 skip=512 count=32 2>/dev/null)" "$(tail -n 3 "$T/messages")"
		rules
		return
	fi
	said_more=0
	if [ "$fault_kind" != none ]; then
		said_more=1
		wait_for 20 said_times "$ended" $((ended_before + 1))
	fi
	all_there=no
	wait_for 20 recorded "$sent" && all_there=yes
	findings=$(records 2>/dev/null | grep -c ' finding ')
	rules
	if kill -0 "$node_pid" && [ $all_there = yes ] && [ "$findings" = 0 ] &&
	    [ "$(count_said 'cannot ')" = $((said_before + said_more)) ] &&
	    [ "$(count_said "$began")" = $((began_before + said_more)) ] &&
	    [ "$(count_said "$ended")" = $((ended_before + said_more)) ]; then
		pass "$fault_what: it lives, everything is there, said ${said_more} times"
		row "$fault_what" "$6" "x $4" "$outcome"
	else
		fail "$fault_what: it lives, everything is there, said ${said_more} times" ||
			diag "all there: $all_there, sent $sent, recorded $(records 2>/dev/null | grep -c ' datagram ')" \
				"findings: $findings" "$(tail -n 5 "$T/messages")"
	fi
}

# The segment that was there is sealed, or the fault has struck.
sealed_or_struck()
{
	struck "$1" || [ "$(find "$T/log" -name '*.open' | wc -l)" = 0 ]
}

# --- while it runs ---

check "it starts" start_node || diag "$(cat "$T/messages")"
send 200
check "it records" wait_for 20 recorded "$sent"
for error in ENOSPC EIO EDQUOT EFBIG EROFS ENOMEM; do
	fault pwrite $error 0 3 write data
done
fault pwrite EINTR 0 20 none data
for length in 1 57 4095; do
	fault pwrite short:$length 0 3 none data
done
fault pwrite short:700 0 1 write data "pwrite ENOSPC 0 3"
fault pwrite ENOSPC 0 3 write data "ftruncate EIO 0 2"
fault pwrite short:333 0 1 write data "pwrite EIO 0 2
ftruncate EIO 0 2"
for error in EIO ENOSPC EDQUOT; do
	fault fdatasync $error 0 3 sync data
done
for error in ENOSPC EIO EDQUOT; do
	fault pwrite $error 1 3 write blocks
done
fault pwrite short:300000 1 2 none blocks
fault pwrite short:524288 1 1 write blocks "pwrite EIO 2 3"
fault fdatasync EIO 0 3 sync blocks
for error in ENOSPC EDQUOT EROFS EIO EMFILE ENOMEM EACCES EINTR; do
	fault create $error 0 3 write rotate
done
for error in EMFILE ENOMEM; do
	fault open-direct $error 0 1 none rotate
done
for error in EIO ENOSPC EDQUOT; do
	fault fsync $error 0 3 sync rotate
done
fault fsync-folder EIO 0 5 name rotate
fault fsync-folder ENOSPC 0 5 name rotate
for error in EIO ENOSPC EROFS EACCES ENOMEM; do
	fault renameat $error 0 4 name rotate
done
fault fstatat EIO 0 4 name rotate
fault close EIO 0 2 none rotate
fault open-direct EINVAL 0 1 none rotate
# The seal: of what is written after USR1 the first call.
fault pwrite ENOSPC 0 3 write rotate
fault pwrite short:50 0 1 write rotate "pwrite EIO 0 3"

failures=$(printf '%s' "$table" | grep -vc 'nothing to say')
stop_node
is "$status" 0 "SIGTERM: exit 0"
records >"$T/records"
is "$(grep -c ' datagram ' "$T/records")" "$sent" "each datagram stands in the log once"
is "$(grep -c ' finding \| torn ' "$T/records")" 0 "no findings"
is "$(grep -c ' log-drop ' "$T/records")" 0 "no event of a loss"
is "$(grep -c ' disk 1=cannot ' "$T/records")" "$failures" "an event of each time in which the disk failed"
is "$(find "$T/log" -name '*.open' | wc -l)" 0 "all segments are sealed"
run "$BUILDDIR/flowbraid" verify "$T/log"
is "$status" 0 "verify finds nothing" || diag "$out$err"

# --- at the start ---

# A life that is killed, so that the next one finds an open segment.
killed_life()
{
	rules
	start_node || fail "it starts" || diag "$(cat "$T/messages")"
	send 20
	wait_for 20 recorded "$sent"
	kill_node
}

has_struck()
{
	! struck 0
}

# start_fault CALL ERROR SKIP COUNT MESSAGE: it starts all the same, and what was there stays.
start_fault()
{
	rules "$1 $2 $3 $4"
	started=no
	start_node && started=yes
	hits=no
	wait_for 20 has_struck && hits=yes # the folder is synced when the first segment is made
	rules
	send 20
	all_there=no
	wait_for 20 recorded "$sent" && all_there=yes
	row "$1 $2" start "x $4" "starts; $(grep -o 'left as it is.*\|had been left open.*' "$T/messages" | sed 's/, [0-9]* bytes//; s/with [0-9]* records//' | head -n 1)"
	if [ $started = yes ] && [ $hits = yes ] && [ $all_there = yes ] && grep -q "$5" "$T/messages"; then
		pass "$1 $2 at the start: it starts, nothing is lost, said"
	else
		fail "$1 $2 at the start: it starts, nothing is lost, said" || diag "started $started, struck $hits, all there $all_there" "$(cat "$T/messages")"
	fi
	kill_node
}

killed_life
for error in EROFS EACCES EMFILE EIO; do
	start_fault open-rw $error 0 1 'left as it is, [1-9][0-9]* bytes, not sealed: cannot open for writing: '
done
start_fault pread EIO 0 200 'not sealed: cannot read: Input/output error'
start_fault fstat EIO 0 200 'not sealed: cannot read: Input/output error'
start_fault ftruncate EROFS 0 1 'not sealed: cannot seal: Read-only'
start_fault pwrite ENOSPC 0 1 'not sealed: cannot seal: No space left'
start_fault pwrite EDQUOT 0 1 'not sealed: cannot seal: Disk quota'
start_fault fsync EIO 0 1 'not sealed: cannot seal: Input/output error'
start_fault renameat EROFS 0 1 'not sealed: cannot rename: Read-only'
start_fault fstatat EIO 0 1 'not sealed: cannot rename: Input/output error'
start_fault fsync-folder EIO 0 1 'had been left open; sealed with'
start_fault open EMFILE 0 3 'had been left open; sealed with'
last=$(find "$T/log" -name '*.open' | sort | tail -n 1)
lost=$("$BUILDDIR/tests/node/records" "$last" | grep -c ' datagram ')
sent=$((sent - lost))
truncate -s 100 "$last"
start_fault unlinkat EROFS 0 1 'left as it is, 100 bytes, not sealed: cannot remove: Read-only'

# What it cannot do without.
for call in flock open-folder readdir; do
	error=EIO
	[ $call != flock ] || error=ENOLCK
	[ $call != open-folder ] || error=EMFILE
	rules "$call $error 0 1"
	run timeout 20 "$NODE" -d -f "$T/conf"
	rules
	row "$call $error" start "x 1" "exit $status: $(echo "$err" | tail -n 1 | sed "s|.*$T/log: ||")"
	is "$status" 2 "$call $error at the start: exit 2"
	like "$err" "log $T/log: (cannot lock: )?(Input/output error|No locks available|Too many open files)\$" "and a message"
done

rules
check "it starts without a fault" start_node || diag "$(cat "$T/messages")"
stop_node
is "$status" 0 "SIGTERM: exit 0"
is "$(find "$T/log" -name '*.open' | wc -l)" 0 "now everything is sealed"
records >"$T/records"
is "$(grep -c ' datagram ' "$T/records")" "$sent" "each datagram stands in the log once"
is "$(grep -c ' finding \| torn ' "$T/records")" 0 "no findings"
like "$(cat "$T/records")" ' left-unsealed 7=[0-9]* 3=[1-9][0-9]* 9=32-bytes' "an event tells the length and digest of what was left"
run "$BUILDDIR/flowbraid" verify "$T/log"
is "$status" 0 "verify finds nothing" || diag "$out$err"
diag "$(printf '%-50s %-7s %-5s %s' fault when times outcome)
$table"
done_testing
