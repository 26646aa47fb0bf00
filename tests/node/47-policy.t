#!/bin/bash
# SPDX-License-Identifier: ISC
# A policy on the node: what is recorded of datagrams, from sockets and from captures; counters to the flow; reload.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"
STATUS=$((PORT + 9))

# exports VERB ...: v5 datagrams of ten flows each to ports 1 to 10 from 10.0.0.0 up; v9 ones with a template (v9t), and
# data alone (v9d): two flows, to port 1 and 2; a v5 datagram that is cut (cut).
cat >"$T/exports" <<'END'
import socket, struct, sys

def v5(n, count=10):
    head = struct.pack('>HHIIIIBBH', 5, count, 1000, 1700000000, 0, n * 10, 0, 0, 0)
    return head + b''.join(struct.pack('>IIIHHIIIIHHBBBBHHBBH', 0x0a000000 + i, 0xc0000201, 0, 1, 2, 3, 100 * (i + 1), 0, 500,
        1024 + i, i + 1, 0, 2, 6 if i % 2 == 0 else 17, 0, 0, 0, 0, 0, 0) for i in range(count))

def v9(sequence, body):
    return struct.pack('>HHIIII', 9, 1, 1000, 1700000000, sequence, 1) + body

def flowset(number, body):
    return struct.pack('>HH', number, len(body) + 4) + body

template = flowset(0, struct.pack('>HH8H', 256, 4, 8, 4, 11, 2, 1, 4, 4, 2))
data = flowset(256, b''.join(struct.pack('>IHIH', 0x0a000001, i + 1, 7, 6) for i in range(2)))
def payloads(words):
    for at, word in enumerate(words):
        if word == 'cut':
            yield v5(0)[:-8]
        elif word.startswith('v9'):
            yield v9(at, template if word == 'v9t' else data)
        else:
            yield from (v5(n) for n in range(int(word)))

verb, to, rest = sys.argv[1], sys.argv[2], sys.argv[3:]
if verb == 'send':
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(('127.0.0.1', int(to) + 1))
    for p in payloads(rest):
        s.sendto(p, ('127.0.0.1', int(to)))
else:
    with open(to, 'wb') as out:
        out.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, 101))
        for n, p in enumerate(payloads(rest)):
            udp = struct.pack('>HHHH', 40000, 2055, 8 + len(p), 0) + p
            ip = struct.pack('>BBHHHBBHII', 0x45, 0, 20 + len(udp), 0, 0, 9, 17, 0, 0xc0000207, 0x7f000001) + udp
            out.write(struct.pack('<IIII', 1700000000 + n, 0, len(ip), len(ip)) + ip)
END

policy_conf()
{
	configure "{ address = \"127.0.0.1\"; port = $PORT; }" 'rotate = "1d";' "status = { address = \"127.0.0.1\"; port = $STATUS; }; $1"
}

WEB='rules = ( { match = "all"; action = "discard"; }, { match = "dst port 1-3"; action = "accept"; tag = 7; },
	{ match = "dst port in @low and udp"; action = "keep"; tag = 8; quick = true; }, { match = "dst port 2"; action = "drop"; } );
	lists = { low = [ 1, 2 ]; };'

# selected N: at least so many records of selected flows have reached the disk.
selected()
{
	[ "$(records 2>/dev/null | grep -c ' selected ')" -ge "$1" ]
}

flows()
{
	"$BUILDDIR/tests/node/records" -f "$T"/log/*.fbs* | grep '^{'
}

page()
{
	curl -s "http://127.0.0.1:$STATUS$1"
}

said_times()
{
	[ "$(grep -c "$1" "$T/messages")" -ge "$2" ]
}

# --- a capture ---

python3 "$T/exports" capture "$T/a.pcap" 20 v9d v9t v9d cut
policy_conf "policy = { $WEB };"
run "$NODE" -f "$T/conf" -D 'listen.[0].port=2055' -r "$T/a.pcap"
is "$status" 0 "a capture by a policy is recorded" || diag "$err"
is "$(records | grep -c ' selected ')" 22 "selected flows of 20 v5 datagrams, of a template, and of its data"
is "$(records | grep -c ' datagram ')" 2 "whole: data without a template yet, and what is cut"
is "$(records | awk '$2 == "header"' | wc -l)" 1 "in one segment"
is "$(flows | jq -r 'select(.version == 5) | [.sequence, .index, (.tags // [] | join("+")), .destinationTransportPort] | join(" ")' | head -n 4 | paste -sd';')" \
	"0 0 7 1;0 1 8 2;0 2 7 3;10 0 7 1" "the last match wins, and quick stops: flows with their places and tags"
is "$(flows | jq -r 'select(.version == 9) | [.index, (.tags | join("+"))] | join(" ")' | paste -sd';')" "0 7" \
	"v9 as soon as the template is there"
is "$(flows | wc -l)" 61 "and no others"
is "$(records | grep ' selected ' | awk '{ print $10 }' | sort -u | wc -l)" 22 "each names its datagram by a digest"
like "$err" 'log [^:]*: 24 datagrams recorded \(1 malformed, 0 cut\)' "counters are of whole datagrams"
# 211 flows: 200 of v5, 2 of v9, and 9 of what is cut; 21 times ports 1 and 3 (rule 2) and 2 over UDP (rule 3); v9's are TCP.
like "$err" 'policy: 64 flows kept, 147 dropped; of 22 datagrams selected flows are recorded, 2 are recorded whole' "what became of flows"
is "$(printf '%s\n' "$err" | sed -n 's/.*policy: rule \(.*\) evaluations, \(.*\) matches, \(.*\) wins: .*/\1 \2 \3/p' | paste -sd';')" \
	"1: 211 211 146;2: 211 65 43;3: 211 21 21;4: 190 1 1" "flowd's counters of each rule, exact"
like "$err" 'policy: no rule matched 0 flows' "and of what no rule matched"
rm -rf "$T/log"
run "$NODE" -f "$T/conf" -D 'listen.[0].port=2055' -D 'policy.undecoded=drop' -D 'policy.fields=["SRC_ADDR", "OCTETS"]' -r "$T/a.pcap"
is "$(records | awk '{ print $2 }' | grep -c '^datagram$')" 0 "undecoded = drop: nothing is whole"
is "$(records | grep -c ' selected ')" 24 "all has its record"
is "$(records | awk '$2 == "selected" { print $11, $12, $13 }' | sort | uniq -c | awk '{ print $1 "x", $2, $3, $4 }' | paste -sd';')" \
	"1x 0 0 0;20x 0 10 3;1x 0 2 1;1x 1 4294967295 0;1x 1 4294967295 3" "with what is known of the whole"
is "$(flows | jq -r 'keys - ["exporter","exporterPort","version","domain","sequence","index","exportTime","received","tags"] | join(" ")' | sort -u)" \
	"octetDeltaCount sourceIPv4Address" "and the fields that were asked for, of v5 and v9"
rm -rf "$T/log"
run "$NODE" -f "$T/conf" -D 'listen.[0].port=2055' -D 'policy.rules=({ match = "port 99"; action = "keep"; quick = true; }, { match = "any"; action = "drop"; })' -r "$T/a.pcap"
is "$(records | grep -c ' selected ')" 22 "where no flow is kept the records are there all the same"
is "$(flows | wc -l)" 0 "without flows"
run "$NODE" -n -f "$T/conf" -D policy.rules=5
is "$status" 2 "a wrong setting of the command line: exit 2"
like "$err" '^flowbraidd: -D policy.rules=5: policy.rules: expected a list of rules' "it is named"

# What a node keeps is what cat shows by the same policy of whole datagrams; but for the data that had no template yet.
rm -rf "$T/log"
policy_conf
run "$NODE" -f "$T/conf" -D 'listen.[0].port=2055' -r "$T/a.pcap"
mv "$T/log" "$T/whole"
FIELDS='fields = [ "SRC_ADDR", "OCTETS", "FLOW_TIMES" ]; undecoded = "drop";'
policy_conf "policy = { $WEB $FIELDS };"
run "$NODE" -f "$T/conf" -D 'listen.[0].port=2055' -r "$T/a.pcap"
"$BUILDDIR/flowbraid" cat -F json --policy "$T/conf" "$T/whole" >"$T/shown" 2>/dev/null
flows >"$T/kept"
is "$(wc -l <"$T/kept")" 64 "by the same policy cat shows what a node keeps"
grep -v '"lateTemplate":true' "$T/shown" >"$T/on-time"
check "to the byte" cmp "$T/on-time" "$T/kept"

# --- sockets, status, reload ---

rm -rf "$T/log"
policy_conf "policy = { $WEB };"
"$NODE" -d -f "$T/conf" -D log.flush=50ms 2>"$T/messages" </dev/null &
node_pid=$!
check "it starts" wait_for 20 is_started
python3 "$T/exports" send "$PORT" 100
check "datagrams are recorded" wait_for 20 selected 100
counted()
{
	[ "$(page /status | jq -r '.lanes[0] | [.datagrams, .policy_kept, .policy_dropped, .policy_selected, .policy_whole] | join(" ")')" = "$1" ]
}
check "status: what became of flows" wait_for 20 counted "100 300 700 100 0"
is "$(page /status | jq -c '.lanes[0].policy_rules')" \
	'[{"rule":1,"evaluations":1000,"matches":1000,"wins":700},{"rule":2,"evaluations":1000,"matches":300,"wins":200},{"rule":3,"evaluations":1000,"matches":100,"wins":100},{"rule":4,"evaluations":900,"matches":0,"wins":0}]' \
	"status: each rule"
is "$(page /metrics | grep -c '^flowbraid_policy_rule_[a-z]*_total{lane="0",rule="[1-4]"} ')" 12 "metrics: each rule"
is "$(page /metrics | grep '^flowbraid_policy_rule_matches_total{lane="0",rule="2"}')" \
	'flowbraid_policy_rule_matches_total{lane="0",rule="2"} 300' "metrics: its matches"
kill -USR2 "$node_pid"
check "SIGUSR2: each rule" wait_for 20 said_times 'policy: rule 4: 900 evaluations, 0 matches, 0 wins: drop dst port 2' 1

hangup()
{
	count=$(grep -c "$1" "$T/messages" || true)
	kill -HUP "$node_pid"
	wait_for 20 said_times "$1" $((count + 1))
}
configured()
{
	[ "$(records 2>/dev/null | grep -c ' configuration ')" -ge "$1" ]
}
check "the same policy again" hangup 'configuration read again'
check "an event tells it" wait_for 20 configured 2
like "$(records | grep ' configuration ' | tail -n 1)" 'flush = "50ms".*policy = \{.*rules = \(.*dst port in @low and udp' \
	"with the policy, and with what the command line said"
python3 "$T/exports" send "$PORT" 10
check "counters go on" wait_for 20 counted "110 330 770 110 0"
is "$(page /status | jq '.lanes[0].policy_rules[0].evaluations')" 1100 "those of rules, too"
policy_conf 'policy = { rules = ( { match = "dst port 9 and htp"; action = "drop"; } ); };'
check "a wrong expression: refused" hangup 'the running configuration stays'
like "$(cat "$T/messages")" 'conf:[0-9]+: policy.rules.match: column 16: expected what to ask for' "with file, line and column"
policy_conf 'policy = { rules = ( { match = "dst port 9"; action = "drop"; } ); };'
check "another policy" hangup 'configuration read again'
check "an event tells it" wait_for 20 configured 3
python3 "$T/exports" send "$PORT" 10
check "it is followed: nine flows of ten" wait_for 20 counted "120 420 780 120 0"
rules()
{
	[ "$(page /status | jq -c '.lanes[0].policy_rules')" = "$1" ]
}
check "its own rules are counted" wait_for 20 rules '[{"rule":1,"evaluations":100,"matches":10,"wins":10}]'
policy_conf
check "no policy any more" hangup 'configuration read again'
python3 "$T/exports" send "$PORT" 10
check "whole datagrams are recorded" wait_for 20 recorded 10
is "$(records | awk '$2 == "selected" || $2 == "datagram" { print $1, $2 }' | sort | uniq -c | awk '{ print substr($2, 1, 13) $3, $1 }' | paste -sd';')" \
	"00-0000000001selected 120;00-0000000002datagram 10" "in a segment of their own, which any reader may read"
# In a new life templates are known from selected records, too: from their skeletons.
policy_conf "policy = { $WEB };"
check "a policy again" hangup 'configuration read again'
python3 "$T/exports" send "$PORT" v9t v9d
check "v9 is recorded" wait_for 20 selected 122
kill_node
check "it starts again" start_node
python3 "$T/exports" send "$PORT" v9d
check "and data are decoded at once" wait_for 20 selected 123
stop_node
is "$status" 0 "it ends well"
is "$(records | grep -c ' finding ')" 0 "the log is sound"
done_testing
