#!/bin/sh
# SPDX-License-Identifier: ISC
# Lanes share what comes to a listener (the program tests/node/lanes), in a namespace with many addresses on one
# interface.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_namespaces
need_commands ip
if [ -z "${IN_NAMESPACE-}" ]; then
	rm -rf "$T"
	IN_NAMESPACE=yes exec unshare --net "$0"
fi
ip link set lo up
ip link add d0 type veth peer name p0
ip link set d0 up
ip link set p0 up
for i in $(seq 1 40); do
	ip -6 addr add "fd00::$(printf %x "$i")/64" dev d0 nodad 2>/dev/null || skip_all "no IPv6 here"
done
rm -rf "$T"
exec "$BUILDDIR/tests/node/lanes"
