/* SPDX-License-Identifier: ISC
 *
 * See window_sum.h.
 */
#include "archive/window_sum.h"

#include <stdlib.h>

#include "base/wr.h"

struct window_sum {
	struct digest128_ctx *digest; /* owned */
};

struct window_sum *
window_sum_new(void)
{
	struct window_sum *s = malloc(sizeof(*s));

	if (s != NULL && (s->digest = digest128_new()) == NULL) {
		free(s);
		s = NULL;
	}
	return s;
}

void
window_sum_free(struct window_sum *s)
{
	if (s == NULL)
		return;
	digest128_free(s->digest);
	free(s);
}

void
window_sum_start(struct window_sum *s, const struct segment_header *head)
{
	uint8_t bytes[SEGMENT_RECORDS_AT];

	digest128_start(s->digest);
	segment_header_write(head, bytes);
	digest128_add(s->digest, bytes, sizeof(bytes));
}

/* Sequences and checksums follow from the rest; the seal from all of it. */
void
window_sum_add(struct window_sum *s, const struct record *r)
{
	uint8_t head[34];
	struct wr w = wr_init(head, sizeof(head));

	if (r->type == RECORD_PAYLOADS || r->type == RECORD_SEAL)
		return;
	wr_u8(&w, (uint8_t)r->type);
	wr_u8(&w, r->flags);
	wr_u16(&w, r->port);
	wr_u16(&w, r->listener);
	wr_u32(&w, r->len);
	wr_u64(&w, (uint64_t)r->time.ns);
	wr_bytes(&w, r->addr.b, sizeof(r->addr.b));
	digest128_add(s->digest, head, wr_len(&w));
	digest128_add(s->digest, r->body, r->len);
}

struct digest128
window_sum_end(const struct window_sum *s)
{
	return digest128_end(s->digest);
}
