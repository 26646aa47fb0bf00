#!/bin/bash
# SPDX-License-Identifier: ISC
#
# fprobe with NetFlow v1, v5 and v7: the flows are the traffic.
NEED=fprobe
. "$(dirname "$0")/exporters.bash"

check "an interface" interface_make || { done_testing; }

PACKETS=-4
for version in 1 5 7; do
	# Messages to standard output, so it stays in the foreground; a scan each second, and a second of silence ends a
	# flow. By default it loses packets of which more than 100 wait to be looked at.
	exported "v$version" "--version $version --icmp-source-port" fprobe -q 20000 -l 2 -i t0 -n $version -s 1 -g 1 -d 1 -e 2 -B 16384 "127.0.0.1:$PORT"
done
done_testing
