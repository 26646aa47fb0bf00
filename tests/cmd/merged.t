#!/bin/sh
# SPDX-License-Identifier: ISC
#
# flowbraid merged: what an archive holds with every record is listed, with the digest by which the next seal names it;
# nothing else is. And logs whose segments are gone: what verify and gaps say of them.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

fb=$BUILDDIR/flowbraid
make_log=$BUILDDIR/tests/cmd/make-log
cd "$T" || exit 99

# lines FIRST LAST: v5 datagrams of one flow, one a second, numbered so; a segment for each 10
lines()
{
	python3 - "$@" <<'END'
import struct, sys
first, last = map(int, sys.argv[1:])
for n in range(first, last):
    flow = struct.pack('>IIIHHIIIIHHBBBBHHBBH', 0x0a000001, n, 0, 1, 2, 3, 400, 0, 0, 5, 6, 0, 0, 6, 0, 0, 0, 0, 0, 0)
    head = struct.pack('>HHIIIIBBH', 5, 1, 1000 * n, 1700000000 + n, 0, n, 1, 2, 0)
    print('d %d 192.0.2.1 2055 %s' % ((1700000000 + n) * 10**9, (head + flow).hex()))
    if n % 10 == 9:
        print('r')
END
}

# segments FOLDER: names, in order
segments()
{
	find "$1" -name '*.fb[sw]' -printf '%f\n' | sort
}

# The digest that the seal of a segment carries of the one before it.
previous()
{
	tail -c 40 "$1" | head -c 32 | od -An -v -tx1 | tr -d ' \n'
}

lines 0 30 | "$make_log" log lab a 1 || exit 99
"$fb" merge -q -o archive log || exit 99
lines 30 60 | "$make_log" log lab a 2 || exit 99 # another life
lines 0 30 | "$make_log" other lab b 3 || exit 99
first=$(segments log | head -n 1)
second=$(segments log | sed -n 2p)
third=$(segments log | sed -n 3p)

run "$fb" merged archive log
is "$status $err" "0 " "a log that went on after the merge: exit 0, silently"
is "$(cut -d' ' -f1 "$T/out")" "$(segments log | head -n 3)" "the segments that the archive holds are listed"
is "$(sed -n 's/^[^ ]* //p' "$T/out" | head -n 2)" "$(previous "log/$second")
$(previous "log/$third")" "with the digest by which the next seal names them"
run "$fb" merged archive "log/$second" "log/$(segments log | tail -n 1)"
is "$status $(cut -d' ' -f1 "$T/out")" "0 $second" "single segments"
run "$fb" merged archive other
is "$status $out" "0 " "another node's segments of the same datagrams: not merged, as hearings"
run "$fb" merged --json archive log other
is "$status $(jq -c '[.cluster, .merged, .unmerged, .open, .damaged, (.segments | length)]' "$T/out")" '0 ["lab",3,6,0,0,9]' "--json: numbers"
is "$(jq -r '.segments[] | select(.state == "merged") | "\(.file | split("/")[1]) \(.seal)"' "$T/out")" "$("$fb" merged archive log)" \
    "and segments with the same digests"

run "$fb" merged -o list archive log
is "$status $out $(sha256sum <list)" "0  $("$fb" merged archive log | sha256sum)" "-o: the list is in the file"
run "$fb" merged -w archive log other
is "$status $out $(sha256sum <log/merged)" "0  $(sha256sum <list)" "-w: it is in the log's folder"
is "$(stat -c '%s %a' other/merged)" "0 644" "of a log without merged segments the list is empty; the node's user can read it"
is "$(find . -name '*.tmp')" "" "no other file stays"
run "$fb" verify -q log
is "$status" 0 "the file does not disturb whoever reads the log"
"$fb" merge -q -o archive log || exit 99
run "$fb" merged archive log
is "$(cut -d' ' -f1 "$T/out")" "$(segments log)" "after another merge all are listed"

# A part of a segment: merged while it was open.
lines 60 65 >part
"$make_log" -k open lab a 9 <part
"$fb" merge -q -o opened open || exit 99
run "$fb" merged opened open
is "$status $out" "0 " "a segment being written is not listed"
mkdir sealed
lines 60 70 | "$make_log" sealed lab a 9
run "$fb" merged opened sealed
is "$status $out" "0 " "nor when it has been sealed and went on meanwhile"
"$fb" merge -q -o opened sealed || exit 99
run "$fb" merged opened sealed
is "$(cut -d' ' -f1 "$T/out")" "$(segments sealed)" "when that was merged it is"

# A record that was damaged before the merge
cp -r other hurt
printf X | dd of="hurt/$(segments hurt | head -n 1)" bs=1 seek=1200 conv=notrunc 2>/dev/null
"$fb" merge -q -o with-hurt hurt 2>/dev/null
run "$fb" merged with-hurt hurt
is "$status $(cut -d' ' -f1 "$T/out")" "0 $(segments hurt | tail -n 2)" "a segment of which a record was damaged at the merge is not listed"
# ... and a seal
cp -r log broken
printf X | dd of="broken/$second" bs=1 seek=$(($(stat -c %s "broken/$second") - 50)) conv=notrunc 2>/dev/null
run "$fb" merged archive broken
is "$status $(cut -d' ' -f1 "$T/out" | grep -c "$second")" "1 0" "a segment without a good seal: exit 1, not listed"
like "$err" "broken/$second: expected a header and a seal, found neither or one that is damaged: .*; not listed" "and the message"

# Archives that hold less than they say
cp -r archive less
rm "less/$(segments less | grep fbw | head -n 1)"
run "$fb" merged -w less other
is "$status $out" "1 " "an archive that lacks a window: exit 1, nothing is listed"
like "$err" "less: damaged: nothing is listed" "the message"
cp -r archive bad
printf XXXX | dd of=bad/common.fbs bs=1 seek=1200 conv=notrunc 2>/dev/null
cp log/merged before
run "$fb" merged -w bad log
is "$status $(cmp before log/merged && echo same)" "1 same" "a damaged common file: exit 1, and the list stays as it was"
"$fb" merge -q --shard 0/2 -o shard log || exit 99
run "$fb" merged shard log
is "$status $out" "2 " "a shard: exit 2"
like "$err" "shard: shard 0/2 of an archive: expected a whole one" "the message"
"$fb" merge -q --from 2023-11-14T22:13:30Z -o span log || exit 99
run "$fb" merged span log
is "$status" 2 "an archive of a span: exit 2"
like "$err" "span: an archive of a span of time: expected a whole one" "the message"
run "$fb" merged log log
like "$status $err" "2 .*log: not an archive" "a log in place of the archive"
run "$fb" merged archive archive
like "$status $err" "2 .*archive: expected a log folder or a segment" "an archive in place of a log"
run "$fb" merged -w archive "log/$second"
like "$status $err" "2 .*expected a log folder$" "-w with a segment"
run "$fb" merged archive nowhere
like "$status $err" "2 .*nowhere: No such file or directory" "no such log"
lines 0 3 | "$make_log" foreign elsewhere a 1 || exit 99
run "$fb" merged archive foreign
like "$status $err" '2 .*expected cluster "lab", found "elsewhere"' "another cluster's log"
run "$fb" merged -w -o list archive log
like "$status $err" "2 usage: flowbraid merged" "-w and -o"
run "$fb" merged archive
is "$status" 2 "no log"
run "$fb" merged --help
like "$status $out" "0 usage: flowbraid merged" "--help"

# --- logs whose segments are gone
cp -r log old
rm "old/$first" "old/$second"
run "$fb" verify --json old
is "$status $(jq -c '[.gone, (.findings | length)]' "$T/out")" '0 [[{"path":"old","lane":0,"from":1,"to":2,"removed":0}],0]' \
    "verify: the oldest part is gone, which is no finding"
like "$err" "old: lane 0: segments 1 to 2 are gone, the oldest part: of 0 event records" "it is said"
rm "old/$(segments old | sed -n 2p)"
run "$fb" verify old
is "$status" 0 "a hole is none either"
like "$err" "old: lane 0: segments 4 to 4 are gone, between others: of 1 no event record that is left tells why" "but it is said to be odd"
run "$fb" verify --json log
is "$status $(jq -c .gone "$T/out") $err" "0 [] " "of a whole log nothing is said"
run "$fb" gaps --json log
is "$(jq -c 'has("removed")' "$T/out")" false "gaps: nothing was removed"

# A node removes a segment while its folder is read: the name is there, the file is not.
ln -s nowhere "old/00-0000000099-20231114T231320Z.fbs"
run "$fb" verify old
is "$status" 0 "verify: a file that went since the folder was listed"
like "$err" "old/00-0000000099-20231114T231320Z.fbs: gone since the folder was listed: its node removed it" "it is said"
run "$fb" merge -q -o late old
is "$status" 0 "merge goes on without it"
run "$fb" merged archive old
is "$status" 0 "merged, too"
done_testing
