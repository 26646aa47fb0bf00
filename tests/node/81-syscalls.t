#!/bin/sh
# SPDX-License-Identifier: ISC
# What collector, reporter and relay ask of the kernel once they are confined, seen by strace: from recovery through load, rotation,
# reload, statistics and questions for the status to the end. All of it stands in the lists of src/node/syscalls.c, and the
# filter refuses none. SYSCALLS_SHOW=1 tells also what is listed and was not seen.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"
. "$SRCDIR/tests/node/certificates.sh"

need_commands strace perl
strace -o "$T/probe" true 2>/dev/null || skip_all "ptrace is not permitted here"
grep -q '^#define HAVE_SECCOMP' "$BUILDDIR/config.h" || skip_all "this build does not filter system calls"
! grep -q '__asan_init' "$NODE" || skip_all "AddressSanitizer: this build does not filter system calls"

STATUS_PORT=$((PORT + 10001))
A="{ address = \"127.0.0.1\"; port = $PORT; receive_buffer = \"8M\"; }"
LOG='rotate = "1d"; size = "1M"; memory = "8M"; sync = "100ms"; retain_size = "6M"; minimum_free = "1M"; keep_unmerged = false;'
TOP="status = { address = \"127.0.0.1\"; port = $STATUS_PORT; };
	forward = ( { address = \"127.0.0.1\"; port = 9; } ); feed = ( \"$T/run/feed\", { path = \"$T/run/records\"; format = \"records\"; } );"
mkdir "$T/run"
user=
if [ "$(id -u)" = 0 ] && id nobody >/dev/null 2>&1; then
	user='user = "nobody";'
	chmod 711 "$T"
	chown nobody "$T/run"
fi
blast_pid=
strace_pid=
reader_pid=
more_cleanup()
{
	[ -z "$blast_pid" ] || kill "$blast_pid" 2>/dev/null || true
	[ -z "$reader_pid" ] || kill "$reader_pid" 2>/dev/null || true
	[ -z "$strace_pid" ] || kill "$strace_pid" 2>/dev/null || true
}

said()
{
	[ "$(grep -c "$1" "$T/messages")" -ge "$2" ]
}

# page PATH
page()
{
	perl -MIO::Socket::INET -e '
		my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$ARGV[0]", Timeout => 20) or exit 1;
		print $s "GET $ARGV[1] HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"; print while <$s>;' "$STATUS_PORT" "$1"
}

# Two processes, followed through all of their life: -ff writes a file each, and each thread.
start_traced()
{
	: >"$T/messages"
	strace -ff -qq -o "$T/trace.$1" "$NODE" -d -f "$T/conf" 2>"$T/messages" </dev/null &
	strace_pid=$!
	wait_for 60 said ': started: ' 1
	node_pid=$(pgrep -P "$strace_pid" | head -n 1)
}

# --- a log with a tail that has to be cut, and templates that have to be found in it
configure "$A" "$LOG" "$user $TOP"
check "a first life" start_node || diag "$(cat "$T/messages")"
"$BLAST" -p "$PORT" -v 9 -n 3000 -r 5000 >/dev/null
check "records" wait_for 20 recorded 3000
kill_node
truncate -s -100 "$(find "$T/log" -name '*.open')"

# --- all that a life has in it
check "it starts under strace" start_traced life || diag "$(cat "$T/messages")"
# A reader that goes before there is anything to read.
perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Peer => $ARGV[0]) or exit 1' "$T/run/feed"
"$BLAST" -p "$PORT" -v 9 -n 100000000 -r 2000 >/dev/null &
blast_pid=$!
seals()
{
	page /metrics | awk -v least="$1" '/^flowbraid_log_sealed_segments_total\{/ { good = $2 >= least } END { exit !good }'
}
# One that reads its fill and goes, and one that reads nothing.
perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or exit 1; read $s, my $x, 100000' "$T/run/feed"
perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or exit 1; sleep 1000' "$T/run/records" &
reader_pid=$!
check "segments become full" wait_for 60 seals 8
kill -USR1 "$node_pid"
check "it rotates" wait_for 30 said 'rotating' 1
configure "$A, { address = \"127.0.0.2\"; port = $PORT; }" "$LOG retain = \"1d\";" "$user $TOP"
kill -HUP "$node_pid"
check "it reads its configuration again" wait_for 30 said 'configuration read again' 1
configure "$A" "$LOG" "$user $TOP"
kill -HUP "$node_pid"
check "and again" wait_for 30 said 'configuration read again' 2
kill -USR2 "$node_pid"
check "it tells its statistics" wait_for 30 said 'datagrams recorded' 1
for path in /status /metrics /healthz /none; do
	page $path >"$T/page" || true
	like "$(cat "$T/page")" '^HTTP/1.1 ' "$path: an answer"
done
# One that goes before it is answered, and one that talks of something else.
perl -MIO::Socket::INET -e 'IO::Socket::INET->new(PeerAddr => "127.0.0.1:$ARGV[0]") or exit 1' "$STATUS_PORT"
perl -MIO::Socket::INET -e '
	my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$ARGV[0]") or exit 1;
	print $s "x" x 20000, "\r\n\r\n"; 1 while <$s>;' "$STATUS_PORT"
check "the oldest segments go" wait_for 30 said 'retain_size: removing' 1

# --- children that are killed, and made again
victims="$(children fb-collector) $(children fb-reporter) $(children fb-relay)"
# shellcheck disable=SC2086 # three numbers
kill -9 $victims
all_again()
{
	[ -n "$(children fb-collector)" ] && [ -n "$(children fb-reporter)" ] && [ -n "$(children fb-relay)" ] && page /healthz | grep -q '^ok'
}
check "all are there again" wait_for 60 all_again || diag "$(cat "$T/messages")"

# --- the same over TLS, with passwords
if command -v curl >/dev/null && command -v openssl >/dev/null; then
	K="$T/k"
	mkdir "$K"
	certificate ca ca
	certificate server ca 'subjectAltName=IP:127.0.0.1'
	echo "one:$(hashed secret)" >"$K/users"
	configure "$A" "$LOG" "$user status = { address = \"0.0.0.0\"; port = $STATUS_PORT; certificate = \"$K/server.pem\";
		key = \"$K/server.key\"; users = \"$K/users\"; };"
	reloads=$(grep -c 'configuration read again' "$T/messages")
	kill -HUP "$node_pid"
	check "it serves over TLS" wait_for 30 said 'configuration read again' $((reloads + 1)) || diag "$(tail -n 3 "$T/messages")"
	secretly()
	{
		curl -s -m 20 --cacert "$K/ca.pem" -u one:secret "https://127.0.0.1:$STATUS_PORT/healthz" | grep -q '^ok'
	}
	check "and is read" wait_for 60 secretly
	is "$(curl -s -m 20 -o /dev/null -w '%{http_code}' --cacert "$K/ca.pem" -u one:x "https://127.0.0.1:$STATUS_PORT/healthz")" \
		401 "or not"
	page /healthz >/dev/null || true
fi
kill "$blast_pid"
wait "$blast_pid" 2>/dev/null || true
blast_pid=
kill "$node_pid"
status=0
wait "$strace_pid" || status=$?
node_pid=
strace_pid=
is "$status" 0 "SIGTERM: exit 0"

# --- what was seen

# allowed ROLE: the names in the list of everyone and in that of the role, and those with conditions; these the filter itself
# watches, whose answer is looked at below.
allowed()
{
	awk -v role="$1" '
		/^static const int [a-z]+\[\]/ { list = $4; sub(/\[.*/, "", list) }
		/^(add_conditions|add_fcntl_and_prctl|syscalls_permit)/ { list = "everyone" }
		/^}/ { list = "" }
		list == "everyone" || list == role {
			while (match($0, /SCMP_SYS\([a-z0-9_]+\)/)) {
				print substr($0, RSTART + 9, RLENGTH - 10)
				$0 = substr($0, RSTART + RLENGTH)
			}
		}' "$SRCDIR/src/node/syscalls.c" | sort -u
}

# confined ROLE: what the processes of a role, and the threads that they made, called after their filter was there. A
# process is known by the name that it took; a thread by who made it.
confined()
{
	perl -e '
		my ($role, @files) = @ARGV;
		my %threads;
		for my $pass (1, 2) {
			for my $file (@files) {
				my ($pid) = $file =~ /\.(\d+)$/;
				my ($mine, $after) = ($threads{$pid}) x 2;
				next if $pass == 1 && $mine;
				open my $f, "<", $file or die;
				while (<$f>) {
					$mine = 1 if /^prctl\(PR_SET_NAME, "fb-$role"/;
					$threads{$1} = 1 if $mine && /^clone3?\(.*CLONE_THREAD.* = (\d+)$/;
					print if $pass == 2 && $mine && $after && /^[a-z]/;
					$after = 1 if $mine && /^seccomp\(SECCOMP_SET_MODE_FILTER.* = 0/;
				}
			}
		}' "$1" "$T"/trace.life.* | sed 's/^restart_syscall(.*resuming.*/restart_syscall(/'
}

for role in collector reporter relay; do
	confined $role >"$T/calls"
	sed 's/(.*//' "$T/calls" | sort | uniq -c | sort -rn | awk '{ print $2, $1 }' >"$T/counts"
	diag "$role: $(paste -sd, "$T/counts" | sed 's/,/, /g')"
	cut -d' ' -f1 "$T/counts" | sort >"$T/seen"
	allowed $role >"$T/allowed"
	case $role in
	collector) typical="recvmmsg pwrite64 openat fdatasync renameat unlinkat" ;;
	reporter) typical="accept4 epoll_wait" ;;
	relay) typical="accept4 sendto recvfrom write" ;;
	esac
	for call in $typical; do
		check "$role: $call was seen, so it was looked at the right ones" grep -Eq "^$call(2|_pwait2?)?\$" "$T/seen"
	done
	is "$(comm -23 "$T/seen" "$T/allowed")" "" "$role: all calls are listed"
	is "$(grep -E ' = -1 E(PERM|NOSYS)' "$T/calls" | grep -v '^clone3')" "" "$role: none was refused"
	[ -z "${SYSCALLS_SHOW-}" ] || diag "$role: listed, not seen: $(comm -13 "$T/seen" "$T/allowed" | paste -sd' ')"
done
is "$(grep -l 'killed by SIGSYS' "$T"/trace.life.* | wc -l)" 0 "none was killed for a call"
done_testing
