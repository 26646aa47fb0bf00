/* SPDX-License-Identifier: ISC
 *
 * Segments in memory, and walks over them.
 */
#include "tests/unit/log/maker.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rd.h"

static struct block *
take(void *ctx)
{
	struct maker *m = ctx;

	return m->free > m->least ? m->blocks[--m->free] : NULL;
}

static void
seal(struct maker *m, const struct block *b)
{
	uint8_t record[SEAL_RECORD_SIZE];

	m->seal = b->seal;
	m->seal.length = b->offset + b->len;
	m->seal.digest = sha256_of(m->digests.data, m->digests.len);
	seal_record_write(&m->seal, b->seal_sequence, b->seal_time, record_seed(b->head.incarnation), record);
	buf_bytes(&m->out, record, sizeof(record));
	buf_reset(&m->digests);
	m->sealed++;
}

static void
give(void *ctx, struct block *b, uint32_t upto, bool complete)
{
	struct maker *m = ctx;
	struct sha256 d;

	m->gives++;
	if (!complete)
		return;
	if (upto > 0) {
		if (b->first)
			buf_reset(&m->out);
		buf_bytes(&m->out, b->data, upto);
		d = sha256_of(b->data, upto);
		buf_bytes(&m->digests, d.b, sizeof(d.b));
		if (b->last)
			seal(m, b);
	}
	m->blocks[m->free++] = b;
}

void
maker_init(struct maker *m, uint64_t first_sequence)
{
	struct segment_header head = {
	    .kind = SEGMENT_NODE,
	    .cluster = "edge",
	    .node = "col-a",
	    .lane = 0,
	    .incarnation = MAKER_INCARNATION,
	    .number = 7,
	    .first_sequence = first_sequence,
	};

	memset(m, 0, sizeof(*m));
	while (m->free < MAKER_BLOCKS) {
		m->blocks[m->free] = block_new();
		if (m->blocks[m->free++] == NULL)
			abort();
	}
	appender_init(&m->appender, &head, (struct block_sink){m, take, give});
}

void
maker_clear(struct maker *m)
{
	while (m->free > 0)
		block_free(m->blocks[--m->free]);
	buf_clear(&m->out);
	buf_clear(&m->digests);
}

void
maker_body(uint64_t sequence, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(sequence * 31 + i * 7 + 1);
}

enum err
maker_datagram(struct maker *m, size_t len)
{
	uint8_t *body = malloc(len + 1);
	struct record r = {
	    .type = RECORD_DATAGRAM,
	    .listener = 3,
	    .port = 2055,
	    .time = {1700000000000000000LL},
	    .addr = addr_v4(0xc0000201),
	    .body = body,
	    .len = (uint32_t)len,
	};
	enum err e;

	if (body == NULL)
		abort();
	maker_body(m->appender.next_sequence, body, len);
	e = appender_record(&m->appender, &r, (wall_t){1700000000000000001LL}, NULL);
	free(body);
	return e;
}

void
maker_segment(struct buf *ret, unsigned count, size_t len, uint64_t first_sequence, bool sealed)
{
	struct maker m;

	maker_init(&m, first_sequence);
	for (unsigned i = 0; i < count; i++) {
		if (maker_datagram(&m, len) != ERR_OK)
			abort();
	}
	appender_end(&m.appender, (wall_t){1700000000000000002LL});
	buf_bytes(ret, m.out.data, m.out.len - (sealed ? 0 : SEAL_RECORD_SIZE));
	maker_clear(&m);
}

size_t
maker_offset(const struct buf *segment, unsigned index)
{
	size_t at = SEGMENT_RECORDS_AT;

	while (index-- > 0) {
		struct rd r = rd_init(segment->data + at, segment->len - at);

		rd_skip(&r, 4);
		at += record_size(rd_u32(&r));
	}
	return at;
}

void
walk_fd(int fd, bool open_name, bool hash, struct walk *ret)
{
	struct check *c;
	struct record r;
	struct finding f;
	enum check_step step;

	memset(ret, 0, sizeof(*ret));
	if (check_open(fd, open_name, hash, &c) != ERR_OK)
		abort();
	while ((step = check_next(c, &r, &f)) == CHECK_RECORD || step == CHECK_FINDING) {
		if (step == CHECK_FINDING) {
			if (ret->findings++ == 0)
				ret->first = f;
			ret->last = f;
			continue;
		}
		if (ret->records < 64)
			ret->sequences[ret->records] = r.sequence;
		ret->records++;
	}
	ret->failed = step != CHECK_END;
	ret->has_header = check_header(c) != NULL;
	check_result(c, &ret->result);
	check_close(c);
}

void
walk_bytes(const void *bytes, size_t len, bool open_name, bool hash, struct walk *ret)
{
	int fd = memfd_create("segment", MFD_CLOEXEC);

	if (fd < 0 || file_pwrite(fd, bytes, len, 0, NULL) != ERR_OK)
		abort();
	walk_fd(fd, open_name, hash, ret);
	close(fd);
}
