/* SPDX-License-Identifier: ISC
 *
 * Lanes of a listener with real sockets: each datagram comes to exactly one, all of a source to the same, and no lane
 * has more than twice another's share. For tests/node/32-lanes.t, in a namespace of its own with addresses
 * fd00::1 to fd00::28 on an interface d0.
 */
#include "node/host_drops.h"
#include "tests/node/sockets.h"

#define LANES 4
#define PORT 2055
#define GROUP4 "239.255.77.1"
#define GROUP6 "ff05::77:1"

#define HOSTS 40
#define PORTS 100
#define FIRST_PORT 40000
#define TOGETHER 50 /* datagrams in flight: few enough for any buffer */

/* What came: of each source the lane, and how often. */
struct heard {
	unsigned count[HOSTS * PORTS];
	unsigned lane[HOSTS * PORTS];
	unsigned of_lane[64];
	unsigned all;
};

static void
take_all(const struct listener *l, unsigned lanes, struct heard *h)
{
	for (unsigned i = 0; i < lanes; i++) {
		uint32_t number;

		while (take_number(&l[i], &number)) {
			h->count[number]++;
			h->lane[number] = i;
			h->of_lane[i]++;
			h->all++;
		}
	}
}

/* What was sent up to now, and what of it came more than once. */
static void
take_sent(const struct listener *l, unsigned lanes, struct heard *h)
{
	settle();
	take_all(l, lanes, h);
}

static struct addr
host(bool v6, unsigned i)
{
	struct addr a = address(v6 ? "fd00::" : "127.0.1.0");

	a.b[15] = (uint8_t)(a.b[15] + i + 1);
	return a;
}

struct round {
	bool v6;
	const char *to;
	unsigned hosts, ports;
	int option; /* to set on the sender; 0: none */
	const void *value;
	socklen_t value_len;
};

static void
send_all(const struct round *r, const struct listener *l, unsigned lanes, struct heard *h)
{
	struct addr to = address(r->to);
	unsigned sent = 0;

	memset(h, 0, sizeof(*h));
	for (unsigned i = 0; i < r->hosts * r->ports; i++) {
		struct addr from = host(r->v6, i % r->hosts);
		int fd = sender(&from, (uint16_t)(FIRST_PORT + i / r->hosts),
		    addr_is_multicast(&to) ? if_nametoindex(r->v6 ? "d0" : "lo") : 0);

		if (r->option != 0 &&
		    setsockopt(fd, r->v6 ? IPPROTO_IPV6 : IPPROTO_IP, r->option, r->value, r->value_len) != 0)
			die("setsockopt");
		send_number(fd, &to, PORT, i);
		(void)close(fd);
		if (++sent % TOGETHER == 0)
			take_sent(l, lanes, h);
	}
	take_sent(l, lanes, h);
}

static void
once_each(const struct round *r, const struct heard *h, const char *name)
{
	unsigned missing = 0, more = 0;

	for (unsigned i = 0; i < r->hosts * r->ports; i++) {
		missing += h->count[i] == 0;
		more += h->count[i] > 1;
	}
	ok(missing == 0 && more == 0, "%s: each of %u datagrams comes to exactly one lane", name,
	    r->hosts * r->ports);
	if (missing > 0 || more > 0)
		printf("# %u came to none, %u to more than one\n", missing, more);
}

static void
shared(const struct heard *h, unsigned lanes, const char *name)
{
	unsigned least = UINT32_MAX, most = 0;

	printf("#");
	for (unsigned i = 0; i < lanes; i++) {
		printf(" %u", h->of_lane[i]);
		least = h->of_lane[i] < least ? h->of_lane[i] : least;
		most = h->of_lane[i] > most ? h->of_lane[i] : most;
	}
	printf("\n");
	ok(least > 0 && most <= 2 * least, "%s: no lane has more than twice another's share", name);
}

static void
same_lanes(const struct round *r, const struct heard *a, const struct heard *b, const char *name)
{
	unsigned other = 0;

	for (unsigned i = 0; i < r->hosts * r->ports; i++)
		other += a->lane[i] != b->lane[i];
	is_u64(other, 0, "%s: sources stay in their lanes", name);
}

/* The lane of each source, many addresses and ports, few of one or of the other. */
static void
share(bool v6, const char *to, const char *interface, const struct heard *before, struct heard *ret)
{
	struct conf_listener conf = listener_conf(to, PORT, interface);
	struct round all = {.v6 = v6, .to = to, .hosts = HOSTS, .ports = PORTS};
	struct round one_host = {.v6 = v6, .to = to, .hosts = 1, .ports = PORTS};
	struct round one_port = {.v6 = v6, .to = to, .hosts = HOSTS, .ports = 1};
	struct listener l[LANES];
	static struct heard h;

	if (addr_cmp(&conf.address, &(struct addr){{0}}) == 0)
		all.to = one_host.to = one_port.to = "::1";
	open_lanes(&conf, LANES, l);
	send_all(&all, l, LANES, ret);
	once_each(&all, ret, to);
	shared(ret, LANES, to);
	if (before != NULL)
		same_lanes(&all, before, ret, to);
	send_all(&all, l, LANES, &h);
	same_lanes(&all, ret, &h, to);
	send_all(&one_host, l, LANES, &h);
	once_each(&one_host, &h, to);
	shared(&h, LANES, "ports of one host");
	send_all(&one_port, l, LANES, &h);
	once_each(&one_port, &h, to);
	shared(&h, LANES, "hosts with one port");
	close_lanes(l, LANES);
}

static void
most_lanes(void)
{
	struct conf_listener conf = listener_conf(GROUP4, PORT, "lo");
	struct round r = {.to = GROUP4, .hosts = HOSTS, .ports = PORTS};
	struct listener l[64];
	static struct heard h;
	unsigned empty = 0;

	open_lanes(&conf, 64, l);
	send_all(&r, l, 64, &h);
	once_each(&r, &h, "64 lanes");
	for (unsigned i = 0; i < 64; i++)
		empty += h.of_lane[i] == 0;
	is_u64(empty, 0, "64 lanes: each has something");
	close_lanes(l, 64);
	open_lanes(&conf, 1, l);
	send_all(&r, l, 1, &h);
	once_each(&r, &h, "one lane");
	close_lanes(l, 1);
}

/* Headers that are longer than usual. */
static void
options(void)
{
	static const uint8_t no_operations[8] = {1, 1, 1, 1, 1, 1, 1, 1};
	static const uint8_t padding[8] = {0, 0, 1, 4, 0, 0, 0, 0};
	struct conf_listener v4 = listener_conf("127.0.0.1", PORT, ""), v6 = listener_conf("::1", PORT, "");
	struct round r4 = {.to = "127.0.0.1",
	    .hosts = 1,
	    .ports = PORTS,
	    .option = IP_OPTIONS,
	    .value = no_operations,
	    .value_len = sizeof(no_operations)};
	struct round r6 = {.v6 = true,
	    .to = "::1",
	    .hosts = HOSTS,
	    .ports = 1,
	    .option = IPV6_DSTOPTS,
	    .value = padding,
	    .value_len = sizeof(padding)};
	struct listener l[LANES];
	static struct heard h;

	open_lanes(&v4, LANES, l);
	send_all(&r4, l, LANES, &h);
	once_each(&r4, &h, "IPv4 with options");
	shared(&h, LANES, "IPv4 with options");
	close_lanes(l, LANES);
	open_lanes(&v6, LANES, l);
	send_all(&r6, l, LANES, &h);
	once_each(&r6, &h, "IPv6 with an extension header");
	shared(&h, LANES, "IPv6 with an extension header");
	close_lanes(l, LANES);
}

/* Whoever else wants the same port of an address does not get it, or gets nothing. */
static void
strangers(void)
{
	struct conf_listener conf = listener_conf("127.0.0.1", PORT, "");
	struct round r = {.to = "127.0.0.1", .hosts = HOSTS, .ports = 10};
	struct addr here = address("127.0.0.1");
	struct listener l[LANES], other = {.fd = -1};
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&here, PORT, &sa);
	static struct heard h;
	uint32_t number;
	int one = 1, plain, sharing;

	open_lanes(&conf, LANES, l);
	ok(listener_open(&conf, 0, LANES, &other) == LISTENER_FAILED,
	    "a second daemon with lanes is refused");
	says("listener 127.0.0.1 port 2055 (test.conf:1): cannot bind: Address already in use",
	    "and it is said why");
	ok(listener_open(&conf, 0, 1, &other) == LISTENER_FAILED, "one without lanes, too");
	(void)said();

	plain = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	(void)setsockopt(plain, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	ok(bind(plain, (const struct sockaddr *)&sa, len) != 0 && errno == EADDRINUSE,
	    "another program cannot bind over it");
	(void)close(plain);

	sharing = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	(void)setsockopt(sharing, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (bind(sharing, (const struct sockaddr *)&sa, len) != 0)
		die("bind");
	send_all(&r, l, LANES, &h);
	once_each(&r, &h, "beside a program of the same user that shares the port");
	other.fd = sharing;
	ok(!take_number(&other, &number), "which gets nothing");
	ok(listener_open(&conf, 0, LANES, &other) == LISTENER_FAILED,
	    "where others share, lanes do not begin");
	close_lanes(l, LANES);
	ok(listener_open(&conf, 0, LANES, &other) == LISTENER_FAILED, "nor when only they are there");
	(void)said();
	(void)close(sharing);
}

/* The filter cannot be taken off by whoever gets the socket. */
static void
locked(void)
{
	struct conf_listener group = listener_conf(GROUP4, PORT, "lo"),
			     host_conf = listener_conf("127.0.0.1", PORT, "");
	struct listener l[2];
	int none = 0;

	open_lanes(&group, 2, l);
	ok(l[0].filtered, "a group's lanes are filtered");
	ok(setsockopt(l[1].fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none)) != 0 && errno == EPERM,
	    "the filter cannot be taken off");
	close_lanes(l, 2);
	open_lanes(&host_conf, 2, l);
	ok(!l[0].filtered, "an address's are not");
	close_lanes(l, 2);
}

/* The CPU's queue, too, drops what is too much for it. */
static void
send_many(int fd, const struct addr *to, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		send_number(fd, to, PORT, i);
		if (i % TOGETHER == 0)
			settle();
	}
	settle();
}

/* A buffer that is too small: the host counts what got lost, and not what filters leave to others. */
static void
host_counts(void)
{
	struct conf_listener conf = listener_conf(GROUP4, PORT, "lo"), conf6 = listener_conf("::1", PORT, "");
	struct addr to = conf.address, to6 = conf6.address, from = host(false, 0), from6 = host(true, 0);
	struct listener l[2], l6;
	struct host_drops drops;
	uint64_t more = 99;
	uint32_t number;
	unsigned sent = 5000, came = 0;
	int fd, fd6;

	conf.receive_buffer = conf6.receive_buffer = 64 << 10;
	open_lanes(&conf, 2, l);
	open_lanes(&conf6, 1, &l6);
	fd = sender(&from, 0, if_nametoindex("lo"));
	fd6 = sender(&from6, 0, 0);
	if (host_drops_open(&drops) != ERR_OK)
		die("host_drops_open");
	send_number(fd, &to, PORT, 1);
	settle();
	ok(host_drops_ask(&drops, &more) == ERR_OK && more == 0, "what a filter leaves to others is no drop");
	send_many(fd, &to, sent - 1);
	for (unsigned i = 0; i < 2; i++) {
		while (take_number(&l[i], &number))
			came++;
	}
	ok(host_drops_ask(&drops, &more) == ERR_OK, "the host's count can be read again");
	ok(came < sent, "some were dropped");
	is_u64(more, sent - came, "IPv4: they are counted");
	send_many(fd6, &to6, sent);
	for (came = 0; take_number(&l6, &number);)
		came++;
	ok(host_drops_ask(&drops, &more) == ERR_OK && came < sent, "IPv6: some were dropped");
	is_u64(more, sent - came, "IPv6: they are counted");
	host_drops_close(&drops);
	(void)close(fd);
	(void)close(fd6);
	close_lanes(l, 2);
	listener_close(&l6);
}

int
main(void)
{
	static struct heard group4, group6, other;

	listen_to_messages();
	stay_on_one_cpu();
	share(false, GROUP4, "lo", NULL, &group4);
	share(false, "127.0.0.1", "", &group4, &other);
	share(true, GROUP6, "d0", NULL, &group6);
	share(true, "::1", "", &group6, &other);
	share(true, "::", "", &group6, &other);
	most_lanes();
	options();
	strangers();
	locked();
	host_counts();
	return done_testing();
}
