#!/bin/sh
# SPDX-License-Identifier: ISC
# The example programs of the Python module, each against what flowbraid cat and jq say of the same archive.
: "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}"
. "$SRCDIR/tests/api/api.sh"

need_commands python3 jq nm
need_plain_library
make_inputs
cd "$T" || exit 99
PYTHONPATH=$SRCDIR/python
PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH PYTHONDONTWRITEBYTECODE
examples=$SRCDIR/python/examples
"$fb" cat -F json archive >json

cleanup()
{
	[ -z "${feed:-}" ] || kill "$feed" 2>/dev/null || true
}

# reader
run "$examples/reader.py" archive
is "$status $err" "0 " "reader: reads"
is "$(awk '{ print $2, $4, $10 }' out | sort | cksum)" \
    "$(jq -r '"\(.sourceIPv4Address):\(.sourceTransportPort) \(.destinationIPv4Address):\(.destinationTransportPort) \(.octetDeltaCount)"' json | sort | cksum)" \
    "reader: each flow's addresses, ports and octets"
run "$examples/reader.py" -v -e "dst port 53" archive
is "$(grep -c '^    octetDeltaCount ' out)" "$("$fb" cat -c archive -- dst port 53)" "reader: all fields of those that are selected"
run "$examples/reader.py" -e "dst prt 53" archive
like "$status $err" '^1 .*reader.py: expression, column 5: ' "reader: what is no expression"
check "reader: a closed pipe ends it quietly" sh -c "'$examples/reader.py' archive 2>err | head -n 1 >line; test -s line && test ! -s err"

# top_talkers
run "$examples/top_talkers.py" -n 3 archive
is "$status $err" "0 " "top_talkers: counts"
like "$out" "^total: $(jq -s -r '"\(length) flows \(map(.packetDeltaCount) | add) packets \(map(.octetDeltaCount) | add) octets"' json)$" "top_talkers: totals"
top=$(jq -s -r 'group_by(.exporter) | map({e: .[0].exporter, o: (map(.octetDeltaCount) | add), n: length}) | sort_by(-.o) | .[0] |
	"  \(.e): \(.n) flows "' json)
is "$(sed -n '/^exporters:/{n;p;}' out | grep -Fc "$top")" 1 "top_talkers: the exporter that comes first" || diag "$top, $out"
is "$(sed -n '/^protocols/,/^$/p' out | grep -c ': .* flows')" 2 "top_talkers: both protocols"

# to_sqlite
run "$examples/to_sqlite.py" flows.db archive
is "$status $out" "0 archive: $(wc -l <json) flows" "to_sqlite: loads"
"$examples/to_sqlite.py" flows.db archive >again
query='import sqlite3, sys; print(*sqlite3.connect("flows.db").execute(sys.argv[1]).fetchone())'
is "$(python3 -c "$query" 'SELECT count(*), sum(octets), sum(packets), count(DISTINCT src), min(start_ns) FROM flows')" \
    "$(jq -s -r '"\(length) \(map(.octetDeltaCount) | add) \(map(.packetDeltaCount) | add) \(map(.sourceIPv4Address) | unique | length) "' json)$(
    jq -r .flowStart json | sort | head -n 1 | python3 -c 'import datetime, sys; t = datetime.datetime.fromisoformat(sys.stdin.read().strip().replace("Z", "+00:00")); print(int(t.timestamp()) * 10**9 + t.microsecond * 1000)')" \
    "to_sqlite: twice loaded, once there, with all values"
run "$examples/to_sqlite.py" flows.db nowhere
like "$status $err" '^1 .*nowhere: No such file or directory' "to_sqlite: what cannot be read"

# protocol_graph
run "$examples/protocol_graph.py" -s 1 -t archive
is "$status $err" "0 " "protocol_graph: counts"
is "$(awk 'NR > 1 { sum += $2 + $3 + $4 + $5 } END { printf "%d", sum / 8 / 1000 + 0.5 }' out)" \
    "$(jq -s 'map(.octetDeltaCount) | add / 1000 | round' json)" "protocol_graph: all octets are somewhere, as thousands"
run "$examples/protocol_graph.py" -s 1 archive
check "protocol_graph: a picture" python3 -c 'import sys, xml.dom.minidom as m; d = m.parse(sys.argv[1]); assert len(d.getElementsByTagName("polygon")) == 4' out
run "$examples/protocol_graph.py" -e "dst port 1 and dst port 2" archive
like "$status $err" '^1 .*no flows to draw' "protocol_graph: nothing to draw"

# worm_suspects
want=$(jq -r 'select(.packetDeltaCount <= 9) | "\(.sourceIPv4Address) \(.protocolIdentifier) \(.destinationTransportPort) \(.destinationIPv4Address)"' json |
    sort -u | awk '{ n[$1 " protocol " $2 " port " $3]++ } END { for (k in n) if (n[k] >= 3) print k ": " n[k] " hosts" }' | sort)
run "$examples/worm_suspects.py" -t 3 -p 9 archive
is "$(sed 's/, [0-9]* flows$//' out | sort)" "$want" "worm_suspects: those that speak to three hosts with little"
is "$status" 1 "worm_suspects: exit 1, as there are some"
run "$examples/worm_suspects.py" -t 100000 archive
is "$status $out" "0 " "worm_suspects: or 0, as there is none"

# feed_client, with a feed that ends within a line
cat >feed.py <<'EOF2'
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
s.bind('feed')
s.listen()
c, _ = s.accept()
c.sendall(open('json', 'rb').read() + b'{"lost": 3}\n' + b'{"exporter": "cut')
EOF2
python3 feed.py &
feed=$!
check "the feed is there" wait_for 20 test -S feed
run "$examples/feed_client.py" feed
feed=
is "$status $err" "0 " "feed_client: reads to the end"
is "$(tail -n 1 out)" "end of the feed: $(jq -s -r '"\(length) flows \(map(.octetDeltaCount) | add) octets"' json), 1 other lines" "feed_client: all flows, and nothing that is none"
is "$(grep -c ' > ' out)" "$(wc -l <json)" "feed_client: a line a flow"
run "$examples/feed_client.py" nowhere
like "$status $err" '^1 .*No such file' "feed_client: no feed"
done_testing
