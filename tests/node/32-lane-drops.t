#!/bin/sh
# SPDX-License-Identifier: ISC
# Kernel drops with lanes (the program tests/node/lane-drops), in a namespace, so that the host's counters are its own.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_namespaces
need_commands ip
if [ -z "${IN_NAMESPACE-}" ]; then
	rm -rf "$T"
	IN_NAMESPACE=yes exec unshare --net "$0"
fi
ip link set lo up
rm -rf "$T"
exec "$BUILDDIR/tests/node/lane-drops"
