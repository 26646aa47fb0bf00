#!/bin/sh
# SPDX-License-Identifier: ISC
# Templates: each segment begins with those that the node knows, also after a restart.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"

configure "{ address = \"127.0.0.1\"; port = $PORT; }" 'rotate = "1d";'
check "it starts" start_node
"$BLAST" -p "$PORT" -s $((PORT + 1)) -v 9 -n 100 >/dev/null
check "the datagrams are recorded" wait_for 20 recorded 100
is "$(records | grep -c ' templates ')" 0 "the first segment had none to begin with"
kill -USR1 "$node_pid"
check "the segment is sealed" wait_for 20 sealed 1
"$BLAST" -p "$PORT" -s $((PORT + 1)) -v 9 -n 100 >/dev/null
check "the datagrams are recorded" wait_for 20 recorded 200
is "$(records | grep ' templates ' | cut -d' ' -f1,3 | sed 's/^00-0*\([0-9]*\)-[^ ]*/\1/' | paste -sd' ')" "2 104" \
	"a segment begins with the templates that are known"
kill_node

check "it starts again" start_node
"$BLAST" -p "$PORT" -s $((PORT + 1)) -v 9 -n 1 >/dev/null
check "a datagram is recorded" wait_for 20 recorded 201
stop_node
is "$(records | awk '/^00-0000000003/ && $2 != "header" { print $2 }' | head -n 2 | paste -sd' ')" "templates event" \
	"after a restart, too: killed or not"
check "it starts again" start_node
stop_node
is "$(records | awk '/^00-0000000004/ && $2 != "header" { print $2 }' | paste -sd' ')" "templates event event event seal" \
	"also where the life before had only a snapshot"
is "$(records | grep ' templates ' | cut -d' ' -f5 | sort -u | wc -l)" 1 "it is the same snapshot all along"
done_testing
