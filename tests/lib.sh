# SPDX-License-Identifier: ISC
# shellcheck shell=sh
#
# Test points in shell, as TAP. A test begins with
#
#	#!/bin/sh
#	. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
#
# and ends with done_testing. It has a folder $T of its own, removed at the end; it stops what it started
# in a function named cleanup, which runs at the end, too, also when it is interrupted.

: "${SRCDIR:?}"
: "${BUILDDIR:=$SRCDIR/build}"
export SRCDIR BUILDDIR LC_ALL=C

tap_run=0
tap_failed=0
tap_ended=no
T=$(mktemp -d "${TMPDIR:-/tmp}/flowbraid-test.XXXXXX") || exit 99

tap_end()
{
	tap_status=$?
	trap - EXIT INT TERM HUP
	if command -v cleanup >/dev/null; then
		cleanup
	fi
	rm -rf "$T"
	if [ $tap_ended = no ]; then
		echo "# ended before done_testing"
		[ $tap_status -ne 0 ] || tap_status=99
	fi
	exit $tap_status
}
trap tap_end EXIT
trap 'exit 130' INT TERM HUP

pass()
{
	tap_run=$((tap_run + 1))
	echo "ok $tap_run - $*"
}

# Always false, so that `check ... || diagnose` works for all kinds of points.
fail()
{
	tap_run=$((tap_run + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_run - $*"
	return 1
}

diag()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

# check NAME COMMAND...: the command exits 0.
check()
{
	tap_name=$1
	shift
	if "$@"; then
		pass "$tap_name"
	else
		fail "$tap_name"
	fi
}

# is GOT WANT NAME
is()
{
	if [ "$1" = "$2" ]; then
		pass "$3"
	else
		fail "$3" || diag "got  $1
want $2"
		return 1
	fi
}

# like GOT REGEX NAME: a line of GOT matches the extended regular expression.
like()
{
	if printf '%s\n' "$1" | grep -Eq -e "$2"; then
		pass "$3"
	else
		fail "$3" || diag "got  $1
want a line like $2"
		return 1
	fi
}

# run COMMAND...: leaves its exit status in $status, what it printed in $out and $err (and in files there).
# shellcheck disable=SC2034 # they are for the caller
run()
{
	status=0
	"$@" >"$T/out" 2>"$T/err" </dev/null || status=$?
	out=$(cat "$T/out")
	err=$(cat "$T/err")
}

# wait_for SECONDS COMMAND...: polls until the command succeeds; false when it did not in time.
wait_for()
{
	wait_until=$(($(date +%s) + $1))
	shift
	until "$@"; do
		[ "$(date +%s)" -lt $wait_until ] || return 1
		sleep 0.05
	done
}

# skip NAME WHY: one point that cannot be tested here.
skip()
{
	tap_run=$((tap_run + 1))
	echo "ok $tap_run - $1 # SKIP $2"
}

# The whole test cannot run here.
skip_all()
{
	tap_ended=yes
	echo "1..0 # SKIP $*"
	exit 0
}

# Skips the whole test where network namespaces cannot be made.
need_namespaces()
{
	[ "$(id -u)" = 0 ] || skip_all "needs root"
	unshare --net true 2>/dev/null || skip_all "network namespaces are not permitted here"
}

# need_commands NAME...: skips the whole test where one is not installed.
need_commands()
{
	for need in "$@"; do
		command -v "$need" >/dev/null || skip_all "$need is not installed"
	done
}

# Captures and exports of real devices, where they are at hand: $CORPUS. False elsewhere.
has_corpus()
{
	CORPUS=${FLOWBRAID_CORPUS:-$SRCDIR/../shared/corpus}
	[ -d "$CORPUS" ]
}

need_corpus()
{
	has_corpus || skip_all "no corpus of real exports (FLOWBRAID_CORPUS)"
}

done_testing()
{
	tap_ended=yes
	echo "1..$tap_run"
	[ $tap_failed -eq 0 ] && [ $tap_run -gt 0 ]
	exit
}
