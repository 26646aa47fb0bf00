#!/bin/sh
# SPDX-License-Identifier: ISC
#
# A merge into an archive is killed at 200 random moments: each time the archive is the old one or the new one, whole. The
# seed is printed; KILL_SEED repeats it, KILLS sets the number.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

fb=$BUILDDIR/flowbraid
make_log=$BUILDDIR/tests/cmd/make-log
seed=${KILL_SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
kills=${KILLS:-200}

# SHA-256 of an archive: of all its files, by name.
sum()
{
	(cd "$1" && sha256sum -- * | sha256sum | cut -c1-64)
}

cd "$T" || exit 99
for node in a b c; do
	"$SRCDIR/tests/cmd/flowlines" $node 7 0.1 | "$make_log" $node lab $node "0x10$(printf %d "'$node")" || exit 99
done
"$fb" merge -q --window 10s -o old a c
took= # the shortest of some, in microseconds
for _ in 1 2 3 4 5; do
	rm -rf new
	cp -a old new
	begun=$(date +%s%N)
	timeout -s KILL 60 "$fb" merge -q -o new b >/dev/null 2>&1
	now=$((($(date +%s%N) - begun) / 1000))
	[ "${took:-$now}" -lt $now ] || took=$now
done
old_sum=$(sum old)
new_sum=$(sum new)

cp -a old k
killed=0 ended=0 olds=0 news=0 bad=0 damaged=0 failed=0
for delay in $(awk -v seed="$seed" -v n=$((10 * kills)) -v most=$took \
    'BEGIN { srand(seed); for (i = 0; i < n; i++) printf "%.6f\n", rand() * most / 1e6 }'); do
	[ $killed -lt "$kills" ] || break
	timeout -s KILL "$delay" "$fb" merge -q --wait -o k b >/dev/null 2>&1 # the one before may still be dying
	case $? in
	137) killed=$((killed + 1)) ;;
	0) ended=$((ended + 1)) ;;
	*) failed=$((failed + 1)) ;;
	esac
	"$fb" verify -q k >/dev/null 2>&1 || damaged=$((damaged + 1))
	case $(sum k) in
	"$old_sum") olds=$((olds + 1)) ;;
	"$new_sum")
		news=$((news + 1))
		rm -rf k k.new # begin again with the old one; what a killed merge left beside it stays otherwise
		cp -a old k
		;;
	*) bad=$((bad + 1)) ;;
	esac
done
diag "seed $seed: killed $killed within $took us, $ended ended before: $olds times the old one, $news times the new one"
is $bad 0 "always the archive is the old one or the new one"
is $damaged 0 "and verifies"
is $killed "$kills" "$kills merges were killed"
is $failed 0 "none failed otherwise"
check "those that came to their end made the new one" test $news -ge $ended
"$fb" merge -q -o k b
is "$(sum k)" "$new_sum" "the next merge takes away what is left, and makes it whole"
check "nothing is left beside it" test ! -e k.new

done_testing
