#!/bin/sh
# SPDX-License-Identifier: ISC
# The units under a systemd that runs: ready, reload, watchdog, crash, stop, and each part of the sandbox that a process can see. With
# FLOWBRAID_DEBS=FOLDER the Debian packages there are installed, else what make installs.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/machine.sh"

need_machine
need_commands ip jq curl make
if [ -z "${IN_NAMESPACE-}" ]; then
	rm -rf "$T"
	IN_NAMESPACE=yes exec unshare --net "$0"
fi
cleanup()
{
	stop_machine
}
BLAST=$BUILDDIR/tests/bench/blast
ip link set lo up
ip link add d0 type veth peer name p0
ip link set p0 up
ip link set d0 up
ip addr add 10.77.0.1/24 dev d0

# ---- a machine with flowbraid
check "systemd is the first process of a machine" start_machine || {
	diag "$(cat "$T/machine.log")"
	done_testing
}
if [ -n "${FLOWBRAID_DEBS-}" ]; then
	mkdir "$MACHINE_ROOT/debs"
	cp "$FLOWBRAID_DEBS"/flowbraid_*.deb "$MACHINE_ROOT/debs"
	run in_machine sh -c 'dpkg --unpack /debs/*.deb && dpkg --configure flowbraid'
	etc=/etc bin=/usr/bin
else
	printf 'include Makefile\nshow:\n\t@echo $(bindir) $(sbindir) $(sysconfdir)\n' >"$T/show.mk"
	read -r bin sbin etc <<-END
		$(make -s -C "$BUILDDIR" -f "$T/show.mk" show)
	END
	run make -s -C "$BUILDDIR" install DESTDIR="$MACHINE_ROOT"
	# A make with another prefix may have made the units that stand in the build folder.
	for unit in "$BUILDDIR"/conf/*.service; do
		sed -E -e "s,^ExecStart=.*/flowbraidd ,ExecStart=$sbin/flowbraidd ," -e "s,^ExecStart=.*/flowbraid ,ExecStart=$bin/flowbraid ," \
			-e "s,( -f |^ConditionPathExists=)/[^ ]*/(flowbraid(-monitor|/%i)?\.conf),\1$etc/\2," "$unit" \
			>"$MACHINE_ROOT/etc/systemd/system/${unit##*/}"
	done
	mkdir -p "$MACHINE_ROOT/usr/lib/sysusers.d"
	cp "$SRCDIR/conf/flowbraid.sysusers" "$MACHINE_ROOT/usr/lib/sysusers.d/flowbraid.conf"
	in_machine systemd-sysusers >"$T/sysusers" 2>&1
	in_machine systemctl daemon-reload
fi
is "$status" 0 "flowbraid is installed" || diag "$out$err"

property()
{
	in_machine systemctl show -P "$2" "$1"
}
is_active()
{
	in_machine systemctl is-active --quiet "$1"
}
journal()
{
	in_machine journalctl -q --no-pager -o cat -u "$1"
}
said()
{
	[ "$(journal "$1" | grep -Ec "$2")" -ge "$3" ]
}
# explain UNIT: what there is to know when something failed.
explain()
{
	diag "$(in_machine systemctl status --no-pager -l "$1")"
	diag "$(journal "$1" | tail -n 40)"
}
status_of()
{
	curl -s -m 10 "http://127.0.0.1:$1/status"
}

N=flowbraidd@b.service
is "$(in_machine systemctl start $N 2>&1; property $N ConditionResult) $(property $N ActiveState)" "no inactive" \
	"without a configuration an instance is not started"

# configure INSTANCE-FILE LOG STATUS-PORT PORT...
configure()
{
	file=$1 log=$2 status_port=$3
	shift 3
	listeners=
	for port; do
		listeners="$listeners${listeners:+, }{ address = \"239.255.77.1\"; port = $port; interface = \"d0\"; receive_buffer = \"128K\"; }"
	done
	mkdir -p "$(dirname "$MACHINE_ROOT$etc/$file")"
	cat >"$MACHINE_ROOT$etc/$file" <<-END
		cluster = "test";
		node = "b";
		listen = ( $listeners );
		log = { directory = "$log"; memory = "8M"; sync = "200ms"; flush = "100ms"; };
		status = { address = "127.0.0.1"; port = $status_port; };
		user = "_flowbraid";
	END
}
# Half a minute is for hosts, not for tests.
mkdir -p "$MACHINE_ROOT/etc/systemd/system/flowbraidd@.service.d"
printf '[Service]\nWatchdogSec=5s\nRestartSec=100ms\n' >"$MACHINE_ROOT/etc/systemd/system/flowbraidd@.service.d/test.conf"
in_machine systemctl daemon-reload

# ---- ready
configure flowbraid/b.conf /var/log/flowbraid/b 9555 2055
run in_machine systemctl start $N
is "$status $(property $N ActiveState)" "0 active" "it says that it is ready" || explain $N
like "$(journal $N)" ': started: ' "and has started by then"
pid=$(property $N MainPID)
children()
{
	in_machine pgrep -P "$(property $N MainPID)"
}
total=0
recorded()
{
	[ "$("$BUILDDIR/tests/node/records" "$MACHINE_ROOT"/var/log/flowbraid/b/*.fbs* 2>/dev/null | grep -c ' datagram ')" -ge "$1" ]
}
# sent WHAT PORT
sent()
{
	"$BLAST" -p "$2" -n 100 -r 5000 -a 239.255.77.1 -i d0 >/dev/null
	total=$((total + 100))
	check "$1: what is sent to its group is recorded" wait_for 20 recorded $total || explain $N
}
sent "ready" 2055

# ---- its sandbox
in_machine ps -o user= -p "$pid" >"$T/user"
is "$(cat "$T/user")" "_flowbraid" "it is _flowbraid"
for child in $pid $(children); do
	is "$(in_machine sh -c "sed -n -E 's/^(CapEff|CapPrm|CapBnd|NoNewPrivs|Seccomp):[[:space:]]*//p' /proc/$child/status" | paste -sd' ')" \
		"0000000000000000 0000000000000000 0000000000000000 1 2" \
		"$(in_machine cat "/proc/$child/comm"): no capability, none to be had, a filter of calls"
done
# The pid of $pid outside of the machine.
host_pid()
{
	for candidate in $(pgrep -x flowbraidd); do
		if [ "$(readlink "/proc/$candidate/ns/net")" = "$(readlink /proc/self/ns/net)" ] &&
		    [ "$(sed -n 's/^NSpid:.*\t//p' "/proc/$candidate/status")" = "$pid" ]; then
			echo "$candidate"
		fi
	done
}
outside=$(host_pid)
# inside COMMAND...: with the files of the service.
inside()
{
	nsenter --target "$outside" --mount --root "$@"
}
run inside sh -c 'touch /usr/x; touch /etc/x; touch /var/log/x; touch /home/x; touch /root/x'
is "$(grep -Ec 'Read-only file system|Permission denied|No such file' "$T/err")" 5 "it sees a file system that it cannot write" || diag "$err"
is "$(inside stat -c '%U %a' /var/log/flowbraid/b)" "_flowbraid 750" "but its log's folder, which is its own"
is "$(inside sh -c 'ls /dev/mem /dev/kmsg 2>/dev/null | wc -l; find /home /root -mindepth 1 2>/dev/null | wc -l' | paste -sd' ')" "0 0" "no devices, no homes"
like "$(cat /proc/net/igmp)" 'B14DFFEF|014DFFEF|EFFF4D01' "its group is joined"

# ---- reload
configure flowbraid/b.conf /var/log/flowbraid/b 9555 2055 2056
run in_machine systemctl reload $N
is "$status" 0 "a reload"
check "it says so" wait_for 20 said $N 'configuration read again' 1 || explain $N
sent "reloaded" 2056
is "$(property $N MainPID) $(property $N NRestarts)" "$pid 0" "by the same process"

# ---- a crash, a standstill
restarted()
{
	[ "$(property $N NRestarts)" -ge "$1" ] && is_active $N
}
# signal NAME: to the first process of the instance. 0 would be we.
signal()
{
	first=$(property $N MainPID)
	[ "${first:-0}" -gt 1 ] && in_machine kill -"$1" "$first"
}
signal KILL
check "killed, it is started again" wait_for 30 restarted 1 || explain $N
sent "after a crash" 2055
signal STOP
check "standing still, it is killed by the watchdog and started again" wait_for 60 restarted 2 || explain $N
like "$(in_machine journalctl -q --no-pager -o cat _PID=1)" "$N: Watchdog timeout" "as the watchdog's doing"
sent "after a standstill" 2056

# ---- stop
run in_machine systemctl stop $N
is "$status $(property $N Result) $(property $N ExecMainStatus)" "0 success 0" "it stops" || explain $N
is "$(in_machine find /var/log/flowbraid/b -name '*.open' | wc -l)" 0 "and seals its segment"
run in_machine "$bin/flowbraid" verify -q /var/log/flowbraid/b
is "$status" 0 "verify: no damage" || diag "$out$err"

# ---- the other units: as root behind a chroot; the monitor of both
configure flowbraid.conf /var/log/flowbraid 9557 2057
U=flowbraidd.service
mkdir -p "$MACHINE_ROOT/etc/systemd/system/$U.d"
cp "$SRCDIR/conf/flowbraidd-root.conf" "$MACHINE_ROOT/etc/systemd/system/$U.d/root.conf"
in_machine systemctl daemon-reload
run in_machine systemctl start $U
is "$status $(property $U ActiveState)" "0 active" "with flowbraidd-root.conf it starts" || explain $U
answers()
{
	[ "$(curl -s -m 10 -o /dev/null -w '%{http_code}' "$1")" = "$2" ]
}
check "and tells its status" wait_for 20 answers http://127.0.0.1:9557/status 200 || explain $U

M=flowbraid-monitor.service
cat >"$MACHINE_ROOT$etc/flowbraid-monitor.conf" <<-END
	nodes = ( "http://127.0.0.1:9557" );
	listen = { address = "127.0.0.1"; port = 9556; };
END
run in_machine systemctl start $M
is "$status $(property $M ActiveState)" "0 active" "the monitor starts" || explain $M
node_is_up()
{
	curl -s -m 10 http://127.0.0.1:9556/metrics | grep -Eq '^flowbraid_cluster_node_up\{[^}]*\} 1'
}
check "and sees the node" wait_for 30 node_is_up || explain $M
check "as a user that is nobody's" [ "$(in_machine ps -o uid= -p "$(property $M MainPID)")" -ge 61184 ]
run in_machine systemctl reload $M
is "$status" 0 "it is told to reload"
check "and goes on" wait_for 20 node_is_up || explain $M
run in_machine systemctl stop $M $U
is "$status $(property $M Result) $(property $U Result)" "0 success success" "both stop" || explain $M
is "$(in_machine journalctl -q --no-pager -o cat | grep -E 'SECCOMP|audit' | head -n 3)" "" "no call was refused by death"
done_testing
