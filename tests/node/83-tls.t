#!/bin/sh
# SPDX-License-Identifier: ISC
# The status beyond loopback: what is refused, TLS, passwords and client certificates, their files at a reload, who holds the key, and
# what bad clients can do (nothing that lasts).
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
. "$SRCDIR/tests/node/node.sh"
. "$SRCDIR/tests/node/certificates.sh"

need_commands curl jq openssl python3
K="$T/k"
mkdir "$K"
clients=
blast_pid=
more_cleanup()
{
	[ -z "$clients" ] || kill "$clients" 2>/dev/null || true
	[ -z "$blast_pid" ] || kill "$blast_pid" 2>/dev/null || true
}
STATUS=$((PORT + 1))
URL=https://127.0.0.1:$STATUS
LISTENER="{ address = \"127.0.0.1\"; port = $PORT; receive_buffer = \"64M\"; }"

# setup ADDRESS KEYS-OF-STATUS
setup()
{
	configure "$LISTENER" 'rotate = "1d"; memory = "8M";' "status = { address = \"$1\"; port = $STATUS; $2 };"
}
said()
{
	[ "$(grep -c "$1" "$T/messages")" -ge "$2" ]
}
# hangup TEXT: asks, and waits until TEXT has been said once more.
hangup()
{
	count=$(grep -c "$1" "$T/messages" || true)
	kill -HUP "$node_pid"
	wait_for 20 said "$1" $((count + 1))
}
code()
{
	curl -s -m 10 -o /dev/null -w '%{http_code}' --cacert "$K/ca.pem" "$@"
}
answers()
{
	[ "$(code "$@")" = 200 ]
}
reporter()
{
	children fb-reporter
}
# refused MESSAGE: the configuration is.
refused()
{
	"$NODE" -n -f "$T/conf" >"$T/out" 2>&1
	is $? 2 "refused: $1"
	like "$(cat "$T/out")" "$1" "it says why"
}
# unusable MESSAGE: the files are.
unusable()
{
	check "does not start: $1" not start_node
	wait "$node_pid" 2>/dev/null
	node_pid=
	like "$(cat "$T/messages")" "$1" "it says why"
}
not()
{
	! "$@"
}

certificate ca ca
certificate server ca 'subjectAltName=IP:127.0.0.1'
certificate server2 ca 'subjectAltName=IP:127.0.0.1'
certificate other other
certificate client ca extendedKeyUsage=clientAuth
certificate stranger other extendedKeyUsage=clientAuth
{
	echo '# who may ask'
	echo "one:$(hashed secret bcrypt)"
	echo "two:$(hashed 'a:b c')"
} >"$K/users"
TLS="certificate = \"$K/server.pem\"; key = \"$K/server.key\";"
CA="client_ca = \"$K/ca.pem\";"
USERS="users = \"$K/users\";"

# --- what is refused ---
setup 0.0.0.0 ""
refused 'conf:[0-9]+: status 0.0.0.0: others reach this address: it needs TLS'
setup 0.0.0.0 "$TLS"
refused 'status 0.0.0.0: others reach this address: it needs TLS'
setup :: "$USERS"
refused 'status ::: others reach this address, and could read passwords'
setup 192.0.2.1 "$USERS public = true;"
refused 'could read passwords'
setup 127.0.0.1 "key = \"$K/server.key\";"
refused 'status 127.0.0.1: a key needs its certificate'
setup 127.0.0.1 "certificate = \"$K/server.pem\";"
refused 'a certificate needs its key'
setup 127.0.0.1 "$CA"
refused 'client_ca needs TLS'
setup 127.0.0.1 "certificate = \"server.pem\"; key = \"$K/server.key\";"
refused 'status.certificate: .*"server.pem"'
for keys in "$TLS $USERS" "$TLS $CA" "public = true;"; do
	setup 0.0.0.0 "$keys"
	"$NODE" -n -f "$T/conf" >"$T/printed" 2>&1
	is $? 0 "permitted: $(echo "$keys" | sed 's/ = [^;]*;/,/g')"
done
setup 0.0.0.0 "$TLS $CA $USERS"
"$NODE" -n -f "$T/conf" >"$T/printed"
is "$(grep -cE '(certificate|key|client_ca|users) = "/' "$T/printed")" 4 "-n prints the files"

# --- files that cannot be used ---
setup 0.0.0.0 "certificate = \"$K/none.pem\"; key = \"$K/server.key\"; $USERS"
unusable "status.certificate $K/none.pem: No such file or directory"
setup 0.0.0.0 "certificate = \"$K/server.key\"; key = \"$K/server.key\"; $USERS"
unusable "status.certificate $K/server.key: no certificate"
setup 0.0.0.0 "certificate = \"$K/server.pem\"; key = \"$K/client.key\"; $USERS"
unusable "status.key $K/client.key: is not the certificate's"
openssl ec -in "$K/server.key" -aes128 -passout pass:x -out "$K/locked.key" 2>/dev/null
setup 0.0.0.0 "certificate = \"$K/server.pem\"; key = \"$K/locked.key\"; $USERS"
unusable "status.key $K/locked.key: no private key \(PEM, not encrypted\) in it"
head -c 300 "$K/ca.pem" >"$K/half.pem"
setup 0.0.0.0 "$TLS client_ca = \"$K/half.pem\";"
unusable "status.client_ca $K/half.pem: is damaged"
: >"$K/empty"
setup 0.0.0.0 "$TLS users = \"$K/empty\";"
unusable "status.users $K/empty: is empty"
printf 'a\nb:x\nc:$1$abcdefgh$0123456789012345678901\n' >"$K/bad"
setup 0.0.0.0 "$TLS users = \"$K/bad\";"
unusable "status.users $K/bad: line 1: expected user:hash"
like "$(cat "$T/messages")" "line 3: expected a hash of bcrypt" "each line of it"

# --- passwords ---
setup 0.0.0.0 "$TLS $USERS"
check "with passwords: it starts" start_node || diag "$(cat "$T/messages")"
check "who knows one is answered" wait_for 20 answers -u one:secret $URL/healthz
is "$(code -u 'two:a:b c' $URL/status) $(code -u one:secret $URL/metrics)" "200 200" "another one; again"
is "$(code $URL/status) $(code -u one:wrong $URL/status) $(code -u nobody:secret $URL/status) $(code -u one: $URL/status)" \
	"401 401 401 401" "none, wrong, nobody, empty: 401"
is "$(code -H 'Authorization: Basic !!' $URL/status) $(code -H 'Authorization: Bearer x' $URL/status)" "401 401" "no such thing: 401"
like "$(curl -s -m 10 -i --cacert "$K/ca.pem" $URL/ | tr -d '\r')" '^WWW-Authenticate: Basic realm="flowbraid"' "it asks"
is "$(code -u one:secret http://127.0.0.1:$STATUS/status)" 000 "without TLS there is no answer"
is "$(curl -s -m 10 -o /dev/null -w '%{http_code}' -u one:secret $URL/status)" 000 "a client that does not know the CA goes"
is "$(code -u one:secret --tls-max 1.1 --ciphers 'DEFAULT@SECLEVEL=0' $URL/status)" 000 "TLS 1.1 is refused"
is "$(code -u one:secret --tlsv1.2 --tls-max 1.2 $URL/status) $(code -u one:secret --tlsv1.3 $URL/status)" "200 200" "1.2 and 1.3 are not"
is "$(code -u one:secret --tls-max 1.2 --ciphers AES128-SHA $URL/status)" 000 "a cipher without forward secrecy is"
# in_memory PID: whether a line of the key stands there.
in_memory()
{
	python3 - "$1" "$(sed -n 2p "$K/server.key")" <<-'END'
		import sys
		pid, needle = sys.argv[1], sys.argv[2].encode()
		found = False
		with open(f"/proc/{pid}/mem", "rb", 0) as mem:
		    for line in open(f"/proc/{pid}/maps"):
		        area, mode = line.split()[:2]
		        if mode[0] != "r" or "[v" in line:
		            continue
		        begin, end = (int(x, 16) for x in area.split("-"))
		        if end - begin > 1 << 30:
		            continue  # AddressSanitizer has such
		        try:
		            mem.seek(begin)
		            found |= needle in mem.read(end - begin)
		        except (OSError, ValueError, OverflowError):
		            pass
		sys.exit(not found)
	END
}
if [ "$(id -u)" = 0 ]; then
	python3 -c 'import sys, time; x = sys.argv[1]; print("ready", flush=True); time.sleep(60)' "$(sed -n 2p "$K/server.key")" >"$T/holder" &
	holder=$!
	holds()
	{
		grep -q ready "$T/holder" 2>/dev/null
	}
	wait_for 20 holds
	check "a process that holds the key's text is told" in_memory $holder
	kill $holder
	for pid in "$(children fb-collector)" "$(reporter)" "$node_pid"; do
		check "it is not in the memory of $(cat "/proc/$pid/comm")" not in_memory "$pid"
	done
fi
is "$(find "/proc/$(children fb-collector)/fd" -lname '*secrets*' | wc -l) $(find "/proc/$(reporter)/fd" -lname '*secrets*' | wc -l)" "0 0" \
	"neither child keeps the descriptor"

# --- bad clients ---
resident()
{
	awk '/^VmRSS:/ { print $2 }' "/proc/$1/status"
}
# AddressSanitizer keeps what is freed.
within()
{
	grep -q '__asan_init' "$NODE" || [ "$(resident "$pid")" -le "$1" ]
}
cpu()
{
	awk '{ print $14 + $15 }' "/proc/$1/stat"
}
is_ready()
{
	grep -q ready "$T/ready"
}
few_left()
{
	[ "$(find "/proc/$pid/fd" -mindepth 1 | wc -l)" -le "$fds" ]
}
pid=$(reporter)
fds=$(find "/proc/$pid/fd" -mindepth 1 | wc -l)
idle=$(resident "$pid")
"$BLAST" -p "$PORT" -f 3 -n 600000 -r 10000 >/dev/null &
blast_pid=$!
for kind in "silent 1000" "hello 1000" "garbage 500" "cut 20" "guess 20"; do
	# shellcheck disable=SC2086 # two words
	python3 "$SRCDIR/tests/node/clients.py" $STATUS $kind >"$T/ready" 2>"$T/why" &
	clients=$!
	check "$kind: they try" wait_for 30 is_ready || diag "$(cat "$T/why")"
	begun=$(cpu "$pid") clock=$(date +%s)
	good=0
	for i in 1 2 3 4 5 6; do
		! wait_for 10 answers -u one:secret $URL/healthz || good=$((good + 1))
	done
	is "$good" 6 "$kind: others are answered"
	diag "$kind: $(resident "$pid") KiB resident, idle $idle; $(($(cpu "$pid") - begun)) ticks of CPU in $(($(date +%s) - clock)) s"
	check "$kind: memory is bounded" within $((idle + 24576))
	[ "$kind" != "guess 20" ] || check "who guesses too often is told to wait" wait_for 20 grep -q 'told to wait' "$T/ready"
	kill "$clients"
	wait "$clients" 2>/dev/null
	clients=
done
check "who was known is not" answers -u one:secret $URL/status
python3 "$SRCDIR/tests/node/requests.py" $STATUS 1 400 tls one:secret >"$T/why" 2>&1 || true
is "$(cat "$T/why")" "" "senseless requests: answers are HTTP"
check "senseless requests: others are answered" answers -u one:secret $URL/status
check "connections that are left end by themselves" wait_for 30 few_left || diag "$(find "/proc/$pid/fd" -mindepth 1 | wc -l) of $fds"
# What the allocator keeps was asked for once; a second time it is not asked for more.
high=$(resident "$pid")
for kind in "garbage 500" "cut 50"; do
	# shellcheck disable=SC2086 # two words
	python3 "$SRCDIR/tests/node/clients.py" $STATUS $kind >"$T/ready" 2>"$T/why" &
	clients=$!
	wait_for 30 is_ready
	kill "$clients"
	wait "$clients" 2>/dev/null
	clients=
done
python3 "$SRCDIR/tests/node/requests.py" $STATUS 2 200 tls one:secret >/dev/null 2>&1 || true
check "connections that are left end by themselves" wait_for 30 few_left
check "memory does not grow" within $((high + 2048))
diag "at last: $(resident "$pid") KiB resident, idle $idle, before $high"
is "$(reporter)" "$pid" "it was one process all the time"
kill "$blast_pid" 2>/dev/null
wait "$blast_pid" 2>/dev/null
blast_pid=
recorded=$(curl -s -m 10 --cacert "$K/ca.pem" -u one:secret $URL/status | jq '.lanes[0].datagrams')
check "datagrams came meanwhile" [ "${recorded:-0}" -gt 10000 ] || diag "$recorded"
is "$(curl -s -m 10 --cacert "$K/ca.pem" -u one:secret $URL/status | jq -c '[.lanes[0].log_drops, .lanes[0].listeners[0].kernel_drops]')" "[0,0]" \
	"the collector lost nothing meanwhile"

# --- reloads ---
serial()
{
	openssl s_client -connect 127.0.0.1:$STATUS </dev/null 2>/dev/null | openssl x509 -noout -serial
}
served()
{
	[ "$(serial)" = "$(openssl x509 -in "$1" -noout -serial)" ]
}
check "the first certificate" served "$K/server.pem"
collector=$(children fb-collector)
check "nothing has changed" hangup 'configuration read again'
is "$(reporter)" "$pid" "the reporter is the same"
cp "$K/server2.pem" "$K/server.pem"
check "half of a pair is changed: refused" hangup 'the running configuration stays'
like "$(cat "$T/messages")" "status.key $K/server.key: is not the certificate's" "it says why"
is "$(code -u one:secret $URL/status)" 200 "the old one is served"
cp "$K/server2.key" "$K/server.key"
check "the other half" hangup 'configuration read again'
check "the new one is served" wait_for 20 served "$K/server2.pem"
sed -i '/^one:/d' "$K/users"
check "a user goes" hangup 'configuration read again'
check "the other one is answered" wait_for 20 answers -u 'two:a:b c' $URL/status
is "$(code -u one:secret $URL/status)" 401 "that one is not"
is "$(children fb-collector)" "$collector" "the collector is the same"

# --- client certificates ---
setup 0.0.0.0 "$TLS $CA"
check "client certificates" hangup 'configuration read again'
check "one of the CA: answered" wait_for 20 answers --cert "$K/client.pem" --key "$K/client.key" $URL/status
is "$(code $URL/status) $(code --cert "$K/stranger.pem" --key "$K/stranger.key" $URL/status)" "000 000" "none, or one of another: not"
is "$(code --cert "$K/server2.pem" --key "$K/server2.key" $URL/status)" 200 "one that may be anything"
setup 0.0.0.0 "$TLS $CA $USERS"
check "and passwords" hangup 'configuration read again'
check "both: answered" wait_for 20 answers --cert "$K/client.pem" --key "$K/client.key" -u 'two:a:b c' $URL/status
is "$(code --cert "$K/client.pem" --key "$K/client.key" $URL/status) $(code -u 'two:a:b c' $URL/status)" "401 000" "one alone: not"
setup 0.0.0.0 "$TLS public = true;"
check "everybody" hangup 'configuration read again'
check "answered" wait_for 20 answers $URL/status
like "$(cat "$T/messages")" 'whoever reaches this address can read it: there is no authentication' "with a warning"
setup 127.0.0.1 "$USERS"
check "passwords without TLS, on loopback" hangup 'configuration read again'
check "answered" wait_for 20 answers -u 'two:a:b c' http://127.0.0.1:$STATUS/status
is "$(code http://127.0.0.1:$STATUS/status)" 401 "but not without"
stop_node
is "$status" 0 "SIGTERM: exit 0"
done_testing
