#!/bin/sh
# SPDX-License-Identifier: ISC
# Interfaces that come, go and change (the program tests/node/link-news), in a namespace.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_namespaces
need_commands ip
if [ -z "${IN_NAMESPACE-}" ]; then
	rm -rf "$T"
	IN_NAMESPACE=yes exec unshare --net "$0"
fi
ip link add t0 type veth peer name t1 2>/dev/null || skip_all "no pairs of interfaces here"
ip link del t0
rm -rf "$T"
exec "$BUILDDIR/tests/node/link-news"
