/* SPDX-License-Identifier: ISC
 *
 * The counters of /proc/net/snmp and snmp6: read from texts of several kernels, refused where they lie.
 */
#include "node/host_drops.h"

#include <unistd.h>

#include "tests/tap.h"

static const char
    *const snmp = "Ip: Forwarding DefaultTTL InReceives\nIp: 1 64 57000\n"
		  "Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors "
		  "IgnoredMulti MemErrors\n"
		  "Udp: 28641 3136 9 27841 1234567 5 6 7 1000000000000\n"
		  "UdpLite: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors\n"
		  "UdpLite: 0 0 0 0 77\n";
static const char *const snmp6 = "Ip6InReceives                   \t12\n"
				 "Udp6InDatagrams                 \t5\n"
				 "Udp6RcvbufErrors                \t42\n"
				 "Udp6MemErrors                   \t1\n"
				 "UdpLite6RcvbufErrors            \t77\n";

static void
gives(enum err (*parse)(const char *, size_t, uint64_t *), const char *text, uint64_t want, const char *name)
{
	uint64_t got = 99;

	ok(parse(text, strlen(text), &got) == ERR_OK, "%s: read", name);
	is_u64(got, want, "%s: the count", name);
}

static void
refuses(enum err (*parse)(const char *, size_t, uint64_t *), const char *text, const char *name)
{
	uint64_t got = 99;

	ok(parse(text, strlen(text), &got) == ERR_MALFORMED && got == 99, "%s: refused", name);
}

static void
texts(void)
{
	gives(host_drops_parse, snmp, 1000001234567, "IPv4: of UDP, full buffers and full memory");
	gives(host_drops_parse, "Udp: NoPorts RcvbufErrors\nUdp: 5 6", 6, "IPv4: an older kernel");
	gives(host_drops_parse, "Udp: RcvbufErrors\nUdp: 18446744073709551615\n", UINT64_MAX,
	    "IPv4: the largest");
	refuses(host_drops_parse, "", "IPv4: nothing");
	refuses(host_drops_parse, "Udp: RcvbufErrors\n", "IPv4: names without values");
	refuses(host_drops_parse, "Udp: RcvbufErrors\nTcp: 6\n", "IPv4: values of another protocol");
	refuses(host_drops_parse, "Udp: NoPorts RcvbufErrors\nUdp: 5\n", "IPv4: too few values");
	refuses(host_drops_parse, "Udp: RcvbufErrors\nUdp: -6\n", "IPv4: no number");
	refuses(host_drops_parse, "Udp: NoPorts\nUdp: 6\n", "IPv4: without the counter");
	refuses(host_drops_parse, "UdpLite: RcvbufErrors\nUdpLite: 6\n", "IPv4: of another protocol");
	gives(host_drops_parse6, snmp6, 43, "IPv6: of UDP");
	gives(host_drops_parse6, "Udp6RcvbufErrors 6", 6, "IPv6: an older kernel");
	refuses(host_drops_parse6, "Udp6RcvbufErrors\n", "IPv6: without a value");
	refuses(host_drops_parse6, "Udp6RcvbufErrors x\n", "IPv6: no number");
	refuses(host_drops_parse6, "Udp6NoPorts 6\n", "IPv6: without the counter");
}

static void
prefixes(void)
{
	size_t len = strlen(snmp), read = 0;

	for (size_t i = 0; i < len; i++) {
		char *part = malloc(i + 1); /* so that a read past the end is found */
		uint64_t got;

		if (part == NULL)
			abort();
		memcpy(part, snmp, i);
		read += host_drops_parse(part, i, &got) == ERR_OK;
		free(part);
	}
	/* From the first digit of the last counter of UDP on. */
	is_u64(read, len - (size_t)(strstr(snmp, "1000000000000") - snmp) - 1, "prefixes of the text");
}

static int
file_of(const char *text)
{
	FILE *f = tmpfile();

	if (f == NULL || fputs(text, f) < 0 || fflush(f) != 0)
		abort();
	return dup(fileno(f));
}

static void
again(int fd, const char *text)
{
	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, strlen(text), 0) != (ssize_t)strlen(text))
		abort();
}

static void
asking(void)
{
	int v4 = file_of("Udp: RcvbufErrors\nUdp: 10\n"), v6 = file_of("Udp6RcvbufErrors 5\n");
	struct host_drops h;
	uint64_t more = 99;

	ok(host_drops_take(v4, v6, &h) == ERR_OK, "descriptors that are open already");
	ok(host_drops_ask(&h, &more) == ERR_OK && more == 0, "what was there is no news");
	again(v4, "Udp: RcvbufErrors\nUdp: 13\n");
	again(v6, "Udp6RcvbufErrors 9\n");
	ok(host_drops_ask(&h, &more) == ERR_OK && more == 7, "both families are added");
	again(v4, "Udp: RcvbufErrors\nUdp: 12\n");
	ok(host_drops_ask(&h, &more) == ERR_OK && more == 0, "a little less is no loss");
	again(v4, "Udp: RcvbufErrors\nUdp: 14\n");
	ok(host_drops_ask(&h, &more) == ERR_OK && more == 1, "and not counted twice");
	again(v4, "nothing");
	ok(host_drops_ask(&h, &more) == ERR_MALFORMED, "a counter that went");
	host_drops_close(&h);

	v4 = file_of("Udp: RcvbufErrors\nUdp: 10\n");
	ok(host_drops_take(v4, -1, &h) == ERR_OK && host_drops_ask(&h, &more) == ERR_OK && more == 0,
	    "without IPv6");
	host_drops_close(&h);
	ok(host_drops_open(&h) == ERR_OK, "this host's");
	host_drops_close(&h);
}

int
main(void)
{
	texts();
	prefixes();
	asking();
	return done_testing();
}
