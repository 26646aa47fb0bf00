#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Exports whose templates and data stand in captures of their own: in both orders, and on two nodes of which one
# heard only the templates and the other only the data. An archive of both decodes everything.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_corpus
need_commands jq
. "$SRCDIR/tests/golden/golden.sh"
fb=$BUILDDIR/flowbraid

# node NAME LOG CAPTURE...
node()
{
	node_name=$1
	node_log=$2
	shift 2
	sed "s|\"a\"|\"$node_name\"|; s|$T/log|$T/$node_log|" "$T/conf" >"$T/node.conf"
	for node_capture; do
		set -- "$@" -r "$CORPUS/split/$node_capture.pcap"
		shift
	done
	"$BUILDDIR/flowbraidd" -f "$T/node.conf" "$@" 2>"$T/messages" || diag "$(cat "$T/messages")"
}

# Both orders of the captures $2 and $3: $1 flows and options records, all decoded, the same ones.
pair()
{
	want=$1
	shift
	name="$*"
	rm -rf "$T"/log* "$T"/archive*
	node a log12 "$1" "$2"
	node a log21 "$2" "$1"
	node a loga "$1"
	node b logb "$2"
	run "$fb" cat -F json "$T/logb"
	is "$(printf '%s' "$out" | wc -l)" 0 "$name: the node with data alone decodes none"
	like "$err" '1 sets have no template yet' "$name: and says so"
	"$fb" merge -q -o "$T/archive12" "$T/loga" "$T/logb" >/dev/null
	"$fb" merge -q -o "$T/archive21" "$T/logb" "$T/loga" >/dev/null
	check "$name: a merge of both is the same in both orders" diff -r "$T/archive12" "$T/archive21"
	for place in log12 log21 archive12; do
		run "$fb" cat -F json "$T/$place"
		is "$status $err" "0 " "$name: $place: all sets are decoded"
		jq -cS 'del(.witnesses)' "$T/out" | sort >"$T/$place.flows"
		is "$(wc -l <"$T/$place.flows")" "$want" "$name: $place: $want records"
	done
	check "$name: the same in both orders" cmp "$T/log12.flows" "$T/log21.flows"
	check "$name: the same from two nodes" cmp "$T/log12.flows" "$T/archive12.flows"
}

pair 4 template data
pair 4 options-template options-data
pair 4 icmp-template icmp-data
pair 4 ipfixprobe-templates ipfixprobe-data
pair 6 samplingrate-template samplingrate-data
pair 12 multiplesamplingrates-template multiplesamplingrates-data
pair 2 multiplesamplingrates-options-template multiplesamplingrates-options-data

# The exporter dates this data a second before its template, and it was decoded with what came later.
pair 1 datalink-template datalink-data
like "$(cat "$T/archive12.flows")" '"lateTemplate":true' "a late template is told"

# Four captures at a time, of which each order gives the same: two templates, flows and options.
node a log1 multiplesamplingrates-options-template multiplesamplingrates-template \
    multiplesamplingrates-options-data multiplesamplingrates-data
node a log2 multiplesamplingrates-data multiplesamplingrates-options-data multiplesamplingrates-template \
    multiplesamplingrates-options-template
run "$fb" cat -F json "$T/log1"
is "$status $err" "0 " "four captures: all sets are decoded"
is "$(wc -l <"$T/out")" 14 "14 records"
sort "$T/out" >"$T/sorted1"
run "$fb" cat -F json "$T/log2"
sort "$T/out" >"$T/sorted2"
check "the other way round the same" cmp "$T/sorted1" "$T/sorted2"
done_testing
