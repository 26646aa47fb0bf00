#!/bin/sh
# SPDX-License-Identifier: ISC
#
# import: stores of flowd, versions 2 and 3, value by value; what is damaged there; twice, and by two hosts; captures, which make
# the log that flowbraidd -r makes.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
need_commands python3 jq

fb=$BUILDDIR/flowbraid
node=$BUILDDIR/flowbraidd
blast=$BUILDDIR/tests/bench/blast
store="python3 $SRCDIR/tests/cmd/flowd-store.py"
cd "$T" || exit 99

import()
{
	run "$fb" import --cluster edge --node flowd "$@"
}

# All flows of a path, sorted, one object a line with sorted keys; but for what the archive knows besides.
flows()
{
	"$fb" cat -q -F json "$@" | jq -cS 'del(.witnesses)' | sort
}

for v in 2 3; do
	$store $v all$v want$v
	import -o log$v all$v
	is "$status" 0 "v$v: imported" || diag "$err"
	# numbers beyond 2^53 do not occur; a record without RECV_TIME does not either
	jq -cS . want$v | sort >want
	flows log$v >got
	is "$(wc -l <got)" "$(wc -l <want)" "v$v: as many flows"
	check "v$v: each with every value that it has" cmp -s got want || diag "$(diff got want | head -n 20)"
	run "$fb" verify log$v
	is "$status" 0 "v$v: the log is sound" || diag "$out$err"
	run "$fb" merge -q -o archive$v log$v
	is "$status" 0 "v$v: merged" || diag "$err"
	flows archive$v >got
	check "v$v: the archive has the same flows" cmp -s got want || diag "$(diff got want | head -n 20)"
	run "$fb" gaps --json archive$v
	is "$status $(echo "$out" | jq -c '[.residual_missing, ([.streams[].missing] | add)]')" "0 [0,0]" "v$v: gaps misses nothing"
done
import -o said all3
like "$err" 'all3: 18 engine types and ids had been written in the wrong byte order' "what was put right is said"
like "$err" 'all3: 1 records without an exporter.s address' "so is what was not there"
is "$("$fb" cat -q -F json log3 -- tag 2 | jq -cS . | sort | md5sum)" "$(jq -cS 'select(.tags == [2])' want3 | sort | md5sum)" \
	"flowd's tags are tags"

# Twice, into another log, and the same flows as another host heard them: once.
import -q -o again all3
run "$fb" merge -q -o archive3 again
flows archive3 >got
jq -cS . want3 | sort >want
check "imported twice, merged once" cmp -s got want
$store small 3 other
python3 - "$SRCDIR" <<'EOF2'
import importlib.util, sys
spec = importlib.util.spec_from_file_location('store', sys.argv[1] + '/tests/cmd/flowd-store.py')
s = importlib.util.module_from_spec(spec)
spec.loader.exec_module(s)
with open('late', 'wb') as out:
    for n in range(4):
        f = s.flow(3, n)
        f['RECV_TIME'] = (f['RECV_TIME'][0], f['RECV_TIME'][1] + 1000)
        f['TAG'] = (99,)
        out.write(s.record(3, f))
# gaps that flowd's filter left in sequence numbers
with open('filtered', 'wb') as out:
    for netflow in (5, 9):
        for n in range(0, 100, 10):
            out.write(s.record(3, s.flow(3, n, netflow=netflow), netflow == 5))
EOF2
import -q -o one other
run "$fb" import -q --cluster edge --node second -o two late
run "$fb" merge -q -o both one two
is "$("$fb" cat -q -F json both | jq -c '[.sequence, .index, .witnesses]' | sort | paste -sd' ')" \
	'[1000,0,["flowd","second"]] [1000,1,["flowd","second"]] [1002,0,["flowd","second"]] [1002,1,["flowd","second"]]' \
	"two hosts' stores of the same datagrams: both are witnesses"
is "$("$fb" cat -q -F json both | jq -c '.tags' | paste -sd' ')" "[99] [1,99] [2,99] [3,99]" "with the tags of both"
import -q -o filtered.log filtered
run "$fb" gaps --json filtered.log
is "$status $(echo "$out" | jq -c '.residual_missing')" "0 0" "what flowd's filter left out is not missing" || diag "$out"

# flowd-reader's lines
is "$("$fb" cat -q -F flow-tools one | sed -n 1,2p | paste -sd' ')" \
	"#:unix_secs,unix_nsecs,sysuptime,exaddr,dpkts,doctets,first,last,engine_type,engine_id,srcaddr,dstaddr,nexthop,input,output,srcport,dstport,prot,tos,tcp_flags,src_mask,dst_mask,src_as,dst_as 1100000000,500000000,3600000,192.0.2.1,3,5000000000,3590000,3599999,2,9,10.1.0.0,10.2.0.0,10.3.0.1,7,70000,1024,443,17,0,0,24,16,64512,4200000000" \
	"-F flow-tools"

# Damage: torn at each length, and each byte changed. Told always, and what is sound is there.
for v in 2 3; do
	$store small $v small$v
	cat >damage.py <<'EOF2'
import json, os, subprocess, sys
fb, version = sys.argv[1], int(sys.argv[2])
good = open('small%d' % version, 'rb').read()
head = 16 if version == 2 else 0
size = (len(good) - head) // 4
bad = []


def attempt(data, what, told, least):
    with open('hurt', 'wb') as f:
        f.write(data)
    subprocess.run(['rm', '-rf', 'hurt.log'], check=True)
    r = subprocess.run([fb, 'import', '-q', '--json', '--cluster', 'c', '--node', 'n', '-o', 'hurt.log', 'hurt'], capture_output=True)
    text = r.stderr.decode()
    if r.returncode not in told:
        bad.append('%s: exit %d: %s' % (what, r.returncode, text))
    elif r.returncode != 0 and 'hurt: ' not in text:
        bad.append('%s: no message: %s' % (what, text))
    elif r.returncode == 1 and (json.loads(r.stdout)['findings'] == 0 or 'offset' not in text or 'expected' not in text):
        bad.append('%s: no finding: %s' % (what, text))
    elif r.returncode < 2 and json.loads(r.stdout)['records'] < least:
        bad.append('%s: %s' % (what, r.stdout))


for n in range(1, len(good)):
    whole = max(0, n - head) // size
    even = n >= head and (n - head) % size == 0
    # too little of it cannot be told from anything else
    attempt(good[:n], 'first %d' % n, (0,) if even else (1,) if whole else (1, 2), whole)
for n in range(len(good)):
    begun = version == 2 and 8 <= n < 12  # when the store was begun: nothing tells that it is wrong
    attempt(good[:n] + bytes([good[n] ^ 0xff]) + good[n + 1:], 'byte %d' % n, (0,) if begun else (1,), 3 if n >= head else 4)
print('\n'.join(bad[:5]) or 'fine')
EOF2
	is "$(python3 damage.py "$fb" $v)" fine "v$v: each tear and each byte changed"
done
{ head -c 160 small3; printf 'X'; tail -c +162 small3; } >hurt3
rm -rf hurt.log
import -o hurt.log hurt3
is "$status" 1 "damage: exit 1"
like "$err" 'hurt3: offset 120: CRC32: expected 0x[0-9a-f]{8}, found 0x[0-9a-f]{8}; 120 bytes lost, to the next record' "which file, where, what was expected and found"
like "$err" 'hurt.log: 3 records of 1 stores, in 2 datagrams; 1 findings, 120 bytes lost' "what was lost"
python3 - small3 hurt3 <<'EOF2'
import sys
data = bytearray(open(sys.argv[1], 'rb').read())
data[121] += 1
data[236:240] = __import__('struct').pack('>I', __import__('zlib').crc32(bytes(data[120:236]), 0xffffffff) ^ 0xffffffff)
open(sys.argv[2], 'wb').write(data)
EOF2
import -o length.log hurt3
is "$status" 1 "a length that the bitmap contradicts is a finding"
like "$err" 'hurt3: offset 120: length: expected 28 words as the bitmap 0x[0-9a-f]{8} has it, found 29$' "which says both"
is "$("$fb" cat -q -c length.log)" 4 "and the record, whose checksum is right, is taken"

# Standard input, several stores, a log that goes on.
"$fb" import -q --cluster edge --node flowd -o piped - <small3
is "$("$fb" cat -q -c piped)" 4 "- is standard input"
import -q -o piped small2 small3
is "$status $(find piped -name '*.fbs' | wc -l)" "0 2" "a log that is there already goes on"
run "$fb" merge -q -o once piped
is "$("$fb" cat -q -c once)" 8 "v2 and v3, of which one came twice"
$store many 3 many 20000
import -o many.log many
like "$err" ': 20000 records of 1 stores, in 10000 datagrams; 0 findings' "a long one"
is "$("$fb" cat -q -c many.log)" 20000 "all flows of it"

# What cannot be.
echo text >text
import -o none text
is "$status" 2 "neither store nor capture: exit 2"
like "$err" 'text: neither a capture nor a store of flowd' "message"
import -o none small3 missing
is "$status" 2 "no such file: exit 2"
check "nothing is written then" test ! -e none
: >empty
import -o none empty
is "$status" 0 "an empty one"
like "$err" 'empty: empty' "is said to be"
run "$fb" import --cluster other --node flowd -o log3 small3
is "$status" 2 "a log of another cluster: exit 2"
like "$err" 'log log3: .*\.fbs: .*(cluster|edge)' "message"
run "$fb" import --node flowd -o log3 small3
like "$status $err" '2 .*--cluster is missing' "a name is missing"
run "$fb" import --cluster "a b" --node flowd -o log3 small3
like "$status $err" '2 .*--cluster a b: expected a name of' "a name that is none"
exec 9<log3
flock 9
import -o log3 small3
exec 9<&-
like "$status $err" '2 .*log log3: another process writes there' "a log that a node is writing"
if [ "$(id -u)" = 0 ] && mkdir small && mount -t tmpfs -o size=300k none small 2>/dev/null; then
	import -q -o small/log many
	is "$status" 2 "a full disk: exit 2"
	like "$err" 'log small/log: No space left' "message"
	umount small
else
	skip "a full disk" "cannot mount here"
	skip "message" "cannot mount here"
fi

# Captures: the records that flowbraidd -r writes.
"$blast" -w a.pcap -a 239.1.1.1 -p 2055 -n 20 -r 1 -t 1700000000
"$blast" -w b.pcap -a 239.1.1.1 -p 9995 -n 10 -r 1 -t 1700000100 -v 9
cat >conf <<'EOF2'
cluster = "edge"; node = "cap"; log = { directory = "by-node"; };
listen = ( { address = "239.1.1.1"; port = 2055; interface = "nosuch0"; },
	{ address = "239.1.1.1"; port = 9995; interface = "nosuch0"; } );
EOF2
"$node" -f conf -r a.pcap -r b.pcap 2>/dev/null
import=$("$fb" import --cluster edge --node cap -o by-import a.pcap b.pcap 2>&1)
is "$?" 0 "captures are imported" || diag "$import"
is "$(flows by-import | jq -c 'del(.received)' | md5sum)" "$(flows by-node | jq -c 'del(.received)' | md5sum)" "and are what a node makes of them"
is "$("$fb" cat -q -F json by-import | jq -r .received | sort | md5sum)" "$("$fb" cat -q -F json by-node | jq -r .received | sort | md5sum)" "at the same times"
check "with flows in them" test "$("$fb" cat -q -c by-import)" -gt 0
import -o by-port --port 9995 a.pcap b.pcap
like "$err" '20 UDP packets to ports of no listener passed over' "--port: others are passed over, and counted"
is "$("$fb" info --json by-port 2>/dev/null | jq .datagrams)" 10 "and not recorded"
import -o mixed a.pcap small3
is "$status $("$fb" info --json mixed | jq .datagrams)" "0 22" "a capture and a store"
head -c 1000 a.pcap >cut.pcap
import -o cut.log cut.pcap
is "$status" 1 "a capture that is cut: exit 1"
mkdir alone && cp "$fb" alone/
run alone/flowbraid import --cluster edge --node cap -o alone/log a.pcap
like "$status $err" '2 .*flowbraidd: No such file' "without a daemon"
done_testing
