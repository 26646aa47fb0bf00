/* SPDX-License-Identifier: ISC
 *
 * recvmmsg into slots that each hold the largest UDP datagram. A slot is a little larger than that, by an odd
 * number of cache lines, so that the beginnings of datagrams, which are all that is written of most slots, do
 * not share sets of the cache.
 */
#include "node/receive.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 64          /* datagrams a call */
#define BATCHES_A_TURN 16 /* before other events have their turn */
#define SLOT_SIZE 65536
#define SLOT_STRIDE (SLOT_SIZE + 1536 + 64)
#define CONTROL_SIZE \
	(CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(uint32_t)) + \
	    CMSG_SPACE(sizeof(struct in6_pktinfo)))

struct batch {
	struct mmsghdr messages[BATCH];
	struct iovec slots[BATCH];
	struct sockaddr_in6 names[BATCH]; /* room for both families */
	union {
		struct cmsghdr align;
		uint8_t bytes[CONTROL_SIZE];
	} controls[BATCH];
	uint8_t *memory; /* owned; the slots */
};

enum err
batch_new(struct batch **ret)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return ERR_MEMORY;
	b->memory = aligned_alloc(4096, (size_t)BATCH * SLOT_STRIDE);
	if (b->memory == NULL) {
		free(b);
		return ERR_MEMORY;
	}
	for (size_t i = 0; i < BATCH; i++) {
		struct msghdr *m = &b->messages[i].msg_hdr;

		b->slots[i] = (struct iovec){.iov_base = b->memory + i * SLOT_STRIDE, .iov_len = SLOT_SIZE};
		m->msg_name = &b->names[i];
		m->msg_iov = &b->slots[i];
		m->msg_iovlen = 1;
		m->msg_control = b->controls[i].bytes;
	}
	*ret = b;
	return ERR_OK;
}

void
batch_free(struct batch *b)
{
	if (b == NULL)
		return;
	free(b->memory);
	free(b);
}

/* What the kernel says besides. */
struct extras {
	wall_t time;
	bool has_drops;
	uint32_t drops;
	uint32_t ifindex;
};

static void
read_extras(struct msghdr *m, struct extras *x)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			struct timespec ts;

			memcpy(&ts, CMSG_DATA(c), sizeof(ts));
			x->time = wall_from_sec(ts.tv_sec, ts.tv_nsec);
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
			memcpy(&x->drops, CMSG_DATA(c), sizeof(x->drops));
			x->has_drops = true;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			x->ifindex = info.ipi6_ifindex;
		}
	}
}

static void
drops_seen(struct receiver *r, struct intake *in, uint32_t drops, wall_t time)
{
	uint32_t more = drops - r->drops;

	/* Counts that came with datagrams may be older than one that was asked for. */
	if (more == 0 || more > UINT32_MAX / 2)
		return;
	r->drops = drops;
	intake_kernel_drops(in, r->index, more, time);
}

static void
take(struct receiver *r, struct mmsghdr *mm, struct intake *in, wall_t now)
{
	struct msghdr *m = &mm->msg_hdr;
	struct extras x = {.time = now};
	struct intake_datagram d = {
	    .payload = m->msg_iov->iov_base,
	    .len = mm->msg_len,
	    .cut = (m->msg_flags & MSG_TRUNC) != 0,
	    .listener = r->index,
	};

	read_extras(m, &x);
	if (x.has_drops && !r->host_counts)
		drops_seen(r, in, x.drops, x.time);
	if (x.ifindex != 0 && x.ifindex != r->listener->ifindex) {
		r->strangers++;
		return;
	}
	d.time = x.time;
	if (!addr_from_sockaddr(m->msg_name, &d.from, &d.port))
		return; /* cannot happen: the socket is of one of the two families */
	intake_take(in, &d, now);
}

static int
receive_batch(struct receiver *r, struct batch *b)
{
	int count;

	for (size_t i = 0; i < BATCH; i++) { /* the kernel has overwritten them */
		b->messages[i].msg_hdr.msg_namelen = sizeof(b->names[i]);
		b->messages[i].msg_hdr.msg_controllen = CONTROL_SIZE;
	}
	do
		count = recvmmsg(r->listener->fd, b->messages, BATCH, MSG_DONTWAIT, NULL);
	while (count < 0 && errno == EINTR);
	return count;
}

bool
receive(struct receiver *r, struct batch *b, struct intake *in, wall_t now, uint32_t *ret_count)
{
	uint32_t total = 0;
	bool more = true;

	for (int turn = 0; turn < BATCHES_A_TURN && more; turn++) {
		int count = receive_batch(r, b);

		for (int i = 0; i < count; i++)
			take(r, &b->messages[i], in, now);
		/* An error belongs to the socket's past (a network that was down); reading it has cleared it. */
		more = count == BATCH || (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
		total += count > 0 ? (uint32_t)count : 0;
	}
	if (ret_count != NULL)
		*ret_count = total;
	return more;
}

void
receive_ask_drops(struct receiver *r, struct intake *in, wall_t now)
{
	uint32_t info[SK_MEMINFO_VARS];
	socklen_t len = sizeof(info);

	if (!r->host_counts && getsockopt(r->listener->fd, SOL_SOCKET, SO_MEMINFO, info, &len) == 0 &&
	    len > SK_MEMINFO_DROPS * sizeof(info[0]))
		drops_seen(r, in, info[SK_MEMINFO_DROPS], now);
}

enum err
receive_host_drops(struct host_drops *h, struct intake *in, wall_t since, wall_t now)
{
	uint64_t more;
	enum err e = host_drops_ask(h, &more);

	if (e == ERR_OK && more > 0)
		intake_host_drops(in, more, since, now);
	return e;
}
