/* SPDX-License-Identifier: ISC
 *
 * Messages of rtnetlink: made as the kernel makes them, then every prefix of them, then one lie in each place. (With
 * a real kernel: tests/node/34-links.t.)
 */
#include "node/links.h"

#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "tests/tap.h"

#define SEQUENCE 7

static struct link_news last;
static unsigned news_count;

static void
on_news(void *ctx, const struct link_news *n)
{
	(void)ctx;
	last = *n;
	news_count++;
}

static const struct links_sink sink = {.news = on_news};

/* One message at a time. */
struct message {
	_Alignas(struct nlmsghdr) uint8_t bytes[512];
	size_t len;
};

static void
put(struct message *m, const void *bytes, size_t len)
{
	memcpy(m->bytes + m->len, bytes, len);
	m->len += len;
	while (m->len % 4 != 0)
		m->bytes[m->len++] = 0;
}

static void
put_head(struct message *m, size_t len, uint16_t type, uint16_t flags, uint32_t sequence)
{
	struct nlmsghdr head = {
	    .nlmsg_len = (uint32_t)len, .nlmsg_type = type, .nlmsg_flags = flags, .nlmsg_seq = sequence};

	memcpy(m->bytes, &head, sizeof(head));
}

static void
put_text(struct message *m, uint16_t type, const char *text, size_t len)
{
	struct rtattr a = {.rta_len = (uint16_t)(sizeof(a) + len), .rta_type = type};

	put(m, &a, sizeof(a));
	put(m, text, len);
}

static struct message
link_message(uint16_t type, uint16_t flags, int index, unsigned state, const char *name)
{
	struct ifinfomsg info = {.ifi_index = index, .ifi_flags = state};
	struct message m = {.len = sizeof(struct nlmsghdr)};

	put(&m, &info, sizeof(info));
	put_text(&m, IFLA_QDISC, "noop", 5);
	put_text(&m, IFLA_IFNAME, name, strlen(name) + 1);
	put_head(&m, m.len, type, flags, SEQUENCE);
	return m;
}

static enum err
parse(const struct message *m, struct links_seen *ret)
{
	news_count = 0;
	last = (struct link_news){.ifindex = 0};
	return links_parse(m->bytes, m->len, SEQUENCE, &sink, ret);
}

static void
news(void)
{
	struct message m = link_message(RTM_NEWLINK, NLM_F_MULTI, 3, IFF_UP | IFF_RUNNING, "eth1");
	struct links_seen seen;

	ok(parse(&m, &seen) == ERR_OK && news_count == 1, "one interface");
	ok(last.ifindex == 3 && last.up && last.running && !last.gone && last.dumped, "it is up, of a list");
	is_text(last.name, "eth1", "its name");
	ok(!seen.done && !seen.again && seen.error == 0, "the list goes on");
	m = link_message(RTM_NEWLINK, 0, 3, IFF_UP, "a-name-of-15-ch");
	ok(parse(&m, &seen) == ERR_OK && last.up && !last.running && !last.dumped,
	    "a change: without carrier");
	is_text(last.name, "a-name-of-15-ch", "the longest name");
	m = link_message(RTM_NEWLINK, 0, 3, IFF_RUNNING, "e");
	ok(parse(&m, &seen) == ERR_OK && !last.up && !last.running, "down is not running");
	m = link_message(RTM_DELLINK, 0, 4, IFF_UP | IFF_RUNNING, "eth2");
	ok(parse(&m, &seen) == ERR_OK && last.gone && !last.up && !last.running, "gone");
	m = link_message(RTM_NEWLINK, NLM_F_MULTI | NLM_F_DUMP_INTR, 3, IFF_UP, "eth1");
	ok(parse(&m, &seen) == ERR_OK && news_count == 1 && seen.again, "a list that was disturbed");
	m = link_message(RTM_NEWLINK, 0, 3, IFF_UP, "eth1");
	m.bytes[sizeof(struct nlmsghdr)] = AF_BRIDGE;
	ok(parse(&m, &seen) == ERR_OK && news_count == 0, "a bridge's port is passed over");
}

static struct message
end_message(uint16_t type, int32_t error, uint32_t sequence)
{
	struct message m = {.len = sizeof(struct nlmsghdr)};

	put(&m, &error, sizeof(error));
	put_head(&m, m.len, type, NLM_F_MULTI, sequence);
	return m;
}

static void
ends(void)
{
	struct links_seen seen;
	struct message m = end_message(NLMSG_DONE, 0, SEQUENCE);

	ok(parse(&m, &seen) == ERR_OK && seen.done, "the end of the list");
	m = end_message(NLMSG_DONE, 0, SEQUENCE - 1);
	ok(parse(&m, &seen) == ERR_OK && !seen.done, "the end of another one");
	m = end_message(NLMSG_ERROR, -EPERM, SEQUENCE);
	ok(parse(&m, &seen) == ERR_OK && seen.error == EPERM, "an error instead");
	m = end_message(NLMSG_ERROR, 0, SEQUENCE);
	ok(parse(&m, &seen) == ERR_OK && seen.error == 0, "an acknowledgement is none");
	m = end_message(NLMSG_ERROR, INT_MIN, SEQUENCE);
	ok(parse(&m, &seen) == ERR_MALFORMED && seen.error == 0, "no number of an error");
	m = end_message(NLMSG_OVERRUN, 0, 0);
	ok(parse(&m, &seen) == ERR_OK && seen.again, "news that were lost");
}

/* A message alone whose length says what it is, cut to len bytes. */
static void
prefixes(void)
{
	struct message two = link_message(RTM_NEWLINK, 0, 3, IFF_UP, "eth1"),
		       second = link_message(RTM_DELLINK, 0, 4, 0, "eth22");
	size_t first_len = two.len, wrong = 0;
	struct links_seen seen;

	put(&two, second.bytes, second.len);
	ok(parse(&two, &seen) == ERR_OK && news_count == 2, "two in one datagram");
	for (size_t len = 1; len < two.len; len++) {
		struct message m = two;
		uint8_t *copy = malloc(len); /* so that a read past the end is found */

		if (copy == NULL)
			abort();
		memcpy(copy, m.bytes, len);
		news_count = 0;
		wrong += (links_parse(copy, len, SEQUENCE, &sink, &seen) == ERR_OK) != (len == first_len) ||
		    news_count != (len >= first_len);
		free(copy);
	}
	is_u64(wrong, 0, "every prefix is refused, after what was whole");
}

static void
lie(size_t at, const void *bytes, size_t len, const char *name)
{
	struct message m = link_message(RTM_NEWLINK, 0, 3, IFF_UP, "eth1");
	struct links_seen seen;

	memcpy(m.bytes + at, bytes, len);
	ok(parse(&m, &seen) == ERR_MALFORMED && news_count == 0, "%s", name);
}

static void
lies(void)
{
	static const uint32_t zero32, fifteen32 = 15, large32 = UINT32_MAX;
	static const uint16_t zero16, three16 = 3, large16 = UINT16_MAX;
	static const int negative = -1;
	size_t attributes = sizeof(struct nlmsghdr) + sizeof(struct ifinfomsg);
	size_t name = attributes + 12;

	lie(0, &zero32, 4, "a message of no length");
	lie(0, &fifteen32, 4, "a message shorter than its head");
	lie(0, &large32, 4, "a message longer than the datagram");
	lie(sizeof(struct nlmsghdr) + offsetof(struct ifinfomsg, ifi_index), &negative, 4,
	    "a negative index");
	lie(attributes, &zero16, 2, "an attribute of no length");
	lie(attributes, &three16, 2, "an attribute shorter than its head");
	lie(attributes, &large16, 2, "an attribute longer than its message");
	lie(name + 8, "x", 1, "a name without an end");
	lie(name + 5, "\0", 1, "a name that ends early");
	lie(name + 2, &large16, 2, "no name at all");
}

int
main(void)
{
	struct message m = link_message(RTM_NEWLINK, 0, 3, IFF_UP, "a-name-of-16-cha");
	struct links_seen seen;

	news();
	ends();
	prefixes();
	lies();
	ok(parse(&m, &seen) == ERR_MALFORMED, "a name too long");
	return done_testing();
}
