#!/bin/sh
# SPDX-License-Identifier: ISC
# Round trips: an archive, sent again by `flowbraid replay` to a node, gives the same datagrams; with exporters' addresses the same
# archive to the byte but for when and by whom it was heard; paces; what is refused.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_namespaces
need_commands ip jq
if [ -z "${IN_NAMESPACE-}" ]; then
	rm -rf "$T"
	IN_NAMESPACE=yes exec unshare --net "$0"
fi
. "$SRCDIR/tests/node/node.sh"

fb=$BUILDDIR/flowbraid
ip link set lo up
ip link add d0 type veth peer name p0
ip addr add 10.77.0.1/24 dev d0
ip -6 addr add fd00:77::1/64 dev d0 nodad
ip link set d0 up
ip link set p0 up
sysctl -q -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.d0.rp_filter=0 2>/dev/null || true
group4=239.255.77.1

# Three exporters, 10 s of traffic, a datagram each 20 ms in all.
cat >"$T/conf0" <<-END
	cluster = "test"; node = "first";
	listen = ( { address = "0.0.0.0"; port = 2055; } );
	log = { directory = "$T/first"; };
END
for i in 1 2 3; do
	"$BLAST" -w "$T/$i.pcap" -p 2055 -s $((1000 + i)) -n 166 -r 16.6 -v $((i == 3 ? 9 : 5)) >/dev/null
done
"$NODE" -f "$T/conf0" -r "$T/1.pcap" -r "$T/2.pcap" -r "$T/3.pcap" 2>/dev/null
check "an archive is made" "$fb" merge -q -o "$T/archive" "$T/first"

# payloads PATH: a digest of each datagram's flows, whoever sent them.
payloads()
{
	"$fb" cat -q -F json "$1" | jq -c 'del(.exporter, .exporterPort, .received, .witnesses)' | sort
}

# received COUNT: so many datagrams have reached the disk.
configure "{ address = \"$group4\"; port = $PORT; interface = \"d0\"; receive_buffer = \"64M\"; }, { address = \"127.0.0.1\"; port = $PORT; receive_buffer = \"64M\"; }"
check "a node starts" start_node || diag "$(cat "$T/messages")"
run "$fb" replay --speed max --json 127.0.0.1 "$PORT" "$T/archive"
is "$status" 0 "sent to an address, as fast as it goes" || diag "$err"
is "$(printf '%s' "$out" | jq -r .datagrams)" 498 "all datagrams"
check "and recorded" wait_for 20 recorded 498
stop_node
"$fb" merge -q -o "$T/again" "$T/log"
is "$(payloads "$T/again" | cmp - "$(payloads "$T/archive" >"$T/want" && echo "$T/want")" 2>&1)" "" "the same flows"
is "$("$fb" cat -q -F json "$T/again" | jq -r '"\(.exporter) \(.exporterPort)"' | sort -u | wc -l)" 3 "three exporters are three streams"
run "$fb" gaps --json "$T/again"
is "$(printf '%s' "$out" | jq .residual_missing)" 0 "nothing is missing"

# With the exporters' own addresses and ports.
rm -rf "$T/log"
check "a node starts" start_node
run "$fb" replay --speed max -q --exporter-address --interface d0 $group4 "$PORT" "$T/archive"
is "$status$err" 0 "sent to a group from exporters' addresses" || diag "$err"
check "and recorded" wait_for 20 recorded 498 || diag "$(records | grep -c ' datagram ')"
stop_node
is "$(records | awk '$2 == "datagram" { print $5, $6 }' | sort | uniq -c | awk '{ print $1, $2, $3 }' | paste -sd,)" \
	"166 198.51.100.1 1001,166 198.51.100.1 1002,166 198.51.100.1 1003" "they are the exporters"
"$fb" merge -q -o "$T/back" "$T/log"
is "$("$fb" cat -q -F json "$T/back" | jq -c 'del(.received, .witnesses)' | sort | cmp - "$("$fb" cat -q -F json "$T/archive" | jq -c 'del(.received, .witnesses)' | sort >"$T/want" && echo "$T/want")" 2>&1)" \
	"" "the same flows of the same exporters"
"$fb" merge -q -o "$T/both" "$T/first" "$T/log"
is "$("$fb" info --json "$T/both" | jq .datagrams)" 498 "merged with the first log, each datagram stands once"

# Paces.
begin=$(date +%s%N)
run "$fb" replay --speed 10 --json 127.0.0.1 9 "$T/archive"
took=$((($(date +%s%N) - begin) / 1000000))
is "$status" 0 "ten times as fast, where nobody listens" || diag "$err"
check "takes a tenth of ten seconds" [ $took -ge 900 ] && [ $took -lt 8000 ] || diag "$took ms"
run "$fb" replay --speed max --json --from "2023-11-14 22:13:22" --to "2023-11-14 22:13:23" 127.0.0.1 9 "$T/archive"
sent=$(printf '%s' "$out" | jq .datagrams)
check "a span of time is a part of it" [ "$sent" -gt 30 ] && [ "$sent" -lt 70 ] || diag "$sent"

run "$fb" replay 127.0.0.1 "$PORT"
is "$status" 2 "no path: exit 2"
run "$fb" replay localhost "$PORT" "$T/archive"
is "$status $err" "2 flowbraid: localhost: expected an IPv4 or IPv6 address" "an address that is none"
run "$fb" replay 127.0.0.1 70000 "$T/archive"
is "$status $err" "2 flowbraid: 70000: expected a port, 1 to 65535" "a port that is none"
run "$fb" replay --speed fast 127.0.0.1 9 "$T/archive"
is "$status $err" "2 flowbraid: --speed fast: expected a factor from 0.001 to 1000000, or max" "a speed that is none"
run "$fb" replay --interface nosuch0 --speed max $group4 9 "$T/archive"
is "$status" 2 "no such interface: exit 2"
like "$err" 'replay: nosuch0: No such device' "no such interface: message"
done_testing
