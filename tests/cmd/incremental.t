#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Merging into an archive that is there: the result is, to the byte, what a merge from scratch gives; windows that do not
# change keep their file (a link to it), and what is not needed of them is not read.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

fb=$BUILDDIR/flowbraid
make_log=$BUILDDIR/tests/cmd/make-log
lines=$SRCDIR/tests/cmd/flowlines
T0=1700000000

# SHA-256 of an archive: of all its files, by name.
sum()
{
	(cd "$1" && sha256sum -- * | sha256sum | cut -c1-64)
}

# scratch ARCHIVE PATH...: a merge into nothing.
scratch()
{
	rm -rf "$1"
	# shellcheck disable=SC2086 # options are words
	"$fb" merge -q --window 10s $options -o "$@" >/dev/null 2>&1
}

# shifted SECONDS FROM TO: lines of standard input of that part of the time (seconds after T0), moved.
shifted()
{
	awk -v by="$1" -v from="$2" -v to="$3" -v t0=$T0 '
	/^d/ { s = substr($2, 1, 10) - t0; if (s >= from && s < to) { $2 = sprintf("%d%s", t0 + s + by, substr($2, 11)); print } }'
}

# log NAME NODE INCARNATION: of the lines of standard input.
log()
{
	"$make_log" "$1" lab "$2" "$3"
}

# The names of windows whose bytes stand in both archives, and those that do not.
same_windows()
{
	for f in "$1"/*.fbw; do
		cmp -s "$f" "$2/${f##*/}" && echo "${f##*/}"
	done
}

# grows NAME BASE PATH...: into a copy of the archive BASE, whose inputs stand in BASE.inputs.
grows()
{
	name=$1
	base=$2
	shift 2
	rm -rf work work.old want
	cp -a "$base" work
	cp -a "$base" work.old
	# shellcheck disable=SC2046 # paths are words
	scratch want $(cat "$base.inputs") "$@"
	before=$(sum work)
	(cd work && stat -c '%i %n' -- *.fbw) >inodes.before
	"$fb" merge -q --json --dry-run -o work "$@" >dry.json 2>dry.err
	is "$(sum work)" "$before" "$name: a dry run changes nothing"
	"$fb" merge -q --json -o work "$@" >out.json 2>err
	is "$(sum work)" "$(sum want)" "$name: the bytes of a merge from scratch"
	(cd work && stat -c '%i %n' -- *.fbw) >inodes.after
	same_windows work.old work >same
	is "$(sort inodes.before inodes.after | uniq -d | cut -d' ' -f2 | sort)" "$(cat same)" \
	    "$name: windows that are the same are the same files, others are not ($(wc -l <same) of $(wc -l <inodes.after))"
	is "$(jq '[.windows_new, .windows_changed, .windows_unchanged, .windows_gone]' -c dry.json)" \
	    "$(jq '[.windows_new, .windows_changed, .windows_unchanged, .windows_gone]' -c out.json)" "$name: the dry run told it"
	is "$(jq -r '.window_list[] | select(.fate == "unchanged") | .window' dry.json)" "$(cat same)" "$name: window by window"
	is "$(jq .windows_unchanged out.json)" "$(wc -l <same)" "$name: and the report tells it"
	run "$fb" verify -q work
	is "$status" 0 "$name: the archive verifies"
	"$fb" merge -q --full -o work "$@" >/dev/null 2>&1
	is "$(sum work)" "$(sum want)" "$name: --full changes no byte"
}

cd "$T" || exit 99
for node in a b c; do
	"$lines" $node 7 0.1 >$node.lines || exit 99
done
shifted 0 0 60 <a.lines | log a-first a 1
shifted 0 60 200 <a.lines | log a-second a 2
log b b 3 <b.lines
log c c 4 <c.lines
shifted 25 0 60 <a.lines | log ahead h 5
shifted 0 0 60 <a.lines | log behind i 6
grep '^d' a.lines | grep ' 6000 ' | awk 'substr($5, 41, 4) == "0000"' | shifted 0 0 10 | head -n 1 | log template a 7
grep '^d' b.lines | grep ' 6000 ' | awk 'substr($5, 41, 4) != "0000"' | log data b 8
cp -r b b-hurt
python3 - b-hurt/*.fbs <<'EOF2'
import sys
f = open(sys.argv[1], 'r+b')
data = f.read()
at, seen = 1024, 0
while seen < 100:  # the 100th datagram's body
    length = int.from_bytes(data[at + 4:at + 8], 'big')
    seen += data[at + 2] == 1
    here, at = at, at + 56 + (length + 7) // 8 * 8
f.seek(here + 70)
f.write(bytes([data[here + 70] ^ 1]))
EOF2

for options in "--compression none" ""; do
	echo "# options: $options"
	echo a-first >first.inputs
	scratch first a-first
	echo b >b-alone.inputs
	scratch b-alone b
	echo "b-hurt a-first" >hurt.inputs
	scratch hurt b-hurt a-first
	echo ahead >moved.inputs
	scratch moved ahead
	echo data >undecoded.inputs
	scratch undecoded data

	grows "what comes later" first a-second
	is "$(jq -c '[.windows_changed, .windows_gone, .chunks_read]' out.json)" "[0,0,0]" "... changes nothing and reads no payload"
	grows "a late node" b-alone a-first a-second
	grows "a node whose clock is a day off" b-alone c
	grows "a witness that moves datagrams into other windows" moved behind
	check "... of which some go" test "$(jq .windows_gone out.json)" -gt 0
	grows "a template for what was not decoded" undecoded template
	check "... changes windows that have nothing new" test "$(jq .windows_changed out.json)" -gt 3
	grows "a sound copy of a damaged log" hurt b
	grows "what it has already" b-alone b
	is "$(jq -c '[.windows_new, .windows_changed, .windows_gone]' out.json)" "[0,0,0]" "... changes no window"
	grows "nothing but itself" b-alone work
	is "$(jq -c '[.windows_new, .windows_changed, .chunks_read]' out.json)" "[0,0,0]" "... changes nothing, and reads no payload"
done

# Payloads that are not needed are not read: bad ones go unnoticed where nothing changes, and only there.
python3 - first/20231114T221330Z.fbw hurt-window <<'EOF2'
import sys
data = bytearray(open(sys.argv[1], 'rb').read())
at = 1024
while data[at + 2] != 9:
    at += 56 + (int.from_bytes(data[at + 4:at + 8], 'big') + 7) // 8 * 8
data[at + 80] ^= 1
open(sys.argv[2], 'wb').write(data)
EOF2
cp -a first bad
cp hurt-window bad/20231114T221330Z.fbw
cp -a bad bad-full
inode=$(stat -c %i bad/20231114T221330Z.fbw)
run "$fb" merge -q -o bad a-second
is "$status $(stat -c %i bad/20231114T221330Z.fbw)" "0 $inode" "a window that does not change is not looked into"
run "$fb" verify -q bad
is "$status" 1 "verify finds what is wrong with it"
run "$fb" merge -q -o bad a-first
is "$status" 1 "it is needed: a finding"
like "$err" 'bad: payloads of it are damaged; all of it is read' "and all is read"
like "$err" 'bad/20231114T221330Z.fbw: offset [0-9]+: .*expected crc' "which tells the place"
scratch want a-first a-second
is "$(sum bad)" "$(sum want)" "and what the log has heals it"
run "$fb" merge -q --full -o bad-full a-second
is "$status" 1 "--full looks into everything"
like "$err" 'bad-full/20231114T221330Z.fbw: offset [0-9]+' "and tells the place"

# Nobody is told to wait by a dry run, and nothing is left of it.
rm -rf fresh*
run "$fb" merge --dry-run -o fresh a-first
is "$status$(echo "$out" | grep windows:)" "0    windows: 1 new, 0 changed, 0 unchanged, 0 gone (nothing was written)" "a dry run of a new archive"
is "$(echo fresh*)" 'fresh*' "leaves nothing, not even a lock"

done_testing
