#!/bin/sh
# SPDX-License-Identifier: ISC
# As the first process of a container: signals that a first process would not get without a handler end it in good
# order, and with messages on standard error.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"

[ "$(id -u)" = 0 ] || skip_all "needs root"
unshare --pid --fork true 2>/dev/null || skip_all "process namespaces are not permitted here"

# "$T/container": exits as the first process does.
cat >"$T/container" <<-END
	#!/bin/sh
	exec unshare --pid --fork --kill-child --mount-proc "$NODE" "\$@"
END
chmod 755 "$T/container"
NODE=$T/container
configure "{ address = \"127.0.0.1\"; port = $PORT; }" 'rotate = "1d";'
for signal in TERM INT; do
	rm -rf "$T/log"
	check "$signal: it starts" start_node || diag "$(cat "$T/messages")"
	first=$(pgrep -P "$node_pid")
	is "$(awk '/^NSpid:/ { print $NF }' "/proc/$first/status")" 1 "$signal: it is the first process"
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
done_testing
