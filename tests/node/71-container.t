#!/bin/sh
# SPDX-License-Identifier: ISC
# As the first process of a container: signals that a first process would not get without a handler end it in good
# order, and with messages on standard error; it takes leave of orphans; it does without standard streams, capabilities
# and a file system to write to.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root"
need_commands nsenter setpriv curl
unshare --pid --fork true 2>/dev/null || skip_all "process namespaces are not permitted here"

# "$T/container": exits as the first process does.
cat >"$T/container" <<-END
	#!/bin/sh
	exec unshare --pid --fork --kill-child --mount-proc "$NODE" "\$@"
END
chmod 755 "$T/container"
NODE=$T/container
configure "{ address = \"127.0.0.1\"; port = $PORT; }" 'rotate = "1d";'
is_gone()
{
	[ ! -e "/proc/$1" ]
}
for signal in TERM INT; do
	rm -rf "$T/log"
	check "$signal: it starts" start_node || diag "$(cat "$T/messages")"
	first=$(pgrep -P "$node_pid")
	is "$(awk '/^NSpid:/ { print $NF }' "/proc/$first/status")" 1 "$signal: it is the first process"
	nsenter -t "$first" -p -- sh -c 'sleep 600 & exit' </dev/null >/dev/null 2>&1
	orphan=$(pgrep -P "$first" -x sleep)
	like "$orphan" '^[0-9]+$' "$signal: it is given an orphan"
	kill "$orphan"
	check "$signal: and reaps it" wait_for 20 is_gone "$orphan"
	"$BLAST" -p "$PORT" -n 100 -r 10000 >/dev/null
	check "$signal: it records" wait_for 20 recorded 100
	kill "-$signal" "$first"
	status=0
	wait "$node_pid" || status=$?
	node_pid=
	is "$status" 0 "$signal: exit 0"
	is "$(find "$T/log" -name '*.open' | wc -l)" 0 "$signal: everything is sealed"
	like "$(cat "$T/messages")" '100 datagrams recorded' "$signal: said on standard error"
done

# --- without standard streams ---
NODE=$BUILDDIR/flowbraidd
streams()
{
	for fd in 0 1 2; do readlink "/proc/$1/fd/$fd"; done | sort -u
}
is_empty_folder()
{
	[ "$(find "$T/log" -name '*.open' | wc -l)" = 0 ]
}
for mode in -d ''; do
	rm -rf "$T/log" "$T/pid"
	configure "{ address = \"127.0.0.1\"; port = $PORT; }" 'rotate = "1d";' "pidfile = \"$T/pid\";"
	# shellcheck disable=SC2086 # nothing, or an option
	"$NODE" $mode -f "$T/conf" <&- >&- 2>&- &
	begun=$!
	wait_for 20 test -s "$T/pid"
	node_pid=$(cat "$T/pid")
	[ -n "$mode" ] || wait $begun
	is "$?" 0 "streams are closed ${mode:-in the background}: it starts"
	is "$(streams "$node_pid")" /dev/null "they are /dev/null"
	is "$(streams "$(children fb-collector)")" /dev/null "the collector's, too"
	"$BLAST" -p "$PORT" -n 100 -r 10000 >/dev/null
	check "it records" wait_for 20 recorded 100
	kill "$node_pid"
	check "it ends" wait_for 20 is_gone "$node_pid" || kill -9 "$node_pid"
	check "everything is sealed" is_empty_folder
	node_pid=
done

# --- root without any capability ---
cat >"$T/container" <<-END
	#!/bin/sh
	exec setpriv --bounding-set=-all --inh-caps=-all "$NODE" "\$@"
END
bare=$NODE
NODE=$T/container
STATUS=$((PORT + 1))
rm -rf "$T/log"
configure "{ address = \"127.0.0.1\"; port = $PORT; }" 'rotate = "1d";' "status = { address = \"127.0.0.1\"; port = $STATUS; };"
check "no capability: it starts" start_node || diag "$(cat "$T/messages")"
is "$(awk '/^CapPrm:/ { print $2 }' "/proc/$node_pid/status")" 0000000000000000 "no capability: it has none"
like "$(cat "$T/messages")" 'sandbox: root without cap_sys_chroot here' "no capability: it is said"
"$BLAST" -p "$PORT" -n 100 -r 10000 >/dev/null
check "no capability: it records" wait_for 20 recorded 100
stop_node
is "$status" 0 "no capability: exit 0"
echo 'user = "nobody";' >>"$T/conf"
check "no capability, and a user to become: it does not start" [ "$(start_node; echo $?)" = 1 ]
like "$(cat "$T/messages")" 'sandbox: cannot become the user: Operation not permitted' "it says why"

# --- nothing to write to but the log ---
if unshare --mount true 2>/dev/null; then
	cat >"$T/container" <<-END
		#!/bin/sh
		exec unshare --mount sh -c 'mount -t tmpfs none "\$0" && mount -o remount,ro,bind / && shift && exec "\$@"' "$T/log" - "$bare" "\$@"
	END
	rm -rf "$T/log"
	mkdir "$T/log"
	configure "{ address = \"127.0.0.1\"; port = $PORT; }" 'rotate = "1d";' "status = { address = \"127.0.0.1\"; port = $STATUS; };"
	check "read-only: it starts" start_node || diag "$(cat "$T/messages")"
	answers()
	{
		[ "$(curl -s -m 5 "http://127.0.0.1:$STATUS/healthz")" = ok ]
	}
	check "read-only: the reporter answers" wait_for 20 answers
	is "$(grep -c 'Landlock instead' "$T/messages") $(grep -c 'neither chroot nor' "$T/messages")" "1 0" \
		"read-only: its root is not an empty folder, but Landlock keeps it from files" || diag "$(cat "$T/messages")"
	"$BLAST" -p "$PORT" -n 100 -r 10000 >/dev/null
	kill "$node_pid"
	status=0
	wait "$node_pid" || status=$?
	node_pid=
	is "$status" 0 "read-only: exit 0"
	like "$(cat "$T/messages")" '100 datagrams recorded' "read-only: it records"
else
	skip "a read-only file system" "mounting is not permitted here"
fi
done_testing
