#!/bin/sh
# SPDX-License-Identifier: ISC
# The host's clock is set while a node records, by an hour ahead, two back, by a day. Each step is an event, nothing
# is lost, segments stay in order and whole, heartbeats go on, and logs with steps merge. The clock is not this machine's:
# a preload library sets the daemon's alone.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"

need_commands perl jq
shim="$BUILDDIR/tests/node/clock-shim.so"
[ -f "$shim" ] || skip_all "the preload library was not built"
! grep -q '^SAN_CFLAGS = .' "$BUILDDIR/Makefile" || skip_all "sanitizers do not go with a preload library"

# ahead SECONDS: sets the daemon's clock ahead of this machine's.
ahead()
{
	perl -e 'open my $f, "+<", $ARGV[0] or die; print $f pack("q", $ARGV[1] * 1e9); close $f or die' "$T/ahead" "$1"
}

head -c 8 /dev/zero >"$T/ahead"
cat >"$T/shifted" <<-END
	#!/bin/sh
	CLOCK_SHIM="$T/ahead" LD_PRELOAD="$shim" exec "$NODE" "\$@"
END
chmod 755 "$T/shifted"
real=$NODE
NODE=$T/shifted

# steps WANTED: so many steps have been recorded.
steps()
{
	[ "$(records 2>/dev/null | grep -c ' event .* clock-step ')" -ge "$1" ]
}

blast_pid=
more_cleanup()
{
	[ -z "$blast_pid" ] || kill "$blast_pid" 2>/dev/null || true
}

# goes_on WHAT: more is recorded than now.
goes_on()
{
	check "$1: it records" wait_for 30 recorded $(($(records 2>/dev/null | grep -c ' datagram ') + 100))
}

configure "{ address = \"127.0.0.1\"; port = $PORT; }" 'rotate = "1h"; flush = "20ms";'
check "it starts" start_node || diag "$(cat "$T/messages")"
"$BLAST" -p "$PORT" -s $((PORT + 1)) -n 10000000 -r 400 >/dev/null &
blast_pid=$!
goes_on "before"
n=0
for step in 3600 -7200 -3 86400 -400000; do
	n=$((n + 1))
	now=$(perl -e 'open my $f, "<", shift; read $f, my $b, 8; print unpack("q", $b) / 1e9' "$T/ahead")
	ahead $((now + step))
	check "set by $step s: it is an event" wait_for 30 steps $n
	like "$(cat "$T/messages")" "log $T/log: the clock was set $([ $step -lt 0 ] && echo back || echo ahead) by $(printf %s "${step#-}")[0-9]{3} ms|by $((${step#-} - 1))9[0-9]{2} ms" \
		"set by $step s: it is said"
	goes_on "set by $step s"
done
heartbeats()
{
	[ "$(records 2>/dev/null | grep -c ' heartbeat ')" -ge 2 ]
}
check "heartbeats go on" wait_for 60 heartbeats
kill "$blast_pid"
wait "$blast_pid" || true
blast_pid=
stop_node
is "$status" 0 "SIGTERM: exit 0"
NODE=$real

records >"$T/records"
is "$(grep ' clock-step ' "$T/records" | sed 's/.* 6=//' | perl -pe '$_ = unpack("q", pack("Q", $_)); $_ = sprintf("%.0f\n", $_ / 1e9)' | paste -sd' ')" \
	"3600 -7200 -3 86400 -400000" "each step's event says by how much"
# An hour is a period. Each step but the small one leads into another one; those that follow within 10 s wait.
segments=$(find "$T/log" -name '*.fbs' | wc -l)
check "segments end where periods do, and not each time ($segments)" [ $((segments >= 2 && segments <= 6)) = 1 ]
is "$(awk '$2 == "header" && $3 != ++n { bad++ } END { print n, bad + 0 }' "$T/records")" "$segments 0" \
	"segments are in their order, whatever time is in their names"
is "$(awk '$2 == "header" { n = $5 } $2 ~ /^(datagram|event|templates|seal)$/ && $3 != n++ { bad++ } END { print bad + 0 }' "$T/records")" 0 \
	"record sequences have no hole"
total=$(grep -c ' datagram ' "$T/records")
is "$(awk '$2 == "datagram" { print substr($10, 33, 8) }' "$T/records" | awk '$1 != sprintf("%08x", (NR - 1) * 30) { bad++ } END { print NR, bad + 0 }')" \
	"$total 0" "datagrams are all there, in the order in which they came"
# Back and forth: the times really went along.
check "their times went back" [ "$(awk '$2 == "datagram" { if ($4 < last) n++; last = $4 } END { print n + 0 }' "$T/records")" -ge 3 ]
run "$BUILDDIR/flowbraid" verify "$T/log"
is "$status" 0 "verify finds nothing" || diag "$out$err"

run "$BUILDDIR/flowbraid" merge --json -o "$T/archive" "$T/log"
is "$status" 0 "it merges" || diag "$err"
is "$(printf '%s\n' "$out" | jq -c '[.datagrams_in, .datagrams_out, .duplicates, .conflicts, .damaged_records]')" "[$total,$total,0,0,0]" \
	"with each datagram once"
run "$BUILDDIR/flowbraid" verify "$T/archive"
is "$status" 0 "verify finds nothing in the archive" || diag "$out$err"
run "$BUILDDIR/flowbraid" gaps --json "$T/archive"
is "$(printf '%s\n' "$out" | jq -c '[.residual_missing, (.streams | length)]')" "[0,1]" "and no gap, nor another life of the exporter"
cp -r "$T/archive" "$T/again"
"$BUILDDIR/flowbraid" merge -q -o "$T/again" "$T/log" >/dev/null
is "$(diff -r "$T/archive" "$T/again" 2>&1)" "" "merged again, it is the same"
done_testing
