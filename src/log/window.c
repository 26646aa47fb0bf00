/* SPDX-License-Identifier: ISC
 *
 * The sliding window. It begins again at the place that is asked for when this lies outside; what is settled
 * is hashed before it leaves.
 */
#include "log/window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "log/segment.h"

#define READ_AHEAD ((size_t)256 << 10)
#define WINDOW_SIZE (RECORD_HEADER_SIZE + RECORD_BODY_MAX + READ_AHEAD)
#define PIECE ((size_t)16 << 10)

enum err
window_init(struct window *w, int fd, uint64_t size, bool hash)
{
	*w = (struct window){.fd = fd, .size = size, .ahead = READ_AHEAD};
	w->bytes = malloc(WINDOW_SIZE);
	if (hash) {
		w->chunk = sha256_new();
		w->total = sha256_new();
	}
	if (w->bytes != NULL && (!hash || (w->chunk != NULL && w->total != NULL)))
		return ERR_OK;
	window_clear(w);
	return ERR_MEMORY;
}

void
window_clear(struct window *w)
{
	free(w->bytes);
	sha256_free(w->chunk);
	sha256_free(w->total);
	w->bytes = NULL;
	w->chunk = w->total = NULL;
}

/* Reads what the file holds at a place; *ret_len may be less than len. */
static bool
read_at(struct window *w, uint8_t *dst, size_t len, uint64_t offset, size_t *ret_len)
{
	if (file_pread(w->fd, dst, len, offset, ret_len) == ERR_OK)
		return true;
	w->saved_errno = errno;
	w->failed = true;
	return false;
}

static void
end_chunk(struct window *w)
{
	struct sha256 d = sha256_end(w->chunk);

	sha256_add(w->total, d.b, sizeof(d.b));
	sha256_start(w->chunk);
}

/* What has left the window, because it lies in a damaged part, is read again. */
static bool
hash_up_to(struct window *w, uint64_t end)
{
	uint8_t again[PIECE];

	while (w->hashed < end) {
		uint64_t left = SEGMENT_CHUNK - w->hashed % SEGMENT_CHUNK;
		size_t n = (size_t)(left < end - w->hashed ? left : end - w->hashed);
		const uint8_t *bytes = again;

		if (w->hashed >= w->base && w->hashed < w->base + w->len) {
			bytes = w->bytes + (w->hashed - w->base);
			if (n > w->base + w->len - w->hashed)
				n = (size_t)(w->base + w->len - w->hashed);
		} else {
			size_t got;

			if (n > sizeof(again))
				n = sizeof(again);
			if (!read_at(w, again, n, w->hashed, &got))
				return false;
			memset(again + got, 0, n - got); /* cut meanwhile: the digest will not match */
		}
		sha256_add(w->chunk, bytes, n);
		w->hashed += n;
		if (w->hashed % SEGMENT_CHUNK == 0)
			end_chunk(w);
	}
	return true;
}

bool
window_digest(struct window *w, uint64_t end, struct sha256 *ret)
{
	if (!hash_up_to(w, end))
		return false;
	if (w->hashed % SEGMENT_CHUNK != 0)
		end_chunk(w);
	*ret = sha256_end(w->total);
	w->settled = 0; /* and never hashes again */
	return true;
}

bool
window_move(struct window *w, uint64_t offset, size_t len)
{
	size_t keep = 0, want = len > w->ahead ? len : w->ahead, got;

	if (w->failed || len > WINDOW_SIZE || w->size < len || offset > w->size - len)
		return false;
	if (w->chunk != NULL && !hash_up_to(w, w->settled))
		return false;
	if (offset >= w->base && offset < w->base + w->len) {
		keep = (size_t)(w->base + w->len - offset);
		memmove(w->bytes, w->bytes + (offset - w->base), keep);
	}
	w->base = offset;
	w->len = keep;
	if (want > w->size - offset)
		want = (size_t)(w->size - offset);
	if (want > keep) {
		if (!read_at(w, w->bytes + keep, want - keep, offset + keep, &got))
			return false;
		w->len += got;
		if (got < want - keep)
			w->size = w->base + w->len;
	}
	return w->len >= len;
}

void
window_grow(struct window *w, uint64_t valid, uint64_t size)
{
	w->size = size;
	if (valid <= w->base)
		w->len = 0;
	else if (valid < w->base + w->len)
		w->len = (size_t)(valid - w->base);
}

bool
window_rest_is_zero(struct window *w, uint64_t from)
{
	uint64_t at = from;

	while (at < w->size) {
		size_t n = w->size - at < PIECE ? (size_t)(w->size - at) : PIECE;
		const uint8_t *bytes = window_view(w, at, n);

		if (bytes == NULL)
			return false;
		for (size_t i = 0; i < n; i++) {
			if (bytes[i] != 0)
				return false;
		}
		at += n;
	}
	return true;
}
