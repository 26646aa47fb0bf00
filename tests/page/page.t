#!/bin/sh
# SPDX-License-Identifier: ISC
# The monitor's page in a browser (look.mjs), with documents of clusters that do not exist (documents.py).
#
#	SHOTS=FOLDER PARTS="states phone" tests/page/page.t		keeps screenshots there; only these parts of look.mjs
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/page/page.sh"

server=
cleanup()
{
	[ -z "$server" ] || kill "$server" 2>/dev/null
}

python3 -B "$SRCDIR/tests/page/serve.py" --every 0.5 "$SITE" >"$T/address" 2>"$T/server.err" &
server=$!
check "the server of documents is up" wait_for 20 test -s "$T/address"
# shellcheck disable=SC2086 # several parts
browse look.mjs "$(cat "$T/address")" ${PARTS:-}
is "$(cat "$T/server.err")" "" "the server of documents has nothing to say"
done_testing
