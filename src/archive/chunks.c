/* SPDX-License-Identifier: ISC
 *
 * See chunks.h.
 */
#include "archive/chunks.h"

#include <stdlib.h>

#include "archive/entry.h"
#include "base/compress.h"
#include "log/check.h"

struct chunks *
chunks_new(void)
{
	return calloc(1, sizeof(struct chunks));
}

void
chunks_free(struct chunks *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < CHUNKS_KEPT; i++)
		buf_clear(&c->slots[i].bytes);
	buf_clear(&c->body);
	decompressor_free(c->decompressor);
	free(c);
}

static enum err
fill(struct chunks *c, struct chunk_slot *s, struct input_file *f, uint32_t seed, uint64_t offset)
{
	struct record r;
	struct chunk chunk;
	uint8_t *room;
	int fd = input_fd(f);
	enum err e = fd < 0 ? ERR_SYSTEM : check_read_record(fd, seed, offset, &c->body, &r);

	s->f = NULL;
	if (e == ERR_OK && r.type != RECORD_PAYLOADS)
		e = ERR_MALFORMED;
	if (e == ERR_OK)
		e = chunk_read(r.body, r.len, &chunk);
	if (e != ERR_OK)
		return e;
	buf_reset(&s->bytes);
	room = buf_room(&s->bytes, chunk.size);
	if (room == NULL)
		return ERR_MEMORY;
	c->reads++;
	if ((e = decompress(&c->decompressor, chunk.codec, chunk.bytes, chunk.len, room, chunk.size)) !=
	    ERR_OK)
		return e;
	s->f = f;
	s->offset = offset;
	return ERR_OK;
}

enum err
chunks_get(struct chunks *c, struct input_file *f, uint32_t seed, uint64_t offset, size_t at, size_t len,
    const uint8_t **ret)
{
	struct chunk_slot *oldest = &c->slots[0];
	enum err e;

	for (size_t i = 0; i < CHUNKS_KEPT; i++) {
		struct chunk_slot *s = &c->slots[i];

		if (s->f == f && s->offset == offset) {
			oldest = s;
			break;
		}
		if (s->used < oldest->used)
			oldest = s;
	}
	if ((oldest->f != f || oldest->offset != offset) &&
	    (e = fill(c, oldest, f, seed, offset)) != ERR_OK) {
		c->failed |= e != ERR_MEMORY;
		return e;
	}
	oldest->used = ++c->tick;
	if (at > oldest->bytes.len || len > oldest->bytes.len - at) {
		c->failed = true;
		return ERR_CUT;
	}
	*ret = oldest->bytes.data + at;
	return ERR_OK;
}
