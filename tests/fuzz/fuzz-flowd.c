/* SPDX-License-Identifier: ISC
 *
 * Reads any bytes as a store of flowd. Each byte of version 3 is of a record or told as lost; what is believed makes datagrams that
 * readers of selected flows accept, with as many flows.
 */
#include <stdlib.h>
#include <string.h>

#include "flow/flowd_datagrams.h"
#include "flow/selected.h"
#include "tests/fuzz/target.h"

struct memory {
	const uint8_t *bytes;
	size_t len;
};

static enum err
read_memory(void *ctx, void *dst, size_t len, size_t *ret_len)
{
	struct memory *m = ctx;
	size_t n = len < m->len ? len : m->len;

	if (n > 0)
		memcpy(dst, m->bytes, n);
	m->bytes += n;
	m->len -= n;
	*ret_len = n;
	return ERR_OK;
}

static uint32_t
take(struct flowd_datagrams *d)
{
	struct selected_reader *r = selected_reader_new();
	struct buf body = BUF_INIT;
	struct flowd_datagram datagram = {.flows = 0};
	enum err e = flowd_datagrams_take(d, &datagram, &body);

	if (e == ERR_OK &&
	    (selected_open(r, body.data, body.len) != ERR_OK || selected_count(r, false) != datagram.flows))
		abort();
	if (e != ERR_OK && e != ERR_END)
		abort();
	buf_clear(&body);
	selected_reader_free(r);
	return datagram.flows;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct memory m = {.bytes = bytes, .len = len};
	struct flowd_store *s;
	struct flowd_datagrams *d;
	struct flowd_record r;
	struct flowd_damage damage;
	const uint8_t *at;
	enum flowd_step step;
	uint64_t records = 0, flows = 0, told = 0;
	enum err e;

	if (flowd_store_open(read_memory, &m, &s) != ERR_OK)
		return 0;
	d = flowd_datagrams_new(flowd_store_begun(s));
	while ((step = flowd_store_next(s, &r, &at, &damage, &e)) != FLOWD_END) {
		if (step == FLOWD_ERROR)
			abort();
		if (step == FLOWD_DAMAGE) {
			if (damage.text[0] == '\0')
				abort();
			told += damage.lost;
			continue;
		}
		records++;
		told += r.size;
		if (!flowd_datagrams_fits(d, &r))
			flows += take(d);
		if (flowd_datagrams_add(d, &r) != ERR_OK)
			abort();
	}
	flows += take(d);
	if (flows != records || (flowd_store_version(s) == FLOWD_V3 && told != len) || told > len)
		abort();
	flowd_datagrams_free(d);
	flowd_store_close(s);
	return 0;
}
