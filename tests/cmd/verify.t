#!/bin/sh
# SPDX-License-Identifier: ISC
#
# flowbraid verify: each byte of a small sealed segment changed in turn, each prefix of it, damage to an archive.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

fb=$BUILDDIR/flowbraid
cd "$T" || exit 99
"$SRCDIR/tests/cmd/flowlines" a 3 >lines
grep '^d' lines | awk 'length < 500' | head -n 4 | "$BUILDDIR/tests/cmd/make-log" small lab a 77
segment=$(echo small/*.fbs)
size=$(stat -c %s "$segment")

run "$fb" verify --json small
is "$status $(jq -r '"\(.records) \(.damaged) \(.segments) \(.sealed) \(.torn) \(.findings | length)"' "$T/out")" "0 5 0 1 1 0 0" \
    "a sound segment of 4 datagrams and its seal"

cat >flip.py <<'EOF'
import json, os, subprocess, sys
fb, segment = sys.argv[1:]
data = open(segment, 'rb').read()
os.makedirs('flip', exist_ok=True)
name = 'flip/' + os.path.basename(segment)
wrong = []
for quick in ([], ['--quick']):
    for at in range(len(data)):
        if quick and at % 7:
            continue
        changed = bytearray(data)
        changed[at] ^= 1 << (at % 8)
        open(name, 'wb').write(changed)
        p = subprocess.run([fb, 'verify', '-q', '--json'] + quick + [name], capture_output=True)
        try:
            offsets = [f['offset'] for f in json.loads(p.stdout)['findings']]
        except ValueError:
            offsets = []
        near = any(o <= at < o + 1024 for o in offsets)
        if p.returncode != 1 or not near:
            wrong.append('%s byte %d: exit %d, offsets %s' % (quick, at, p.returncode, offsets))
print('\n'.join(wrong[:10]))
EOF
is "$(python3 flip.py "$fb" "$segment")" "" "each of $size bytes changed: exit 1, and the offset is named"

cat >prefix.py <<'EOF'
import json, os, subprocess, sys
fb, segment = sys.argv[1:]
data = open(segment, 'rb').read()
ends, at = [], 1024
while at < len(data):
    at += 56 + (int.from_bytes(data[at + 4:at + 8], 'big') + 7) // 8 * 8
    ends.append(at)
os.makedirs('prefix', exist_ok=True)
base = 'prefix/' + os.path.basename(segment)
wrong = []
for cut in range(len(data)):
    whole = sum(e <= cut for e in ends)
    for name, want in ((base, 1), (base + '.open', 0)):
        open(name, 'wb').write(data[:cut])
        p = subprocess.run([fb, 'verify', '-q', '--json', name], capture_output=True)
        os.unlink(name)
        try:
            got = json.loads(p.stdout)['records']
        except ValueError:
            got = -1
        if p.returncode != want or got != whole:
            wrong.append('%s %d bytes: exit %d, %d records of %d' % (name[-5:], cut, p.returncode, got, whole))
print('\n'.join(wrong[:10]))
EOF
is "$(python3 prefix.py "$fb" "$segment")" "" "each prefix, sealed and open: the records before the cut are read, nothing else happens"

for node in a b; do
	"$SRCDIR/tests/cmd/flowlines" $node 3 | "$BUILDDIR/tests/cmd/make-log" $node lab $node 5
done
"$fb" merge -q -o archive a b || exit 99
run "$fb" verify archive
is "$status" 0 "a sound archive"
for file in common.fbs ledger.json "$(basename "$(ls archive/*.fbw | head -n 1)")"; do
	rm -rf hurt
	cp -r archive hurt
	printf 'X' | dd of="hurt/$file" bs=1 seek=3000 conv=notrunc 2>/dev/null || exit 99
	[ "$(stat -c %s "hurt/$file")" -gt 3000 ] || exit 99
	run "$fb" verify hurt
	is "$status" 1 "a changed byte in $file"
	like "$err" "hurt/$file: offset [0-9]+: .*expected .*found" "$file: the message"
	rm "hurt/$file"
	run "$fb" verify hurt
	is "$status" 1 "$file gone"
done
cp -r archive more
: >more/stranger
run "$fb" verify more
like "$status $err" '1 .*stranger' "a file that the manifest does not list"
cp -r archive odd
sed -i '3s/.*/window soon/' odd/manifest
run "$fb" verify odd
like "$status $err" '1 .*manifest.*line 3' "a damaged manifest is a finding with its line"

# The chain of seals: two whole segments of another life do not fit in.
cp -r a chained
ls chained/*.fbs | sed -n 2p >second
"$SRCDIR/tests/cmd/flowlines" a 4 | "$BUILDDIR/tests/cmd/make-log" stranger lab a 5
cp "$(ls stranger/*.fbs | sed -n 2p)" "$(cat second)"
run "$fb" verify chained
is "$status" 1 "a sound segment of another log in the middle of this one"
like "$err" 'previous seal' "the chain tells"

run "$fb" verify nowhere
is "$status" 2 "no such path: exit 2"
run "$fb" verify --nonsense a
is "$status" 2 "an unknown option: exit 2"
done_testing
