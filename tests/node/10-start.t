#!/bin/sh
# SPDX-License-Identifier: ISC
# Options, configuration, and all that keeps the daemon from starting: each with a message and exit 2.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"

run "$NODE" --version
is "$status" 0 "--version exits 0"
like "$out" '^flowbraidd [0-9]+\.[0-9]+' "--version"
run "$NODE" --help
is "$status" 0 "--help exits 0"
like "$out" '^usage: flowbraidd' "--help"
run "$NODE" -x
is "$status" 2 "an unknown option exits 2"
like "$err" '^usage: flowbraidd' "an unknown option shows usage"
run "$NODE" -n -f "$T/conf" more
is "$status" 2 "an argument too many exits 2"
like "$err" 'unexpected argument: more' "an argument too many is named"

run "$NODE" -n -f "$T/none"
is "$status" 2 "no configuration file: exit 2"
like "$err" "$T/none: cannot read: No such file" "no configuration file: message"

configure '{ address = "127.0.0.1"; port = 2055; }' 'sink = 1;' 'nod = "x";'
run "$NODE" -n -f "$T/conf"
is "$status" 2 "unknown keys: exit 2"
like "$err" "$T/conf:4: log.sink: unknown key" "an unknown key in a group"
like "$err" "$T/conf:5: nod: unknown key" "an unknown key"

run "$NODE" -n -f "$SRCDIR/conf/flowbraid.conf"
is "$status" 0 "the example configuration is good" || diag "$err"
printf '%s\n' "$out" >"$T/printed"
run "$NODE" -n -f "$T/printed"
is "$status" 0 "what -n prints can be read"
is "$out" "$(cat "$T/printed")" "and prints to the same"

# An interface may come later, as at boot.
configure '{ address = "239.1.1.1"; port = 2055; interface = "nosuch0"; }'
check "no such interface: it starts all the same" start_node
like "$(cat "$T/messages")" "listener 239.1.1.1 port 2055 on nosuch0 \($T/conf:3\): there is no interface nosuch0; waiting for it" \
	"no such interface: message"
stop_node
rm -rf "$T/log"

configure '{ address = "192.0.2.77"; port = 2055; }'
run "$NODE" -d -f "$T/conf"
is "$status" 2 "an address that is not ours: exit 2"
like "$err" "listener 192.0.2.77 port 2055 .*: cannot bind: Cannot assign requested address" "an address that is not ours: message"

configure "{ address = \"127.0.0.1\"; port = $PORT; }" '' 'user = "no-such-user";'
run "$NODE" -d -f "$T/conf"
is "$status" 2 "no such user: exit 2"
like "$err" "user no-such-user: there is no such user" "no such user: message"
rm -rf "$T/log"

configure "{ address = \"127.0.0.1\"; port = $PORT; }" '' "pidfile = \"$T/pid\";"
check "it starts" start_node
is "$(cat "$T/pid")" "$node_pid" "the pid file has its pid"
if [ "$(id -u)" = 0 ]; then
	like "$(cat "$T/messages")" 'running as root' "it warns about root"
else
	skip "it warns about root" "not root"
fi
sed "s/port = $PORT/port = $((PORT + 1))/; /pidfile/d" "$T/conf" >"$T/conf2"
run "$NODE" -d -f "$T/conf2"
is "$status" 2 "a second one on the same log: exit 2"
like "$err" "log $T/log: another process writes there" "a second one on the same log: message"
sed "s,$T/log,$T/log2,; /pidfile/d" "$T/conf" >"$T/conf2"
run "$NODE" -d -f "$T/conf2"
is "$status" 2 "a second one on the same address: exit 2"
like "$err" "cannot bind: Address already in use" "a second one on the same address: message"
stop_node
is "$status" 0 "SIGTERM: exit 0"
check "the pid file is gone" [ ! -e "$T/pid" ]

sed -i 's/node = "n"/node = "other"/' "$T/conf"
run "$NODE" -d -f "$T/conf"
is "$status" 2 "the log of another node: exit 2"
like "$err" "log $T/log: 00-0000000001-.*\.fbs: " "the log of another node: message"

rm -rf "$T/log"

# As another user: it owns the folder that is made, and writes there.
if [ "$(id -u)" = 0 ] && id nobody >/dev/null 2>&1; then
	chmod 711 "$T"
	rm -rf "$T/log"
	configure "{ address = \"127.0.0.1\"; port = $PORT; }" '' 'user = "nobody";'
	check "with a user: it starts" start_node || diag "$(cat "$T/messages")"
	collector=$(children fb-collector)
	is "$(awk '/^Uid:/ { print $2, $3, $4, $5 }' "/proc/$collector/status")" "$(id -u nobody) $(id -u nobody) $(id -u nobody) $(id -u nobody)" \
		"the collector is that user"
	is "$(stat -c %U "$T/log")" nobody "the folder is its own"
	is "$(awk '/^Groups:/ { $1 = ""; print }' "/proc/$collector/status" | tr -d ' ')" \
		"$(id -G nobody | tr -d ' ')" "with that user's groups alone"
	stop_node
	is "$status" 0 "SIGTERM: exit 0"
	is "$(stat -c %U "$T"/log/*.fbs)" nobody "the segments are its own"
	rm -rf "$T/log"
else
	skip "with a user" "not root"
fi

# In the background: whoever starts it waits until it is ready, and sees why it is not.
configure "{ address = \"127.0.0.1\"; port = $PORT; }" '' "pidfile = \"$T/pid\";"
run "$NODE" -f "$T/conf"
is "$status" 0 "in the background: exit 0" || diag "$err"
node_pid=$(cat "$T/pid")
check "it runs" kill -0 "$node_pid"
kill "$node_pid"
check "SIGTERM ends it" wait_for 20 test ! -e "$T/pid"
node_pid=
is "$(records | grep -c ' event .* stop ')" 1 "it ended in good order"
configure '{ address = "192.0.2.77"; port = 2055; }'
run "$NODE" -f "$T/conf"
is "$status" 2 "in the background, a failing start: exit 2"
like "$err" "cannot bind" "in the background, a failing start: message"
done_testing
