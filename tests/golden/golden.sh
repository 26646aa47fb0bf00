# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # $T and $CORPUS are tests/lib.sh's
#
# For golden tests: captures through the daemon and the command.

# The ports that datagrams of the captures go to.
cat >"$T/conf" <<EOF2
cluster = "golden";
node = "a";
listen = (
	{ address = "127.0.0.1"; port = 2055; }, { address = "127.0.0.1"; port = 2100; },
	{ address = "127.0.0.1"; port = 4739; }, { address = "127.0.0.1"; port = 8096; },
	{ address = "127.0.0.1"; port = 9990; }, { address = "127.0.0.1"; port = 9991; },
	{ address = "127.0.0.1"; port = 9992; }, { address = "127.0.0.1"; port = 6343; },
	{ address = "::1"; port = 6343; }
);
log = { directory = "$T/log"; };
EOF2

# What tshark decodes here and now is compared by its names, which change from version to version.
need_tshark()
{
	need_commands tshark
	tshark_version=$(tshark --version 2>/dev/null | sed -n '1s/.*[^0-9.]\([0-9]*\.[0-9]*\)\..*/\1/p')
	[ "$tshark_version" = 4.0 ] || skip_all "tshark is $tshark_version, and names fields otherwise than 4.0"
}

# Decodes capture $1 with tshark into $T/tshark.json.
tshark_decode()
{
	tshark -r "$1" -d udp.port==9990,cflow -d udp.port==9991,cflow -d udp.port==9992,cflow -T json \
	    --no-duplicate-keys >"$T/tshark.json" 2>/dev/null
}

# Decodes capture $1 into $T/flows.
decode()
{
	rm -rf "$T/log"
	"$BUILDDIR/flowbraidd" -f "$T/conf" -r "$1" 2>"$T/messages" &&
	    "$BUILDDIR/flowbraid" cat -F json "$T/log" >"$T/flows" 2>>"$T/messages"
}

# compare NAME TSHARK.json: $T/flows against what tshark decoded.
compare()
{
	if python3 "$SRCDIR/tests/golden/compare.py" "$1" "$2" <"$T/flows" >"$T/said"; then
		pass "$1: $(tail -n 1 "$T/said")"
	else
		fail "$1" || diag "$(cat "$T/said")"
	fi
	is "$("$BUILDDIR/flowbraid" cat -c "$T/log" 2>"$T/messages")" "$(grep -vc '"options":true' "$T/flows")" \
	    "$1: cat -c counts the flows"
}
