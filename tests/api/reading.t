#!/bin/sh
# SPDX-License-Identifier: ISC
# What libflowbraid gives of logs and archives is what flowbraid cat prints: flows, fields, times, selections, damage.
: "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}"
. "$SRCDIR/tests/api/api.sh"

make_inputs
cd "$T" || exit 99

# The same from the text of fields: what stands in JSON, without JSON.
cat >fields.py <<'EOF2'
import json, sys
for line in sys.stdin:
    f, out = json.loads(line), []
    for name in ('sourceIPv4Address', 'destinationIPv4Address', 'sourceTransportPort', 'destinationTransportPort',
                 'protocolIdentifier', 'octetDeltaCount', 'packetDeltaCount', 'flowStart', 'flowEnd'):
        if name in f:
            out.append('%s=%s' % (name, f[name]))
    print(' '.join(out + ['late'] * f.get('lateTemplate', False)))
EOF2
only='sourceIPv4Address|destinationIPv4Address|sourceTransportPort|destinationTransportPort|protocolIdentifier|octetDeltaCount|packetDeltaCount|flowStart|flowEnd'

for path in $paths; do
	name=$(basename "$path")
	"$fb" cat -F json "$path" >want
	run "$dump" json "$path"
	check "$name: JSON of all $(wc -l <want) flows is cat's" cmp want out
	is "$status $err" "0 " "$name: and nothing is wrong"
	python3 fields.py <want | tr ' ' '\n' | sort >want.fields
	"$dump" fields "$path" | tr ' ' '\n' | grep -E "^($only)=|^late$" | sort >got.fields
	check "$name: fields, begin and end are JSON's" cmp want.fields got.fields
	"$fb" cat -F json "$path" -- dst port 53 and bytes '>' 310 >want
	check "$name: an expression selects flows" test -s want
	"$dump" json "$path" "dst port 53 and bytes > 310" >got
	check "$name: the $(wc -l <want) that cat selects" cmp want got
	"$fb" cat -F json --from 2023-11-14T22:13:19 --to 2023-11-14T22:13:21 "$path" >want
	check "$name: there are flows in a span" test -s want
	"$dump" json "$path" "" 1700000000000000000 1700000000000000001 >none
	is "$(wc -l <none)" "$("$fb" cat -c --from 1700000000 --to 1700000000.000000001 "$path")" "$name: few are in a nanosecond"
	"$dump" json "$path" "" 1699999999000000000 1700000001000000000 >got
	check "$name: the $(wc -l <want) in a span" cmp want got
done

# Datagrams as they were made, also those without a flow.
awk '$1 == "d" { print $5 }' a.lines | sort >want
"$dump" datagrams a | awk '{ print $NF }' | sort >got
check "a: all $(wc -l <want) datagrams, to the byte" cmp want got
"$fb" cat -F json archive | jq -r '"\(.exporter) \(.exporterPort) \(.received) \(.domain) \(.sequence) \(.witnesses | join(","))"' | sort -u >want
"$dump" datagrams archive | awk '{ print $1, $2, $3, $5, $6, $7 }' | sort -u >got
check "archive: who sent, when, which, who heard" sh -c 'test -s want && comm -23 want got >left && test ! -s left'

# What a policy left, with its tags.
printf 'cluster = "lab";\nnode = "p";\nlisten = ( { address = "127.0.0.1"; port = 2055; } );\nlog = { directory = "policy"; };\npolicy = { rules = ( { match = "any"; action = "drop"; }, { match = "packets > 0"; action = "keep"; tag = 7; } ); };\n' >policy.conf
"$BUILDDIR/tests/bench/blast" -w policy.pcap -a 127.0.0.1 -p 2055 -n 50 -r 1 -t 1700000000 >said 2>&1
"$BUILDDIR/flowbraidd" -f policy.conf -r policy.pcap 2>said
"$fb" cat -F json policy >want
check "a policy left flows with tags" grep -q '"tags":\[7\]' want
run "$dump" json policy
check "selected flows: $(wc -l <want)" cmp want out
run "$dump" datagrams policy
is "$status $(wc -l <out)" "0 50" "their datagrams have no payload, and are there"

# What is wrong is said, with its place.
run "$dump" json nowhere
is "$status $err" "2 status 8 column 0: nowhere: No such file or directory" "no such path"
run "$dump" json .
is "$err" "status 4 column 0: .: neither a log folder, nor a segment, nor an archive" "a folder of other things"
run "$dump" json a "dst prt 80"
like "$err" '^status 3 column 5: expression, column 5: ' "an expression that is none, with the column"

cp -r a damaged
segment=$(find damaged -name '*.fbs' | sort | head -n 1)
printf '\377\377\377\377' | dd of="$segment" bs=1 seek=6000 conv=notrunc 2>dd.err
run "$fb" cat -F json damaged
mv out want
mv err want.err
run "$dump" json damaged
check "damaged: all that is whole" cmp want out
like "$err" "^$segment: offset [0-9]+: .*: expected .*, found" "damaged: the place is told"
is "$("$dump" counts damaged 2>dd.err | cut -d' ' -f2)" "$(grep -c offset want.err)" "damaged: and counted"

# Data whose template nobody told.
awk '{ if ($1 != "d" || substr($5, 1, 4) != "0009" || substr($5, 41, 4) != "0000") print }' a.lines >untold.lines
"$BUILDDIR/tests/cmd/make-log" untold lab a 5 <untold.lines
undecoded=$("$fb" cat -c untold 2>&1 | sed -n 's/.*: \([0-9]*\) sets have no template yet.*/\1/p')
check "there are undecoded sets" test "${undecoded:-0}" -gt 0
is "$("$dump" counts untold | cut -d' ' -f3)" "$undecoded" "undecoded sets are counted"

if command -v valgrind >/dev/null && ! nm -D "$BUILDDIR/libflowbraid.so" | grep -Eq '__(asan|tsan)_'; then
	for path in $paths damaged; do
		run valgrind -q --error-exitcode=9 --leak-check=full "$dump" fields "$(basename "$path")" "bytes > 310"
		is "$status" 0 "$(basename "$path"): valgrind finds nothing" || diag "$err"
	done
else
	skip "valgrind finds nothing" "no valgrind, or a build with sanitizers"
fi

# Real devices.
if make_corpus; then
	for log in corpus/*; do
		"$fb" cat -F json "$log" >want 2>want.err
		"$dump" json "$log" >got 2>got.err
		check "$log: $(wc -l <want) flows" cmp want got
	done
else
	skip "captures of real devices" "no corpus of real exports (FLOWBRAID_CORPUS)"
fi
done_testing
