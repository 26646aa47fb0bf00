#!/bin/sh
# SPDX-License-Identifier: ISC
# The monitor's page in a browser (look.mjs), with documents of clusters that do not exist (documents.py).
#
#	SHOTS=FOLDER PARTS="states phone" tests/page/page.t		keeps screenshots there; only these parts of look.mjs
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

PARTS=${PARTS:-}
need_commands chromium node npm python3
SITE=$BUILDDIR/cluster/page/site
[ -f "$SITE/index.html" ] || skip_all "configured without the page, or not built"

MODULES=$BUILDDIR/tests/page
server=
cleanup()
{
	[ -z "$server" ] || kill "$server" 2>/dev/null
}

# The driver and the rules of accessibility stay in the build folder until the lock file names others.
if ! cmp -s "$SRCDIR/tests/page/package-lock.json" "$MODULES/installed"; then
	mkdir -p "$MODULES"
	cp "$SRCDIR/tests/page/package.json" "$SRCDIR/tests/page/package-lock.json" "$MODULES"
	chmod u+w "$MODULES"/package*.json
	(cd "$MODULES" && npm ci --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error) >"$T/npm" 2>&1 </dev/null ||
	    skip_all "npm cannot fetch playwright-core and axe-core: $(grep -m 1 -i error "$T/npm")"
	cp "$MODULES/package-lock.json" "$MODULES/installed"
fi

python3 -B "$SRCDIR/tests/page/serve.py" --every 0.5 "$SITE" >"$T/address" 2>"$T/server.err" &
server=$!
check "the server of documents is up" wait_for 20 test -s "$T/address"

# shellcheck disable=SC2086 # several parts
run timeout 240 node "$SRCDIR/tests/page/look.mjs" "$MODULES" "$(cat "$T/address")" "${SHOTS:-$T}" "$(command -v chromium)" $PARTS
while IFS= read -r line; do
	case $line in
	"ok "*) pass "${line#ok }" ;;
	"not ok "*) fail "${line#not ok }" ;;
	*) diag "$line" ;;
	esac
done <"$T/out"
is "$status" 0 "looked at all of it" || diag "$err"
is "$(cat "$T/server.err")" "" "the server of documents has nothing to say"
done_testing
