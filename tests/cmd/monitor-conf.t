#!/bin/sh
# SPDX-License-Identifier: ISC
# What stands in conf/ for those who watch: promtool understands it, its rules fire as they should, and each metric that it names there is.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
need_commands jq

CONF=$SRCDIR/conf
run "$BUILDDIR/flowbraid" monitor -f "$CONF/monitor.conf" -n
is "$status$err" 0 "monitor.conf"
cp "$CONF"/flowbraid-*.yml "$T"
if command -v promtool >/dev/null; then
	for what in "config flowbraid-prometheus.yml" "rules flowbraid-rules.yml"; do
		# shellcheck disable=SC2086 # two words
		run sh -c "cd '$T' && promtool check $what"
		is "$status" 0 "promtool check $what" || diag "$out$err"
	done
	run sh -c "cd '$T' && promtool test rules flowbraid-rules-test.yml"
	is "$status" 0 "promtool test rules" || diag "$out$err"
	sed -i 's/missing_recent_datagrams > 0/missing_recent_datagrams > 50/' "$T/flowbraid-rules.yml"
	run sh -c "cd '$T' && promtool test rules flowbraid-rules-test.yml"
	is "$status" 1 "which finds a rule that does not fire"
else
	skip "promtool" "no promtool (package prometheus)"
fi
run jq -e '[.panels[].targets[].expr] | length > 10' "$CONF/flowbraid-grafana.json"
is "$status" 0 "the dashboard is JSON" || diag "$err"
is "$(jq -c '[.panels[].id] | length == (unique | length)' "$CONF/flowbraid-grafana.json")" true "panels have numbers of their own"

# Names of metrics, as the sources have them.
{
	(tr -d '\n\t' <"$SRCDIR/cluster/monitor_metrics.c" && echo) | sed 's/put_/\n&/g; s/{"node_/\n&/g; s/{"stream_/\n&/g' |
		sed -n 's/^put_\(help\|one\)( *out, "\([a-z_]*\)".*/flowbraid_cluster_\2/p; s/^{"\([a-z_]*\)", *".*/flowbraid_cluster_\1/p'
	grep -oh '"flowbraid_[a-z_]*' "$SRCDIR"/src/node/*.c | tr -d '"'
} | sort -u >"$T/there"
for file in flowbraid-rules.yml flowbraid-grafana.json; do
	grep -o 'flowbraid_[a-z_]*[a-z]' "$CONF/$file" | sort -u >"$T/named"
	check "$file names metrics" [ "$(wc -l <"$T/named")" -gt 8 ]
	is "$(comm -23 "$T/named" "$T/there")" "" "$file: all of them there are"
done
grep -o 'flowbraid_cluster_[a-z_]*' "$SRCDIR/man/flowbraid-monitor.8" | sort -u >"$T/told"
is "$(grep flowbraid_cluster "$T/there" | comm -3 - "$T/told")" "" "the manual has them all, and no other"
like "$(cat "$CONF/flowbraid-nagios.cfg")" 'flowbraid monitor -f .* --check --max-loss' "the check"
done_testing
