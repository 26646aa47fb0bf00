#!/bin/sh
# SPDX-License-Identifier: ISC
# As conf/flowbraidd.service runs it: no root, no capability, nothing to be gained by executing. It works, and
# calls nothing that the unit's SystemCallFilter refuses, from the start to the seal.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root (to become nobody)"
need_commands setpriv strace systemd-analyze
chmod 711 "$T"
mkdir "$T/log"
chown nobody "$T/log"
drop="setpriv --reuid=nobody --regid=nogroup --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs"
# shellcheck disable=SC2086 # words are wanted
$drop strace -qq -o /dev/null true 2>/dev/null || skip_all "strace may not trace here"

# What the unit lets through: sets by their names, one line takes away what others gave.
set_members()
{
	systemd-analyze syscall-filter --no-pager "$1" | sed -n 's/^    \([a-z0-9_@-]*\)$/\1/p' |
	    while read -r member; do
		case $member in
		@*) set_members "$member" ;;
		*) echo "$member" ;;
		esac
	done
}

members()
{
	for word; do
		case $word in
		@*) set_members "$word" ;;
		*) echo "$word" ;;
		esac
	done
}

set_members @default | sort -u >"$T/permitted"
sed -n 's/^SystemCallFilter=//p' "$SRCDIR/conf/flowbraidd.service.in" >"$T/filters"
while read -r line; do
	# shellcheck disable=SC2086 # words are wanted
	case $line in
	'~'*) members ${line#'~'} | sort -u | comm -23 "$T/permitted" - >"$T/more" ;;
	*) members $line | sort -u - "$T/permitted" >"$T/more" ;;
	esac
	mv "$T/more" "$T/permitted"
done <"$T/filters"
check "the filter permits what it should" grep -qx recvmmsg "$T/permitted"
is "$(grep -xE 'setuid|chroot|mount|ptrace|bpf|add_key' "$T/permitted")" "" "and refuses what it should"

cat >"$T/run" <<-END
	#!/bin/sh
	exec $drop strace -D -f -qq -o "$T/log/trace" "$NODE" "\$@"
END
chmod 755 "$T/run"
real=$NODE
NODE=$T/run
configure "{ address = \"127.0.0.1\"; port = $PORT; receive_buffer = \"64K\"; }, { address = \"239.255.77.1\"; port = $((PORT + 1)); interface = \"lo\"; }"
check "it starts" start_node || diag "$(cat "$T/messages")"
is "$(awk '/^(Cap(Prm|Eff|Amb|Bnd)|NoNewPrivs):/ { print $2 }' "/proc/$node_pid/status" | sort -u | paste -sd' ')" \
	"0000000000000000 1" "without any capability"
"$BLAST" -p "$PORT" -n 100 -r 500 >/dev/null
"$BLAST" -p $((PORT + 1)) -n 100 -r 500 -a 239.255.77.1 -i lo >/dev/null
check "it records, a group too" wait_for 60 recorded 200
kill -USR1 "$node_pid"
check "it rotates" wait_for 60 sealed 1
kill -HUP "$node_pid"
stop_node
is "$status" 0 "SIGTERM: exit 0" || diag "$(cat "$T/messages")"
is "$(find "$T/log" -name '*.open' | wc -l)" 0 "everything is sealed"

# Threads, and processes of its own, are traced, too: the trace's last word is the first process's.
ended()
{
	[ -s "$T/log/trace" ] && ! pgrep -f "strace -D -f -qq -o $T/log/trace " >/dev/null
}
check "the trace is whole" wait_for 20 ended
sed -nE 's/^[0-9]+ +([a-z0-9_]+)\(.*/\1/p' "$T/log/trace" | sort -u >"$T/called"
check "the trace has calls" grep -qx recvmmsg "$T/called"
is "$(comm -23 "$T/called" "$T/permitted" | paste -sd' ')" "" "the unit's filter refuses none of them"
diag "$(wc -l <"$T/called") system calls: $(paste -sd' ' "$T/called")"
NODE=$real
done_testing
