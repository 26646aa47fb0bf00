#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The laws of the merge on logs of three nodes: whatever the order and the grouping, and however often, the same
# files with the same bytes.
. "$(dirname "$0")/lab.bash"

collect "$T" 10 800 b || { fail "a run in the lab"; done_testing; }
cd "$T" || exit 99

# merged NAME PATH...: merges to archive NAME and compares it with the first.
merged()
{
	local name=$1

	shift
	run "$FLOWBRAID" merge -q -o "$name" "$@"
	if [ "$status" != 0 ]; then
		fail "$name: merge exits $status"
		diag "$err"
	elif [ -z "${first:-}" ]; then
		first=$(digests "$name")
		like "$first" '[0-9a-f]{64}' "$name: an archive of $(wc -l <<<"$first") files"
	else
		is "$(digests "$name")" "$first" "$name"
	fi
}

before=$(digests a; digests b; digests c)
merged a-b-c a b c
merged a-c-b a c b
merged b-a-c b a c
merged b-c-a b c a
merged c-a-b c a b
merged c-b-a c b a
run "$FLOWBRAID" merge -q -o ab a b
run "$FLOWBRAID" merge -q -o bc b c
merged "ab-then-c" ab c
merged "a-then-bc" a bc
merged "c-after-ab" c ab
merged "doubled" a b a c c b
merged "logs-and-archives" ab b bc a
merged a-b-c a b c a-b-c
pass "merged into the archive that it reads"
merged a-b-c a b c
merged ab c
pass "merged into an archive that lacks a node"
merged by-segments a/* b/* c/*
is "$(digests a; digests b; digests c)" "$before" "merges have not changed the logs"
done_testing
