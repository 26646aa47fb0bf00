#!/bin/bash
# SPDX-License-Identifier: ISC
#
# A record damaged on one node: the merge takes the datagram from another node, says so, and windows and ledger are
# those of logs that do not hold the record. (The archive's common file remembers the damage.)
. "$(dirname "$0")/lab.bash"

segments=$SRCDIR/tests/cluster/segments.py
collect "$T" 10 600 || { fail "a run in the lab"; done_testing; }
cd "$T" || exit 99

# A record of a in the middle of its log, whose datagram b has, too.
python3 "$segments" list a >a.list
python3 "$segments" list b >b.list
victim=$(awk 'NR == FNR { there[$4]; next } $4 in there' b.list a.list | awk '{ l[NR] = $0 } END { print l[int(NR / 2)] }')
read -r file offset sequence _ <<<"$victim"
diag "the record: $file, offset $offset, sequence $sequence"
cp -r a damaged
cp -r a gone
python3 "$segments" damage "damaged/${file#a/}" "$sequence"
python3 "$segments" blank "gone/${file#a/}" "$sequence"

run "$FLOWBRAID" merge -q --json -o whole a b c
is "$status" 0 "merge of whole logs exits 0" || diag "$err"
all=$(value out datagrams_out)
run "$FLOWBRAID" merge -q --json -o healed damaged b c
is "$status" 1 "merge with a damaged record exits 1"
is "$(value out damaged_records)" 1 "one damaged record"
is "$(value out healed_records)" 1 "which was healed"
is "$(value out datagrams_out)" "$all" "nothing is missing in the archive"
like "$err" "damaged/${file#a/}.*$offset" "the message names file and offset" || diag "$err"
run "$FLOWBRAID" verify -q --json damaged
is "$status" 1 "verify finds the damage"
is "$(value out findings 0 offset)" "$offset" "at its offset"

run "$FLOWBRAID" merge -q --json -o without gone b c
is "$(value out healed_records)" 0 "of a record that is gone without a trace nothing is healed"
is "$(digests healed | grep -v 'common\|manifest\|ledger')" "$(digests without | grep -v 'common\|manifest\|ledger')" \
    "windows are those of logs that do not hold the record"
# What a record without its header held is not known, so it may explain another datagram that was lost next to it.
counts()
{
	jq -cS 'del(.. | .causes?, .unexplained?)' "$1/ledger.json"
}
is "$(counts healed)" "$(counts without)" "and so is the ledger, but for causes"
run "$FLOWBRAID" verify -q healed
is "$status" 0 "verify finds nothing in the healed archive" || diag "$err"

# The sound log of a closes the hole again.
run "$FLOWBRAID" merge -q -o later healed a
is "$status" 0 "merged with a sound copy of the log"
is "$(digests later)" "$(digests whole)" "the archive is that of whole logs"
done_testing
