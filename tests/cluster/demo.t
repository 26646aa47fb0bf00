#!/bin/bash
# SPDX-License-Identifier: ISC
#
# cluster/demo: its checks hold, with namespaces and on loopback, and when interrupted it leaves nothing.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
LAB_DIR=$SRCDIR/cluster/lab
. "$LAB_DIR/lab.sh"

need_commands python3
demo=$SRCDIR/cluster/demo
export TMPDIR=$T

# nothing_left: no process that has a file of ours in its arguments, no folder.
nothing_left()
{
	! pgrep -f "$T/flowbraid-lab" >/dev/null && ! compgen -G "$T/flowbraid-lab*" >/dev/null
}

# interrupted SIGNAL OPTION...: sends it in the middle of the first run.
interrupted()
{
	local signal=$1 pid

	shift
	# What a shell starts in the background would ignore SIGINT.
	env --default-signal=INT "$demo" -n -B "$BUILDDIR" "$@" >"$T/out" 2>&1 &
	pid=$!
	check "the demo begins ${*:-in namespaces}" wait_for 30 grep -q 'first run: nodes a b c listen' "$T/out"
	kill -"$signal" "$pid"
	wait "$pid"
	is $? $((128 + $(kill -l "$signal"))) "it ends by SIG$signal"
	check "no process and no file is left" wait_for 5 nothing_left ||
		diag "$(pgrep -af "$T/flowbraid-lab") $(compgen -G "$T/flowbraid-lab*")"
}

if why=$(lab_unsupported); then
	skip "in namespaces" "$why"
elif ! command -v softflowd >/dev/null; then
	skip "in namespaces" "softflowd is not installed"
else
	run "$demo" -n -B "$BUILDDIR" -k "$T/kept"
	is "$status" 0 "in namespaces" || diag "$out$err"
	like "$out" '^ *archive +[0-9]+ +[0-9]+  by all of them' "the table"
	like "$out" '5 % x 5 % x 5 % = 0.0125 %' "the chance of missing one"
	diag "$out"
	interrupted INT
	interrupted TERM
fi
run "$demo" -n -B "$BUILDDIR" -l
is "$status" 0 "on loopback" || diag "$out$err"
interrupted INT -l
interrupted TERM -l
done_testing
