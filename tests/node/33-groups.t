#!/bin/sh
# SPDX-License-Identifier: ISC
# Memberships of a listener's socket (the program tests/node/groups), in a namespace with two interfaces.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_namespaces
need_commands ip
if [ -z "${IN_NAMESPACE-}" ]; then
	rm -rf "$T"
	IN_NAMESPACE=yes exec unshare --net "$0"
fi
ip link set lo up
for i in 0 1; do
	ip link add d$i type veth peer name p$i
	ip link set d$i up
	ip link set p$i up
	ip addr add 10.77.$i.1/24 dev d$i
done
ip -6 addr add fd00:77:1::1/64 dev d1 nodad 2>/dev/null || skip_all "no IPv6 here"
for i in 1 2 3 4; do
	[ $i = 1 ] || ip addr add 10.77.0.$i/24 dev d0
	ip -6 addr add fd00:77::$i/64 dev d0 nodad
done
rm -rf "$T"
exec "$BUILDDIR/tests/node/groups"
