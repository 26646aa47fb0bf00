#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The commands that read and write flows make no error of memory, and leave none unfreed, as valgrind's memcheck sees it, which also
# finds use of what was never set.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"
need_commands valgrind python3

fb=$BUILDDIR/flowbraid
grep -q '^CFLAGS.*-fsanitize\|^SAN_CFLAGS = .' "$BUILDDIR/Makefile" && skip_all "built with sanitizers"
cd "$T" || exit 99

# Datagrams of each protocol: v5 and v9 of the benchmarks' exporter; IPFIX with lists and options; hostile ones.
cat >conf <<-END
	cluster = "test"; node = "n";
	listen = ( { address = "0.0.0.0"; port = 2055; } );
	log = { directory = "log"; };
END
for version in 5 9; do
	"$BUILDDIR/tests/bench/blast" -w v$version.pcap -n 20 -r 10 -v $version -p 2055 >/dev/null || exit 99
done
"$BUILDDIR/flowbraidd" -f conf -r v5.pcap -r v9.pcap 2>/dev/null || exit 99
python3 - >odd.lines <<'EOF2'
import struct
T = 1700000100
def datagram(at, sequence, *sets):
    body = b''.join(struct.pack('>HH', i, 4 + len(b)) + b for i, b in sets)
    return 'd %d 192.0.2.1 4444 %s' % ((T + at) * 10**9, (struct.pack('>HHIII', 10, 16 + len(body), T + at, sequence, 5) + body).hex())
outer = (2, struct.pack('>HHHHHH', 256, 2, 10, 1, 292, 65535))
inner = (2, struct.pack('>HHHHHH', 257, 2, 1, 1, 82, 65535))
options = (3, struct.pack('>HHHHHHH', 258, 2, 1, 10, 2, 34, 4))
print(datagram(0, 0, outer, inner, options, (258, struct.pack('>HI', 7, 100))))
print(datagram(1, 1, (256, bytes([7, 11, 3, 1, 1, 5, 2, 97, 98, 6, 3, 97, 98, 99])[:13])))
print(datagram(2, 2, (256, bytes([8, 4, 3, 9, 9, 5]))))
EOF2
"$BUILDDIR/tests/cmd/make-log" odd test n 0x77 <odd.lines || exit 99
"$fb" merge -q -o archive log odd >/dev/null || exit 99

# clean NAME ARGUMENT...: the command exits 0 under valgrind, which finds nothing. Its own exit code is 99 when it does.
clean()
{
	name=$1
	shift
	run valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect,possible \
	    --errors-for-leak-kinds=definite,indirect,possible "$fb" "$@"
	is "$status" 0 "$name" || diag "$err"
	is "$(printf '%s\n' "$err" | grep -c '^==')" 0 "$name: valgrind says nothing"
}
clean "merge" merge -q -o again archive log odd
clean "cat -F json" cat -q -F json archive
clean "cat -F csv, a log" cat -q -F csv log
clean "cat, an expression" cat -q archive -- src port 1-30000 and bytes \> 100
clean "export -F ipfix" export -q -F ipfix -o a.ipfix archive
check "it wrote something" test -s a.ipfix
if ! "$fb" export -q -F sqlite -o probe.db log 2>&1 | grep -q 'built without SQLite'; then
	clean "export -F sqlite" export -q -F sqlite -o a.db archive
	clean "export --append" export -q -F sqlite --append -o a.db odd
fi
done_testing
