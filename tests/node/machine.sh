# SPDX-License-Identifier: ISC
# shellcheck shell=sh
#
# A machine for tests that need systemd as the first process: this host's files below an overlay that forgets, process ids, mounts and
# cgroups of its own, and the network of the test. Nothing of the host is changed: its units are not started, /proc/sys cannot be written.

machine=
MACHINE_SYSTEMD=/lib/systemd/systemd

# Skips the whole test where such a machine cannot be.
need_machine()
{
	need_namespaces
	need_commands unshare nsenter systemctl journalctl systemd-sysusers pivot_root
	[ -x $MACHINE_SYSTEMD ] || skip_all "systemd is not installed"
	mkdir "$T/probe"
	run unshare --mount --pid --fork --cgroup sh -c 'mount -t tmpfs tmpfs "$1" && mkdir "$1/up" "$1/work" "$1/root" "$1/cgroup" &&
		mount -t overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" overlay "$1/root" &&
		mount -t proc proc "$1/root/proc" && mount -t cgroup2 cgroup2 "$1/cgroup"' sh "$T/probe"
	[ "$status" = 0 ] || skip_all "no machine can be made here: $err"
}

# The machine's side: makes its files in the folder $1 and becomes its first process.
machine_init()
{
	set -e
	root=$1/root
	mount --make-rprivate /
	mount -t tmpfs tmpfs "$1"
	mkdir "$1/up" "$1/work" "$root"
	mount -t overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" overlay "$root"
	mount -t proc proc "$root/proc"
	mount --bind "$root/proc/sys" "$root/proc/sys"
	mount -o remount,bind,ro "$root/proc/sys"
	mount -t sysfs -o ro sysfs "$root/sys"
	mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
	mount -t tmpfs -o mode=755 tmpfs "$root/run"
	mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
	mount -t tmpfs -o mode=755 tmpfs "$root/dev"
	mkdir "$root/dev/pts" "$root/dev/shm"
	for device in null zero full random urandom tty; do
		: >"$root/dev/$device"
		mount --bind "/dev/$device" "$root/dev/$device"
	done
	mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
	ln -s pts/ptmx "$root/dev/ptmx"
	mount -t tmpfs tmpfs "$root/dev/shm"

	: >"$root/etc/machine-id"
	: >"$root/etc/fstab"
	rm -rf "$root/etc/systemd/system" "$root/var/log/journal"
	mkdir -p "$root/etc/systemd/system"
	printf '[Unit]\nRequires=basic.target\nAfter=basic.target\n' >"$root/etc/systemd/system/test.target"
	for unit in systemd-modules-load systemd-sysctl systemd-udevd systemd-udev-trigger; do
		ln -s /dev/null "$root/etc/systemd/system/$unit.service"
	done
	mkdir "$root/old"
	cd "$root"
	pivot_root . old
	umount -l old
	exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin $MACHINE_SYSTEMD --system --unit=test.target --log-target=journal
}

# in_machine COMMAND...
in_machine()
{
	nsenter --target "$machine" --mount --pid --uts --ipc --cgroup --root --wd env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C "$@"
}

machine_is_up()
{
	machine=$(pgrep -P "$machine_parent")
	[ "$(cat "/proc/$machine/comm")" = systemd ] && in_machine systemctl is-active --quiet test.target
}

# start_machine: $MACHINE_ROOT is then how the test sees its files.
start_machine()
{
	mkdir "$T/machine"
	unshare --mount --pid --uts --ipc --cgroup --fork --kill-child sh -c '. "$SRCDIR/tests/lib.sh"
		rm -rf "$T"
		trap - EXIT
		. "$SRCDIR/tests/node/machine.sh"
		machine_init "$1"' sh "$T/machine" >"$T/machine.log" 2>&1 </dev/null &
	machine_parent=$!
	wait_for 60 machine_is_up 2>/dev/null || return 1
	MACHINE_ROOT=/proc/$machine/root
}

stop_machine()
{
	[ -z "${machine_parent-}" ] || kill -9 "$machine_parent" 2>/dev/null || true
}
