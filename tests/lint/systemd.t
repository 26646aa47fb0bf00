#!/bin/sh
# SPDX-License-Identifier: ISC
# The systemd units: systemd understands every line of them, and finds them shut as far as they should be.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_commands systemd-analyze make

# The units as the build folder makes them, with a program that is there for sure.
make -s -C "$BUILDDIR" conf/flowbraidd.service 'conf/flowbraidd@.service' conf/flowbraid-monitor.service >"$T/make" 2>&1 || {
	fail "the units are made" || diag "$(cat "$T/make")"
	done_testing
}
for unit in flowbraidd.service flowbraidd@.service; do
	like "$(cat "$BUILDDIR/conf/$unit")" '^ExecStart=/[^@]*/flowbraidd -d -f /[^@]*\.conf$' "$unit has the program's path, and its configuration's"
	sed 's,^ExecStart=[^ ]*/flowbraidd ,ExecStart=/bin/true ,' "$BUILDDIR/conf/$unit" >"$T/$unit"
done
mkdir "$T/root"
cp "$T/flowbraidd.service" "$T/root"
mkdir "$T/root/flowbraidd.service.d"
cp "$SRCDIR/conf/flowbraidd-root.conf" "$T/root/flowbraidd.service.d/root.conf"
cp "$T/flowbraidd@.service" "$T/flowbraidd@b.service"

# understood FILE WHAT
understood()
{
	run systemd-analyze verify --man=no "$1"
	is "$status $out$err" "0 " "$2: nothing is unknown or wrong"
}

# exposed FILE MOST WHAT: its exposure, in tenths, is at most so much.
exposed()
{
	run systemd-analyze --offline=true security --no-pager "$1"
	tenths=$(printf '%s\n' "$out" | sed -n 's/.*Overall exposure level for [^:]*: \([0-9]*\)\.\([0-9]\) .*/\1\2/p')
	check "$3: exposure $tenths tenths, of at most $2" [ "${tenths:-999}" -le "$2" ] || diag "$err$(printf '%s\n' "$out" | grep -v '✓')"
}

mkdir "$T/forward" "$T/forward/flowbraidd.service.d"
cp "$T/flowbraidd.service" "$T/forward"
cp "$SRCDIR/conf/flowbraidd-forward.conf" "$T/forward/flowbraidd.service.d/forward.conf"
understood "$T/forward/flowbraidd.service" "with flowbraidd-forward.conf"
exposed "$T/forward/flowbraidd.service" 22 "with flowbraidd-forward.conf"
understood "$T/flowbraidd.service" "flowbraidd.service"
exposed "$T/flowbraidd.service" 15 "flowbraidd.service"
understood "$T/flowbraidd@b.service" "flowbraidd@.service"
exposed "$T/flowbraidd@b.service" 15 "flowbraidd@.service"
understood "$T/root/flowbraidd.service" "with flowbraidd-root.conf"
# No unit that starts as root comes below 2.3, with all else shut: systemd counts its user, changing it, and chroot.
exposed "$T/root/flowbraidd.service" 27 "with flowbraidd-root.conf"

like "$(cat "$BUILDDIR/conf/flowbraid-monitor.service")" '^ExecStart=/[^@]*/flowbraid monitor -f /[^@]*\.conf$' "the monitor's has its program's path, and its configuration's"
sed 's,^ExecStart=[^ ]*/flowbraid monitor ,ExecStart=/bin/true ,' "$BUILDDIR/conf/flowbraid-monitor.service" >"$T/flowbraid-monitor.service"
understood "$T/flowbraid-monitor.service" "flowbraid-monitor.service"
exposed "$T/flowbraid-monitor.service" 15 "flowbraid-monitor.service"

for unit in flowbraidd.service flowbraidd@.service flowbraid-monitor.service; do
	is "$(sed -n 's/^ConditionPathExists=//p' "$T/$unit")" "$(sed -n 's/^ExecStart=.* -f //p' "$T/$unit")" "$unit starts once its configuration is there"
done
is "$(grep -c . "$T/flowbraidd.service")" "$(grep -c . "$T/flowbraidd@.service")" "the units have the same lines"
is "$(diff "$T/flowbraidd.service" "$T/flowbraidd@.service" | sed -n 's/^> //p' | cut -d= -f1 | paste -sd' ')" \
	"Description ConditionPathExists ExecStart # /var/log/flowbraid/%i is made for it. A log elsewhere is a drop-in with ReadWritePaths LogsDirectory RuntimeDirectory" \
	"an instance has files of its own"

# What the test would overlook if the number could not be read, or nothing were refused.
printf '[Service]\nExecStart=/bin/true\n' >"$T/open.service"
run systemd-analyze --offline=true security --no-pager --threshold=15 "$T/open.service"
is "$status" 1 "a unit without a sandbox is above"
sed -i 's/^ProtectHostname=/ProtectHostnames=/' "$T/flowbraidd.service"
run systemd-analyze verify --man=no "$T/flowbraidd.service"
like "$out$err" "ProtectHostnames" "a key that there is not is said"
done_testing
