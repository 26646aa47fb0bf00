/* SPDX-License-Identifier: ISC
 *
 * Drops of a lane's socket as they reach the intake: the socket's own count has what its filter left to others, and is
 * not taken; what got lost is told by the host's counters. For tests/node/32-lane-drops.t, in a namespace of its own.
 */
#include "base/buf.h"
#include "node/receive.h"
#include "tests/node/sockets.h"

#define PORT 2055
#define GROUP "239.255.77.1"
#define SENDERS 64

static struct intake in;

static struct block *
take_block(void *ctx)
{
	(void)ctx;
	return block_new();
}

static void
give_block(void *ctx, struct block *b, uint32_t upto, bool complete)
{
	(void)ctx;
	(void)upto;
	if (complete)
		block_free(b);
}

static void
begin(wall_t now)
{
	const struct segment_header head = {.kind = SEGMENT_NODE,
	    .cluster = "c",
	    .node = "n",
	    .incarnation = 5,
	    .number = 1,
	    .first_sequence = 1};
	struct buf errors = BUF_INIT;
	struct conf conf;

	if (conf_parse("cluster = \"c\"; node = \"n\"; log = { directory = \"x\"; }; lanes = 2;\n"
		       "listen = ( { address = \"" GROUP "\"; port = 2055; interface = \"lo\"; } );\n",
		"c", &conf, &errors) != ERR_OK ||
	    intake_init(&in, &conf, &head, (struct block_sink){.take = take_block, .give = give_block},
		now) != ERR_OK)
		die("intake_init");
	conf_clear(&conf);
}

/* From each of so many ports once. */
static void
send_round(const struct addr *from, const struct addr *to)
{
	for (uint32_t i = 0; i < SENDERS; i++) {
		int fd = sender(from, (uint16_t)(40000 + i), if_nametoindex("lo"));

		send_number(fd, to, PORT, i);
		(void)close(fd);
	}
	settle();
}

int
main(void)
{
	struct conf_listener conf = listener_conf(GROUP, PORT, "lo");
	struct addr from = address("127.0.0.1"), to = conf.address;
	wall_t now = wall_now();
	struct listener l;
	struct receiver r = {.listener = &l, .host_counts = true}, naive = {.listener = &l};
	struct host_drops drops;
	struct batch *batch;
	uint32_t first = 0, count = 0;

	stay_on_one_cpu();
	conf.receive_buffer = 64 << 10;
	begin(now);
	if (batch_new(&batch) != ERR_OK || host_drops_open(&drops) != ERR_OK ||
	    listener_open(&conf, 0, 2, &l) != LISTENER_OK)
		die("open");
	send_round(&from, &to);
	(void)receive(&r, batch, &in, now, &first);
	send_round(&from, &to); /* now datagrams carry the count of the round before */
	(void)receive(&r, batch, &in, now, &count);
	ok(first > 0 && first < SENDERS && count == first, "one lane of two takes a part");
	receive_ask_drops(&r, &in, now);
	ok(receive_host_drops(&drops, &in, now, now) == ERR_OK, "the host is asked");
	is_u64(in.counters.kernel_drops, 0, "what is another lane's is not dropped");

	for (int i = 0; i < 40; i++)
		send_round(&from, &to);
	(void)receive(&r, batch, &in, now, &count);
	receive_ask_drops(&r, &in, now);
	is_u64(in.counters.kernel_drops, 0, "by the socket nothing is told, as it cannot");
	ok(receive_host_drops(&drops, &in, now, now) == ERR_OK, "the host is asked again");
	ok(count < 40 * first, "some were lost");
	is_u64(in.counters.kernel_drops, 40 * first - count, "they are counted");

	receive_ask_drops(&naive, &in, now);
	ok(in.counters.kernel_drops > 40 * first - count + SENDERS,
	    "the socket's count has what its filter left to others");
	intake_clear(&in);
	batch_free(batch);
	host_drops_close(&drops);
	listener_close(&l);
	return done_testing();
}
