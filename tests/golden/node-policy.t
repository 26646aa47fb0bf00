#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Every capture of the corpus, recorded by a policy: what the node keeps of flows is what cat shows of whole datagrams by the
# same policy, to the byte, but for flows whose template came after them, which no node can select from.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_corpus
need_commands jq
. "$SRCDIR/tests/golden/golden.sh"

cp "$T/conf" "$T/whole.conf"
cat >"$T/policy" <<'END'
policy = {
	rules = (
		{ match = "ipv6"; action = "keep"; tag = 6; },
		{ match = "udp"; action = "drop"; },
		{ match = "dst port > 1023"; action = "keep"; tag = 1023; quick = true; },
		{ match = "packets > 100"; action = "drop"; }
	);
	fields = [ "SRC_ADDR", "DST_ADDR", "GATEWAY_ADDR", "SRCDST_PORT", "PACKETS", "OCTETS", "IF_INDICES",
		"FLOW_TIMES", "AS_INFO", "FLOW_ENGINE_INFO", "PROTO_FLAGS_TOS", "interfaceName", "9/12172" ];
	undecoded = "drop";
};
END
cat "$T/whole.conf" "$T/policy" >"$T/policy.conf"

# Without what only cat knows, who has read everything: that a template was late in the exporter's order, and what options
# say of sampling.
flows()
{
	jq -c 'select(.options | not) | with_entries(select(.key | . == "lateTemplate" or startswith("sampling") | not))'
}

# late CAPTURE: how many flows at its beginning have no template yet.
late()
{
	case $1 in
	devices/ipfix_netscaler_late_tpl.pcap) echo 3 ;;
	*) echo 0 ;;
	esac
}

# record CONF CAPTURE
record()
{
	rm -rf "$T/log"
	"$BUILDDIR/flowbraidd" -f "$1" -r "$2" 2>"$T/messages"
}

find "$CORPUS" -name '*.pcap' | sort >"$T/captures"
all=0 kept=0
while read -r capture; do
	name=${capture#"$CORPUS"/}
	record "$T/whole.conf" "$capture"
	"$BUILDDIR/flowbraid" cat -F json --policy "$T/policy" "$T/log" 2>"$T/messages" | flows >"$T/shown"
	all=$((all + $("$BUILDDIR/flowbraid" cat -c "$T/log" 2>"$T/messages")))
	record "$T/policy.conf" "$capture"
	"$BUILDDIR/tests/node/records" -f "$T"/log/*.fbs | grep '^{' | flows >"$T/kept"
	tail -n +$(($(late "$name") + 1)) "$T/shown" >"$T/on-time"
	check "$name: $(wc -l <"$T/kept") flows are kept" cmp "$T/on-time" "$T/kept"
	kept=$((kept + $(wc -l <"$T/kept")))
	run "$BUILDDIR/flowbraid" verify -q "$T/log"
	is "$status" 0 "$name: verify finds nothing" || diag "$out$err"
done <"$T/captures"
check "some are kept ($kept of $all), and some are not" test "$kept" -gt 500 -a "$kept" -lt $((all - 50))
done_testing
