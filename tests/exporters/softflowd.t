#!/bin/bash
# SPDX-License-Identifier: ISC
#
# softflowd with NetFlow v1, v5, v9, IPFIX, and IPFIX with both directions in one record: the flows are the traffic.
NEED="softflowd softflowctl"
. "$(dirname "$0")/exporters.bash"

check "an interface" interface_make || { done_testing; }
mkdir -p /run/softflowd/chroot
EXPORTER_NUDGE="softflowctl -c $T/ctl expire-all"

# softflowd_exported NAME VERSION COMPARE-OPTIONS OPTION...
softflowd_exported()
{
	local name=$1 version=$2 compare=$3

	shift 3
	exported "$name" "--version $version $compare" softflowd -d -i t0 -v "$version" -n "127.0.0.1:$PORT" -B 16777216 \
	    -p "$T/pid" -c "$T/ctl" -m 65536 "$@"
}

PACKETS=-4
softflowd_exported "v1" 1 ""
softflowd_exported "v5" 5 ""
PACKETS=
softflowd_exported "v9" 9 ""
softflowd_exported "IPFIX" 10 ""
# For the direction back it tells a wrong ICMPv6 type.
softflowd_exported "IPFIX, both directions in a record" 10 --any-icmp-type -b
done_testing
