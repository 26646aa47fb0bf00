#!/bin/sh
# SPDX-License-Identifier: ISC
#
# flowbraid export: what is asked for comes into the file and nothing else, a file is whole or not there, and SQLite holds each
# value. What IPFIX files hold is tests/golden/ipfix.t's for real exports, and here for the protocols that a test can make.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
need_commands jq python3

fb=$BUILDDIR/flowbraid
cd "$T" || exit 99
cat >conf <<-END
	cluster = "test"; node = "n";
	listen = ( { address = "0.0.0.0"; port = 2055; } );
	log = { directory = "log"; };
END
for version in 5 9; do
	"$BUILDDIR/tests/bench/blast" -w v$version.pcap -n 100 -r 10 -v $version -p 2055 >/dev/null || exit 99
done
"$BUILDDIR/flowbraidd" -f conf -r v5.pcap -r v9.pcap 2>/dev/null || exit 99
"$fb" merge -q -o archive log >/dev/null || exit 99
"$fb" cat -q -F json archive >flows
all=$("$fb" cat -c log)
check "there are flows" [ "$all" -gt 1000 ]

# --- the command ---

# refused MESSAGE ARGUMENT...: exit 2, with the message, and nothing is made.
refused()
{
	message=$1
	shift
	run "$fb" export "$@"
	is "$status" 2 "export $*: exit 2"
	like "$err" "$message" "export $*: message"
}
refused '^usage: flowbraid export' log
refused '^usage: flowbraid export' -F ipfix log
refused '^usage: flowbraid export' -F ipfix -o file
refused '-F nfdump: expected ipfix or sqlite' -F nfdump -o file log
refused '--append: with -F sqlite only' -F ipfix --append -o file log
refused 'none: No such file or directory' -F ipfix -o file none
refused 'none: No such file or directory' -F ipfix -o file log none log
refused 'nowhere/file.*: No such file or directory' -F ipfix -o nowhere/file log
refused 'column|expected|^flowbraid' -F ipfix -o file log -- bogus expression
is "$(ls file file.tmp 2>/dev/null)" "" "a refused export leaves no file"
: >there
refused 'there: is there already' -F ipfix -o there log
check "and what was there is as it was" test ! -s there
run "$fb" export --help
is "$status" 0 "--help"

# --- IPFIX ---

# records FILE: how many data records its messages say they have, by the sequence numbers and the last message.
cat >messages.py <<'EOF2'
import struct, sys
data, at, n = open(sys.argv[1], 'rb').read(), 0, 0
while at < len(data):
    version, length, seconds, sequence, domain = struct.unpack('!HHIII', data[at:at + 16])
    assert version == 10 and at + length <= len(data), at
    at, n = at + length, n + 1
print(n)
EOF2
run "$fb" export -F ipfix -o a.ipfix archive
is "$status" 0 "an archive becomes an IPFIX file" || diag "$err"
like "$err" "^flowbraid: $all flows and 0 options records, in $(python3 messages.py a.ipfix) messages of 2 observation domains\$" \
    "it says how many flows"
"$fb" export -q -F ipfix -o b.ipfix archive
check "the same again is the same to the byte" cmp a.ipfix b.ipfix
run "$fb" export -q -F ipfix -o - archive
is "$status$err" 0 "to standard output"
check "it is the same" cmp out a.ipfix
if [ -c /dev/full ]; then
	status=0
	"$fb" export -q -F ipfix -o - archive >/dev/full 2>err || status=$?
	is "$status" 2 "to a full device: exit 2"
	like "$(cat err)" 'standard output: No space left on device' "to a full device: message"
fi

# again FILE: what our own reader makes of its messages, as JSON.
again()
{
	rm -rf again
	python3 "$SRCDIR/tests/golden/to-pcap.py" "$1" again.pcap &&
	    sed 's/2055/4739/; s/"log"/"again"/' conf >conf.again &&
	    "$BUILDDIR/flowbraidd" -f conf.again -r again.pcap 2>again.err &&
	    "$fb" cat -q -F json again
}
again a.ipfix >again.flows
is "$(wc -l <again.flows)" "$all" "flowbraid reads as many flows in it"
fields='[.sourceIPv4Address, .destinationIPv4Address, .sourceTransportPort, .octetDeltaCount, .packetDeltaCount, .flowStart, .flowEnd]'
jq -c "$fields + [.exporter, .exporterPort, .version, .domain, .received[:23]]" flows >want
jq -c "$fields + [.exporterIPv4Address, .exporterTransportPort, .exportProtocolVersion, .originalObservationDomainId,
	.collectionTimeMilliseconds[:23]]" again.flows >got
check "with the same values" cmp want got

"$fb" export -q -F ipfix -o few.ipfix -n 7 archive
is "$(again few.ipfix | wc -l)" 7 "-n"
"$fb" export -q -F ipfix -o span.ipfix --from 1700000003 --to 1700000005.5 archive
is "$(again span.ipfix | wc -l)" "$("$fb" cat -c --from 1700000003 --to 1700000005.5 archive)" "--from and --to"
"$fb" export -q -F ipfix -o some.ipfix archive -- src port 1-30000
is "$(again some.ipfix | wc -l)" "$("$fb" cat -c archive -- src port 1-30000)" "an expression"
echo 1522178d33a4cf80130a5b1649907d10d8988f837979652762574c2d2a842202 >key
"$fb" export -q -F ipfix -o hidden.ipfix --anonymise key archive
again hidden.ipfix | jq -c '[.sourceIPv4Address, .destinationIPv4Address, .ipNextHopIPv4Address]' >got
"$fb" cat -q -F json --anonymise key archive |
    jq -c '[.sourceIPv4Address, .destinationIPv4Address, .ipNextHopIPv4Address]' >want
check "--anonymise" cmp want got
"$fb" export -q -F ipfix -o none.ipfix archive -- src port 1 and src port 2
check "no flows: an empty file" test ! -s none.ipfix

# --- a file is whole or not there ---

dd if=log/"$(cd log && echo *.fbs)" of=damaged.fbs bs=4096 count=20 2>/dev/null
printf 'XXXX' | dd of=damaged.fbs bs=1 seek=30000 conv=notrunc 2>/dev/null
run "$fb" export -q -F ipfix -o damaged.ipfix damaged.fbs
is "$status" 1 "of a damaged segment: exit 1"
check "what is sound in it is there" test -s damaged.ipfix
: >left.ipfix.tmp
"$fb" export -q -F ipfix -o left.ipfix archive
check "what a killed export left is no hindrance" cmp left.ipfix a.ipfix
is "$(ls ./*.tmp 2>/dev/null)" "" "and nothing is left behind"

# limited ARGUMENT...: with files of 16 KiB at most, as on a disk that is full.
limited()
{
	(
		trap '' XFSZ
		ulimit -f 32
		exec "$fb" "$@"
	)
}
run limited export -q -F ipfix -o large.ipfix archive
is "$status" 2 "a disk that takes no more: exit 2"
is "$err" "flowbraid: large.ipfix: File too large" "a disk that takes no more: message"
is "$(ls large.ipfix* 2>/dev/null)" "" "a disk that takes no more: no file"

# --- SQLite ---

if "$fb" export -q -F sqlite -o probe.db archive 2>&1 | grep -q 'built without SQLite'; then
	skip "SQLite" "built without it"
	done_testing
fi
if ! command -v sqlite3 >/dev/null; then
	skip "SQLite" "sqlite3 is not installed"
	done_testing
fi
run "$fb" export -F sqlite -o a.db archive
is "$status" 0 "an archive becomes a database" || diag "$err"
is "$err" "flowbraid: $all flows, from 2 exporters" "it says how many flows"
is "$(sqlite3 a.db 'PRAGMA integrity_check')" ok "SQLite finds it sound"
is "$(sqlite3 a.db 'SELECT count(*), sum(octetDeltaCount), sum(packetDeltaCount) FROM flows')" \
    "$(jq -rs '[length, (map(.octetDeltaCount) | add), (map(.packetDeltaCount) | add)] | map(tostring) | join("|")' flows)" \
    "all flows and octets are there"
sqlite3 a.db "SELECT json_array(sourceIPv4Address, destinationIPv4Address, sourceTransportPort, octetDeltaCount, tcpControlBits,
	ingressInterface, address, port, version, domain, sequence, \"index\", json(witnesses), flowStart, flowEnd, received)
	FROM flows JOIN exporters ON exporter = id ORDER BY flows.rowid" >got
python3 - flows >want <<'EOF2'
import calendar, json, sys, time

def ns(text):
    if text is None:
        return None
    moment, _, fraction = text.rstrip('Z').partition('.')
    return calendar.timegm(time.strptime(moment, '%Y-%m-%dT%H:%M:%S')) * 10**9 + int((fraction + '0' * 9)[:9])

for line in open(sys.argv[1]):
    f = json.loads(line)
    row = [f.get(k) for k in ('sourceIPv4Address', 'destinationIPv4Address', 'sourceTransportPort', 'octetDeltaCount', 'tcpControlBits',
                              'ingressInterface', 'exporter', 'exporterPort')]
    row += [str(f['version']), f['domain'], f['sequence'], f['index'], f['witnesses']]
    start, end = ns(f.get('flowStart')), ns(f.get('flowEnd'))
    print(json.dumps(row + [start, end, ns(f['received'])], separators=(',', ':')))
EOF2
# Times of v5 are shown with milliseconds, and held with all that is known.
python3 - want got <<'EOF2' >differences
import json, sys
want, got = (list(map(json.loads, open(p))) for p in sys.argv[1:3])
assert len(want) == len(got), (len(want), len(got))
for w, g in zip(want, got):
    for t in (13, 14):
        if w[t] is not None:
            g[t] -= g[t] % 10**6
    if w != g:
        print(w, g)
EOF2
check "each column has its value" test ! -s differences || diag "$(head -3 differences)"
is "$(sqlite3 a.db "SELECT DISTINCT typeof(octetDeltaCount), typeof(received), typeof(sourceIPv4Address) FROM flows")" \
    "integer|integer|text" "integers are integers, addresses are text"
like "$(sqlite3 a.db "EXPLAIN QUERY PLAN SELECT * FROM flows WHERE sourceIPv4Address = '10.0.0.1'")" \
    'INDEX flowsBySourceIPv4' "addresses have an index"
like "$(sqlite3 a.db "EXPLAIN QUERY PLAN SELECT * FROM flows WHERE received > 5")" 'INDEX flowsByReceived' "so has time"

refused 'a.db: is there already' -F sqlite -o a.db archive
run "$fb" export -q -F sqlite --append -o a.db log
is "$status$err" 0 "--append"
is "$(sqlite3 a.db 'SELECT count(*) FROM flows')" $((2 * all)) "adds all"
is "$(sqlite3 a.db 'SELECT count(*) FROM exporters')" 2 "to the same exporters"
run "$fb" export -q -F sqlite --append -o new.db log
is "$status$err" 0 "--append makes a database that is not there"
before=$(sqlite3 a.db 'SELECT count(*) FROM flows')
refused 'none: No such file' -F sqlite --append -o a.db log none log
is "$(sqlite3 a.db 'SELECT count(*) FROM flows')" "$before" "a failed --append adds nothing"
sqlite3 other.db 'CREATE TABLE t (a)'
refused 'other.db: is no database of flowbraid export' -F sqlite --append -o other.db log
echo "this is no database, and long enough to be none" >text.db
refused 'text.db: file is not a database' -F sqlite --append -o text.db log
run limited export -q -F sqlite -o large.db archive
is "$status" 2 "a disk that takes no more: exit 2"
like "$err" '^flowbraid: large.db: disk I/O error' "a disk that takes no more: message"
is "$(ls large.db* 2>/dev/null)" "" "a disk that takes no more: no database"
"$fb" export -q -F sqlite -o hidden.db --anonymise key -n 50 archive
sqlite3 hidden.db 'SELECT sourceIPv4Address FROM flows ORDER BY rowid' >got
"$fb" cat -q -F json --anonymise key -n 50 archive | jq -r .sourceIPv4Address >want
check "--anonymise and -n" cmp want got
refused 'none: No such file' -F sqlite -o half.db log none log
is "$(ls half.db* 2>/dev/null)" "" "a failed export leaves no database"

# What has no column, what is repeated, and what SQLite has no integer for.
python3 - >odd.lines <<'EOF2'
import struct
T = 1700000100
def sets(*sets):
    return b''.join(struct.pack('>HH', i, 4 + len(b)) + b for i, b in sets)
template = struct.pack('>HHHHHHHHHHHH', 256, 5, 1, 8, 2, 8, 82, 4, 58, 2, 58, 2)
body = sets((2, template), (256, struct.pack('>QQ4sHH', 2**63 + 5, 2**63 - 1, b'eth0', 7, 8)))
print('d', T * 10**9, '192.0.2.1', 4444, (struct.pack('>HHIII', 10, 16 + len(body), T, 0, 5) + body).hex())
EOF2
"$BUILDDIR/tests/cmd/make-log" odd lab n 0x77 <odd.lines || exit 99
run "$fb" export -q -F sqlite -o odd.db odd
like "$err" '1 values are above SQLite' "what is too large is said"
is "$(sqlite3 odd.db 'SELECT typeof(octetDeltaCount), packetDeltaCount, typeof(vlanId), others FROM flows')" \
    'null|9223372036854775807|null|{"octetDeltaCount":9223372036854775813,"interfaceName":"eth0","vlanId":[7,8]}' \
    "it stands in others, exactly, as does what has no column"
done_testing
