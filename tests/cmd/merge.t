#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The laws of the merge, on bytes: order, grouping and repetition of inputs do not matter; logs that were open
# when first merged make no difference later; damage on one node is healed from another.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

fb=$BUILDDIR/flowbraid
make_log=$BUILDDIR/tests/cmd/make-log
lines=$SRCDIR/tests/cmd/flowlines

# SHA-256 of an archive: of all its files, by name.
sum()
{
	(cd "$1" && sha256sum -- * | sha256sum | cut -c1-64)
}

# value FILE KEY: a number of a JSON document's top level
value()
{
	jq -r ".$2" "$1"
}

merge()
{
	"$fb" merge -q -o "$@" >/dev/null
}

n=0
for node in a b c; do
	n=$((n + 1))
	"$lines" $node 7 0.1 >"$T/$node.lines" || exit 99
	"$make_log" "$T/$node" lab $node 0x100$n <"$T/$node.lines" || exit 99
done
cd "$T" || exit 99

run "$fb" merge --json -o abc a b c
is "$status" 0 "a clean merge exits 0"
cp "$T/out" report.json
want=$(sum abc)
distinct=$(grep -h '^d' a.lines b.lines c.lines | cut -d' ' -f3- | sort -u | wc -l)
heard=$(grep -h '^d' a.lines b.lines c.lines | wc -l)
is "$(value report.json datagrams_out)" "$distinct" "each datagram that any node heard stands once"
is "$(value report.json datagrams_in)" "$heard" "and each hearing is a witness"
is "$(value report.json duplicates)" $((heard - distinct)) "the others are duplicates"
for node in a b c; do
	is "$(jq -r ".nodes[] | select(.node == \"$node\") | .datagrams" report.json)" \
	    "$(grep '^d' $node.lines | cut -d' ' -f3- | sort -u | wc -l)" "node $node: what it heard"
	cat a.lines b.lines c.lines | grep '^d' | cut -d' ' -f3- | sort | uniq >all
	for other in a b c; do
		[ $other = $node ] || grep '^d' $other.lines | cut -d' ' -f3-
	done | sort -u | comm -13 - all >only
	is "$(jq -r ".nodes[] | select(.node == \"$node\") | .only_here" report.json)" "$(wc -l <only)" "node $node: what only it heard"
done

for order in "a c b" "b a c" "b c a" "c a b" "c b a"; do
	# shellcheck disable=SC2086
	merge o $order
	is "$(sum o)" "$want" "order $order: the same bytes"
	rm -rf o
done
merge ab a b
merge bc b c
merge g1 ab c
merge g2 a bc
merge g3 ab bc a a
is "$(sum g1)" "$want" "((a,b),c): the same bytes"
is "$(sum g2)" "$want" "(a,(b,c)): the same bytes"
is "$(sum g3)" "$want" "overlapping archives and logs: the same bytes"
merge abc abc a
is "$(sum abc)" "$want" "merging again into the archive changes nothing"
merge step c
merge step a
merge step b
is "$(sum step)" "$want" "one node after the other into one archive: the same bytes"
# shellcheck disable=SC2046
merge segs $(ls -d c/*.fbs b/*.fbs a/*.fbs)
is "$(sum segs)" "$want" "segment by segment: the same bytes"
check "the inputs are unchanged" sh -c 'for n in a b c; do "$0" verify -q $n >/dev/null || exit 1; done' "$fb"
run "$fb" verify --json abc
is "$status $(value "$T/out" damaged)" "0 0" "the archive verifies"

# A segment merged while it is open, and again when it is sealed.
"$make_log" -k a-open lab a 0x1001 <a.lines
check "the log of a killed node has an open segment" sh -c 'ls a-open/*.open >/dev/null'
"$fb" merge --json -o late a-open b c >late.json
is "$(value late.json datagrams_out)" "$distinct" "an open segment gives all that it holds"
merge late a
is "$(sum late)" "$want" "merged again when sealed: the same bytes"

# Damage on one node is healed from another.
whole=$(ls a/*.fbs | head -n 1)
cp -r a a-hurt
cp -r a a-without
python3 - "a-hurt/$(basename "$whole")" "a-without/$(basename "$whole")" <<'EOF'
import sys
f = open(sys.argv[1], 'r+b')
data = f.read()
at = 1024
seen = 0
while True:  # the 40th datagram record
    length = int.from_bytes(data[at + 4:at + 8], 'big')
    if data[at + 2] == 1:
        seen += 1
        if seen == 40:
            break
    at += 56 + (length + 7) // 8 * 8
f.seek(at + 56 + 30)
f.write(bytes([data[at + 86] ^ 0x40]))
size = 56 + (length + 7) // 8 * 8
open(sys.argv[2], 'wb').write(data[:at] + bytes(size) + data[at + size:])
EOF
run "$fb" merge --json -o healed a-hurt b c
is "$status" 1 "a damaged input: exit 1"
like "$err" 'offset [0-9]+: .*expected .*found ' "the message names file, offset, expected and found"
is "$(value "$T/out" damaged_records) $(value "$T/out" findings)" "1 1" "one record is damaged"
is "$(value "$T/out" healed_records)" 1 "and healed"
like "$(value "$T/out" 'healed[0].from')" '^[bc]$' "from another node, which the report names"
is "$(value "$T/out" datagrams_out)" "$distinct" "no datagram is missing"
"$fb" merge --json -o without a-without b c >without.json 2>/dev/null
is "$(value without.json damaged_records) $(value without.json unattributed_records)" "1 1" "a record that is gone without a trace: unattributed"
is "$(cd healed && sha256sum -- *.fbw ledger.json)" "$(cd without && sha256sum -- *.fbw ledger.json)" \
    "windows and ledger are those of logs that never held the record"
merge healed a
is "$(sum healed)" "$want" "a sound copy of the segment closes the hole"

# Inputs that cannot go together.
"$make_log" other elsewhere z 9 <c.lines
run "$fb" merge -o no a other
is "$status" 2 "another cluster's log is refused"
like "$err" 'cluster elsewhere' "and the message names it"
check "and nothing was written" test ! -e no
run "$fb" merge -o abc --window 1m a
is "$status" 2 "another window length than the archive's is refused"
is "$(sum abc)" "$want" "and the archive stays as it was"
run "$fb" merge -o a b
is "$status" 2 "a log is never written over"
run "$fb" merge -o x nowhere
like "$status $err" '2 .*nowhere: No such file' "a path that does not exist"
head -c 5000 /dev/zero >zeros.fbs
run "$fb" merge -o none zeros.fbs
is "$status" 2 "nothing sound among the inputs: exit 2"
like "$err" 'nothing was written' "and no archive"
check "and none was written" test ! -e none
run "$fb" merge a
is "$status" 2 "no -o: usage"

# Windows of another length hold the same.
"$fb" merge --json --window 10s -o w10 a b c >w10.json
is "$(value w10.json datagrams_out)" "$distinct" "windows of 10 s: the same datagrams"
check "and more windows" test "$(value w10.json windows)" -gt "$(value report.json windows)"

# Compression is an option of the archive, and changes nothing that it holds.
"$fb" merge -q --compression none -o plain a b c >/dev/null
run "$fb" verify -q plain
is "$status" 0 "without compression: verifies"
is "$(sed -n 5p plain/manifest)" "compression none" "the manifest says so"
"$fb" cat -F json plain >plain.json
if grep -q '^compression zstd' abc/manifest; then
	check "with it: less" test "$(du -sk abc | cut -f1)" -lt "$(du -sk plain | cut -f1)"
	"$fb" cat -F json abc | cmp -s - plain.json
	is $? 0 "and the same flows"
	run "$fb" merge -o mixed plain abc
	is "$status" 2 "archives of two compressions are refused"
	like "$err" 'abc: compression zstd [0-9]+ [0-9.]+, but plain has none' "and the message names both"
	"$fb" merge -q --compression zstd -o mixed plain a abc >/dev/null
	is "$(sum mixed)" "$want" "unless one is asked for: the same bytes as from the logs"
	merge mixed b
	is "$(sum mixed)" "$want" "an archive keeps its own"
	plain=$(sum plain)
	"$fb" merge -q --compression none -o mixed a >/dev/null
	is "$(sum mixed)" "$plain" "another one is asked for: all of it changes"
	"$fb" merge -q --compression zstd:9 -o level9 plain >/dev/null
	like "$(sed -n 5p level9/manifest)" '^compression zstd 9 ' "a level"
	run "$fb" verify -q level9
	is "$status" 0 "which verifies, too"
	sed -i -e '5s/.*/compression zstd 1 0.9.9/' -e '$d' level9/manifest
	echo "end $(sha256sum <level9/manifest | cut -d ' ' -f 1)" >>level9/manifest
	run "$fb" merge -o level9 a
	is "$status" 2 "an archive of another zstd than ours is refused"
	like "$err" 'level9: compressed by zstd 0.9.9, but this flowbraid has [0-9]' "with both versions"
else
	skip "built without zstd"
fi
for wrong in zstd:0 zstd:x zstd: zstd:99 lz4 ''; do
	run "$fb" merge --compression "$wrong" -o no a
	is "$status" 2 "--compression '$wrong' is refused"
	check "and nothing written" test ! -e no
done

# Killed at any moment, the archive is the old or the new one.
merge old a
old=$(sum old)
merge new a b
new=$(sum new)
bad=0
kills=0
for i in $(seq 1 40); do
	rm -rf k
	cp -r old k
	timeout -s KILL "$(printf '0.%04d' $((i * 10)))" "$fb" merge -q -o k b >/dev/null 2>&1
	[ $? -eq 0 ] || kills=$((kills + 1))
	got=$(sum k)
	[ "$got" = "$old" ] || [ "$got" = "$new" ] || bad=$((bad + 1))
done
check "$kills of 40 merges were killed" test $kills -gt 5
is $bad 0 "killed $kills times: always the old archive or the new one"
merge k --wait b # the last one may still be dying
is "$(sum k)" "$new" "and the next merge makes it whole"
check "and takes away what the killed ones left" test ! -e k.new

# Where the archive is said to be.
merge slash/ a b
check "-o with a slash behind it" test -f slash/manifest
check "lock and work stand beside the archive" test -e slash.lock -a ! -e slash/.lock -a ! -e slash.new
merge slash// a b
is "$(sum slash)" "$new" "and again, into the archive that is there"
ln -s slash link
merge link c
is "$(sum slash) $(test -L link && echo link)" "$want link" "-o of a symbolic link replaces what it leads to"
mkdir slash.new
echo mine >slash.new/notes
run "$fb" merge -o slash a
like "$status $err" '2 .*slash\.new: .*no merge left it' "a folder of somebody else in the way is not touched"
is "$(cat slash.new/notes) $(sum slash)" "mine $want" "nor is the archive"
rm -r slash.new
mkdir slash.new
echo >slash.new/manifest.tmp
echo >slash.new/20231114T221000Z.fbw
merge slash a
is "$(sum slash)" "$want" "what a killed merge left is taken away"

# Two hosts under one node name.
"$make_log" twin lab a 0x77 <a.lines
run "$fb" merge --json -o twins a twin c
is "$status $(jq -r '.overlapping | length' "$T/out")" "0 1" "two lives of one node at a time are reported"
is "$(value "$T/out" 'overlapping[0].node')" a "with the node's name"
like "$err" 'node a lane 0: two collectors recorded at a time, from 2023-11-14T22:13:20.*do two hosts use one name' "and a warning"
is "$(value report.json 'overlapping | length')" 0 "lives that follow one another are not"

# A full disk: the old archive stays whole.
if mkdir full && mount -t tmpfs -o size=1m tmpfs full 2>/dev/null; then
	cleanup()
	{
		umount "$T/full"
	}
	run "$fb" merge -o full/k a
	is "$status" 0 "an archive on a small disk"
	dd if=/dev/zero of=full/ballast bs=1k count=1024 2>/dev/null
	run "$fb" merge -o full/k b
	like "$status $err" '2 .*No space left' "a full disk: exit 2"
	is "$(sum full/k)" "$old" "and the old archive is whole"
	check "and nothing is left beside it" test ! -e full/k.new
	rm full/ballast
else
	skip "a full disk: no tmpfs can be mounted here"
fi

done_testing
