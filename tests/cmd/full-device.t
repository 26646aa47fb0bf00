#!/bin/sh
# SPDX-License-Identifier: ISC
# Output to a full device: flowd's reader ended as if all had been written. Here each command that prints says so, and
# exits 2.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"

[ -c /dev/full ] || skip_all "no /dev/full here"
fb=$BUILDDIR/flowbraid
"$BLAST" -w "$T/a.pcap" -a 127.0.0.1 -p 2055 -n 100 -r 1 -t 1700000000
configure '{ address = "127.0.0.1"; port = 2055; }'
"$NODE" -f "$T/conf" -r "$T/a.pcap" 2>/dev/null || exit 99
"$fb" merge -q -o "$T/archive" "$T/log" >/dev/null || exit 99

# to_full NAME COMMAND...: it succeeds, and fails when nothing can be written.
to_full()
{
	name=$1
	shift
	run "$@"
	is "$status" 0 "$name" || diag "$err"
	check "$name prints" test -n "$out"
	status=0
	"$@" >/dev/full 2>"$T/err" </dev/null || status=$?
	is "$status" 2 "$name to a full device: exit 2"
	like "$(cat "$T/err")" 'standard output: No space left on device' "$name to a full device: message"
}
for path in log archive; do
	to_full "cat, $path" "$fb" cat "$T/$path"
	for form in json csv text long; do
		to_full "cat -F $form, $path" "$fb" cat -F $form "$T/$path"
	done
	to_full "cat --fields, $path" "$fb" cat -F csv --fields exporter,octets "$T/$path"
	to_full "cat --sort, $path" "$fb" cat --sort "$T/$path"
	to_full "cat -c, $path" "$fb" cat -c "$T/$path"
	for command in gaps info verify; do
		to_full "$command, $path" "$fb" $command "$T/$path"
		to_full "$command --json, $path" "$fb" $command --json "$T/$path"
	done
done
to_full "merge" "$fb" merge -o "$T/archive" "$T/log"
to_full "merge --json" "$fb" merge --json -o "$T/archive" "$T/log"
to_full "merged" "$fb" merged "$T/archive" "$T/log"
for command in merge verify gaps info cat merged; do
	to_full "$command --help" "$fb" $command --help
done
to_full "flowbraidd -n" "$NODE" -n -f "$T/conf"
for program in flowbraid flowbraidd; do
	to_full "$program --help" "$BUILDDIR/$program" --help
	to_full "$program --version" "$BUILDDIR/$program" --version
done
to_full "cat -f" "$fb" cat -f -n 100 "$T/log"

# A log that cannot be written.
run sh -c "ulimit -f 4; trap '' XFSZ; '$fb' cat -o '$T/new' '$T/log'"
like "$status $err" '^2 .*/new: File too large' "cat -o: what cannot be written is said, exit 2"
run sh -c "ulimit -f 4; trap '' XFSZ; TMPDIR='$T' '$fb' cat -c - <'$(find "$T/log" -name '*.fbs')'"
like "$status $err" '^2 .*standard input: File too large' "cat -: nor can what is read from a pipe"
done_testing
