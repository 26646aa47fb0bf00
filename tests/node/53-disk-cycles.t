#!/bin/sh
# SPDX-License-Identifier: ISC
# A disk that is filled and emptied ten times under 50,000 datagrams a second: what the memory could hold is in the log,
# and what it could not is told in events, to the datagram. In a network of its own, so that the kernel's counters
# tell how many were sent and lost on the way.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_namespaces
if [ "${IN_NAMESPACE-}" != yes ]; then
	unshare --net --mount true 2>/dev/null || skip_all "mounting is not permitted here"
	rm -rf "$T"
	IN_NAMESPACE=yes exec unshare --net --mount "$0"
fi
. "$SRCDIR/tests/node/node.sh"

ip link set lo up
mkdir "$T/log"
mount -t tmpfs -o size=288m none "$T/log"
blast_pid=
more_cleanup()
{
	[ -z "$blast_pid" ] || kill "$blast_pid" 2>/dev/null || true
	umount -l "$T/log"
}

CYCLES=10
RATE=50000
RECORD=224 # bytes of a record of three flows
BLOCK=$((1048576 / RECORD))

# What the kernel has sent, and what it dropped at the socket.
udp()
{
	awk -v name="$1" '$1 == "Udp:" { if (!seen) { for (i = 2; i <= NF; i++) if ($i == name) at = i; seen = 1 } else print $at }' /proc/net/snmp
}

sent_since()
{
	[ $(($(udp OutDatagrams) - $1)) -ge "$2" ]
}

said_times()
{
	[ "$(grep -c "$1" "$T/messages")" -ge "$2" ]
}

configure "{ address = \"127.0.0.1\"; port = $PORT; receive_buffer = \"128M\"; }" \
	'rotate = "1d"; size = "16M"; memory = "8M";'
check "it starts" start_node || diag "$(cat "$T/messages")"
"$BLAST" -p "$PORT" -f 3 -n 1000000000 -r $RATE >"$T/sent" &
blast_pid=$!
cycle=0
while [ $cycle -lt $CYCLES ]; do
	cycle=$((cycle + 1))
	wait_for 60 sent_since "$(udp OutDatagrams)" 25000
	head -c 400M /dev/zero >"$T/log/filler" 2>/dev/null
	wait_for 60 said_times 'cannot write: No space left on device' $cycle || fail "cycle $cycle: the disk is full"
	# Eight blocks are the memory; twelve come.
	wait_for 60 sent_since "$(udp OutDatagrams)" $((12 * BLOCK))
	rm "$T/log/filler"
	wait_for 60 said_times 'writing again after' $cycle || fail "cycle $cycle: there is room again"
done
wait_for 60 sent_since "$(udp OutDatagrams)" 25000
check "the node lives" kill -0 "$node_pid"
kill "$blast_pid"
wait "$blast_pid" || true
blast_pid=
stop_node
is "$status" 0 "SIGTERM: exit 0"
is "$(grep -c 'cannot write: No space left on device' "$T/messages")" $CYCLES "a message each time the disk was full"
is "$(grep -c 'writing again after' "$T/messages")" $CYCLES "a message each time it was not"

sent=$(sed -n 's/^sent \([0-9]*\) .*/\1/p' "$T/sent")
at_socket=$(udp RcvbufErrors)
on_way=$(awk '$1 == "lo:" { print $5 }' /proc/net/dev)
records >"$T/records" || true
recorded=$(grep -c ' datagram ' "$T/records")

# lost KIND: the sum of the counts of such events.
lost()
{
	awk -v kind="$1" '$2 == "event" && $5 == kind { for (i = 6; i <= NF; i++) if ($i ~ /^3=/) n += substr($i, 3) } END { print n + 0 }' "$T/records"
}

log_dropped=$(lost log-drop)
kernel_dropped=$(lost kernel-drop)
diag "$(sed "s/ s\$//; s/\$/ s/" "$T/sent"): asked for $RATE a second"
diag "recorded $recorded, dropped for want of memory $log_dropped, by the kernel $kernel_dropped, on the way $on_way"
is "$sent" "$(udp OutDatagrams)" "as many were sent as the kernel says"
is $((recorded + log_dropped + kernel_dropped + on_way)) "$sent" "recorded and told as lost: as many as were sent"
is "$kernel_dropped" "$at_socket" "what the kernel dropped is told, to the datagram"
check "something was lost each time" [ "$(grep -c ' log-drop ' "$T/records")" -ge $CYCLES ]
is "$(grep -c ' disk 1=cannot write: No space left on device ' "$T/records")" $CYCLES "an event of each time"
is "$(grep -c ' finding \| torn ' "$T/records")" 0 "no findings"
check "all segments are sealed" [ -z "$(find "$T/log" -name '*.open')" ]

# Flow numbers go up by three: what is missing between two neighbours in the log, where something is.
awk '$2 == "datagram" { print substr($10, 33, 8) }' "$T/records" | perl -ne '
	$i = hex($_) / 3;
	print $i - $next, "\n" if $i != $next;
	$next = $i + 1;' >"$T/gaps"
if [ "$kernel_dropped" = 0 ] && [ "$on_way" = 0 ]; then
	awk '$2 == "event" && $5 == "log-drop" { sub(".* 3=", ""); sub(" .*", ""); print }' "$T/records" >"$T/told"
	is "$(cat "$T/gaps")" "$(cat "$T/told")" "each event tells how many are missing where it stands"
else
	skip "each event tells how many are missing where it stands" "the kernel dropped some, too"
fi
is "$(awk '$1 < 0' "$T/gaps" | wc -l)" 0 "none is there twice or out of order"

# From the first failed write to the first datagram that was lost: what the memory held.
awk '
	$2 == "event" && $5 == "disk" { for (i = 6; i <= NF; i++) if ($i ~ /^4=/) print "full", substr($i, 3) }
	$2 == "event" && $5 == "log-drop" { for (i = 6; i <= NF; i++) if ($i ~ /^4=/) print "drop", substr($i, 3) }
	$2 == "datagram" { print "datagram", $4 }' "$T/records" | perl -e '
	my (@full, @drop, @times);
	while (<>) {
		my ($what, $ns) = split;
		push @{ { full => \@full, drop => \@drop, datagram => \@times }->{$what} }, $ns;
	}
	for my $full (@full) {
		my ($drop) = grep { $_ >= $full } sort { $a <=> $b } @drop;
		my $held = grep { $_ >= $full && $_ < ($drop // 0) } @times;
		print "$held\n";
	}' >"$T/held"
diag "datagrams that the memory held, each time: $(paste -sd' ' "$T/held") (a block: $BLOCK)"
is "$(wc -l <"$T/held")" $CYCLES "each time it was full"
# One block is the one that could not be written, one may have been nearly full.
is "$(awk -v least=$((5 * BLOCK)) '$1 < least' "$T/held" | wc -l)" 0 "the memory was used up before anything was lost"
run "$BUILDDIR/flowbraid" verify --quick "$T/log"
is "$status" 0 "verify finds nothing" || diag "$out$err"
done_testing
