/* SPDX-License-Identifier: ISC
 *
 * What a real kernel tells of interfaces, for tests/node/34-links.t, in a namespace of its own.
 */
#include "node/links.h"

#include "tests/node/sockets.h"

#define KNOWN_MOST 4096

/* What is known of interfaces, by index, as a node would keep it. */
static struct link_news known[KNOWN_MOST];
static bool told[KNOWN_MOST]; /* since the list began */
static unsigned begins, lists, changes;

static void
on_news(void *ctx, const struct link_news *n)
{
	(void)ctx;
	if (n->ifindex >= KNOWN_MOST)
		return;
	known[n->ifindex] = *n;
	told[n->ifindex] = true;
	changes += !n->dumped;
}

static void
on_begin(void *ctx)
{
	(void)ctx;
	memset(told, 0, sizeof(told));
	begins++;
}

static void
on_end(void *ctx)
{
	(void)ctx;
	for (size_t i = 0; i < KNOWN_MOST; i++) {
		if (!told[i])
			known[i] = (struct link_news){.gone = true};
	}
	lists++;
}

static const struct links_sink sink = {.news = on_news, .begin = on_begin, .end = on_end};

static const struct link_news *
find(const char *name)
{
	for (size_t i = 0; i < KNOWN_MOST; i++) {
		if (known[i].ifindex != 0 && !known[i].gone && strcmp(known[i].name, name) == 0)
			return &known[i];
	}
	return NULL;
}

/* States to wait for. */
static bool
is_listed(void)
{
	return lists >= 1;
}
static bool
is_added(void)
{
	return find("e0") != NULL;
}
static bool
is_running(void)
{
	return find("e0") != NULL && find("e0")->running;
}
static bool
is_without_carrier(void)
{
	return find("e0") != NULL && find("e0")->up && !find("e0")->running;
}
static bool
is_down(void)
{
	return find("e0") != NULL && !find("e0")->up;
}
static bool
is_renamed(void)
{
	return find("e0") == NULL && find("renamed") != NULL;
}
static bool
is_gone(void)
{
	return find("renamed") == NULL && find("f0") == NULL;
}
static bool
is_listed_again(void)
{
	return lists >= 2;
}

static bool
comes_to(struct links *l, bool (*state)(void))
{
	struct pollfd p = {.fd = l->fd, .events = POLLIN};

	do {
		if (links_read(l, &sink) != ERR_OK)
			return false;
		if (state())
			return true;
	} while (poll(&p, 1, WAIT_MS) == 1);
	return false;
}

int
main(void)
{
	struct links l;
	uint32_t index;
	int small = 2048;

	shell("ip link add a0 type veth peer name b0 && ip link set a0 up");
	ok(links_open(&l) == ERR_OK, "opened");
	ok(comes_to(&l, is_listed), "a list comes first");
	ok(find("lo") != NULL && find("a0") != NULL && find("a0")->up && find("a0")->dumped,
	    "with the interfaces that there are");
	is_u64(find("a0") != NULL ? find("a0")->ifindex : 0, if_nametoindex("a0"), "their index");
	ok(begins == 1 && changes == 0, "and nothing else");

	shell("ip link add e0 type veth peer name f0");
	ok(comes_to(&l, is_added) && find("e0")->ifindex == if_nametoindex("e0"), "one is added");
	ok(!find("e0")->up && !find("e0")->dumped, "it is down");
	shell("ip link set e0 up && ip link set f0 up");
	ok(comes_to(&l, is_running), "it comes up");
	shell("ip link set f0 down");
	ok(comes_to(&l, is_without_carrier), "its carrier goes: up, and not running");
	shell("ip link set f0 up");
	ok(comes_to(&l, is_running), "and comes back");
	shell("ip link set e0 down");
	ok(comes_to(&l, is_down), "down");
	index = if_nametoindex("e0");
	shell("ip link set e0 name renamed");
	ok(comes_to(&l, is_renamed) && find("renamed")->ifindex == index, "another name, the same index");
	shell("ip link del renamed");
	ok(comes_to(&l, is_gone), "it is gone, and its peer");
	is_u64(lists, 1, "no list was needed for that");

	/* More than the socket holds, unread. */
	if (setsockopt(l.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) != 0)
		die("SO_RCVBUF");
	shell("for i in $(seq 1 20); do ip link set a0 down; ip link set a0 up; done; "
	      "ip link add e0 type veth peer name f0; ip link del a0");
	ok(comes_to(&l, is_listed_again), "news that were lost bring a new list");
	ok(find("e0") != NULL && find("a0") == NULL, "what came and went meanwhile is known from it");
	shell("ip link set e0 name renamed");
	ok(comes_to(&l, is_renamed), "and then news come again");
	links_close(&l);
	return done_testing();
}
