# SPDX-License-Identifier: ISC
# shellcheck shell=sh
#
# What the tests of the page share, on top of tests/lib.sh: the page as it was built in $SITE, and a browser.

need_commands chromium node npm python3
SITE=$BUILDDIR/cluster/page/site
[ -f "$SITE/index.html" ] || skip_all "configured without the page, or not built"
MODULES=$BUILDDIR/tests/page

# The driver and the rules of accessibility stay in the build folder until the lock file names others.
if ! cmp -s "$SRCDIR/tests/page/package-lock.json" "$MODULES/installed"; then
	mkdir -p "$MODULES"
	cp "$SRCDIR/tests/page/package.json" "$SRCDIR/tests/page/package-lock.json" "$MODULES"
	chmod u+w "$MODULES"/package*.json
	(cd "$MODULES" && npm ci --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error) >"$T/npm" 2>&1 </dev/null ||
	    skip_all "npm cannot fetch playwright-core and axe-core: $(grep -m 1 -i error "$T/npm")"
	cp "$MODULES/package-lock.json" "$MODULES/installed"
fi

# browse SCRIPT ADDRESS ARGUMENT...: each thing that the script says is a point of the test.
browse()
{
	browse_script=$1 browse_address=$2
	shift 2
	run timeout 240 node "$SRCDIR/tests/page/$browse_script" "$MODULES" "$browse_address" "${SHOTS:-$T}" "$(command -v chromium)" "$@"
	while IFS= read -r line; do
		case $line in
		"ok "*) pass "${line#ok }" ;;
		"not ok "*) fail "${line#not ok }" ;;
		*) diag "$line" ;;
		esac
	done <"$T/out"
	is "$status" 0 "$browse_script has looked at all of it" || diag "$err"
}
