#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Two merges into one archive at once, and merges that run out of space at any point: a whole archive stays.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

fb=$BUILDDIR/flowbraid
make_log=$BUILDDIR/tests/cmd/make-log
cd "$T" || exit 99

for node in a b; do
	"$SRCDIR/tests/cmd/flowlines" $node 7 0.1 | "$make_log" $node lab $node 0x100$node || exit 99
done
sum()
{
	(cd "$1" && sha256sum -- * | sha256sum | cut -c1-64)
}
"$fb" merge -q -o archive a
"$fb" merge -q -o both a b
old=$(sum archive)
new=$(sum both)

# Somebody holds the lock until a file named "go" is there.
python3 - <<'EOF2' &
import fcntl, os, time
f = open('archive.lock', 'r+')
fcntl.flock(f, fcntl.LOCK_EX)
f.truncate(0)
f.write(str(os.getpid()))
f.flush()
open('held', 'w').close()
while not os.path.exists('go'):
    time.sleep(0.02)
EOF2
holder=$!
cleanup()
{
	: >"$T/go"
	wait
}
check "a merge is at it" wait_for 10 test -e held
run "$fb" merge -o archive b
is "$status" 2 "a second one is refused"
like "$err" "archive: another merge writes to it \\(process $holder\\)" "and told who holds it"
is "$(sum archive)" "$old" "the archive is as it was"
"$fb" merge --wait -q -o archive b >waiter.out 2>waiter.err &
waiter=$!
check "with --wait it says for whom it waits" wait_for 10 grep -q "process $holder); waiting" waiter.err
check "and waits" kill -0 $waiter
is "$(sum archive)" "$old" "without a change"
: >go
waited=0
wait $waiter || waited=$?
is "$waited $(sum archive)" "0 $new" "until it is free; then it merges"
wait $holder
run "$fb" merge -o archive a
is "$status" 0 "nobody holds it: no waiting"

# Out of space, in a file system of our own, with this much left (kB): whatever was reached, one of the two is there.
if [ "$(id -u)" = 0 ] && mkdir small && unshare -m mount -t tmpfs -o size=1m tmpfs small 2>/dev/null; then
	cat >fill <<'EOF2'
set -e
mount -t tmpfs -o size=2500k tmpfs small
cp -r archive.old small/k
for left in 0 4 8 20 50 100 150 200 300 500 1000; do
	free=$(df -k --output=avail small | tail -n 1)
	dd if=/dev/zero of=small/ballast bs=1k count=$((free - left)) 2>/dev/null
	status=0
	"$1" merge -q -o small/k b 2>message || status=$?
	got=$(cd small/k && sha256sum -- * | sha256sum | cut -c1-64)
	rest=$(ls small | grep -vx -e k -e k.lock -e ballast || true)
	said=0
	grep -q 'No space left' message && said=1
	echo "$status $got $said $rest"
	rm small/ballast
	rm -r small/k
	cp -r archive.old small/k
done
EOF2
	"$fb" merge -q -o archive.old a
	unshare -m sh fill "$fb" >outcomes
	is "$(wc -l <outcomes)" 11 "merges with little space"
	is "$(grep -v -x -e "2 $old 1 " -e "0 $new 0 " outcomes)" "" "each failed and left the old archive alone, or made the new one"
	check "some failed" grep -q "^2 $old 1 $" outcomes
	check "some did not" grep -q "^0 $new 0 $" outcomes
else
	skip "out of space: no mount namespace with a tmpfs can be made here"
fi

done_testing
