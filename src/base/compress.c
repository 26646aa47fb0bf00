/* SPDX-License-Identifier: ISC
 *
 * See compress.h. Through zstd, where configure found it.
 */
#include "config.h"

#include "base/compress.h"

#include <stdlib.h>
#include <string.h>
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#ifdef HAVE_ZSTD

struct compressor {
	ZSTD_CCtx *ctx;
};

const char *
compress_version(void)
{
	return ZSTD_versionString();
}

int
compress_level_most(void)
{
	return ZSTD_maxCLevel();
}

struct compressor *
compressor_new(int level)
{
	struct compressor *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->ctx = ZSTD_createCCtx();
	if (c->ctx == NULL || ZSTD_isError(ZSTD_CCtx_setParameter(c->ctx, ZSTD_c_compressionLevel, level))) {
		compressor_free(c);
		return NULL;
	}
	return c;
}

void
compressor_free(struct compressor *c)
{
	if (c == NULL)
		return;
	ZSTD_freeCCtx(c->ctx);
	free(c);
}

enum err
compressor_add(struct compressor *c, const void *bytes, size_t len, struct buf *out)
{
	size_t at = out->len, most = ZSTD_compressBound(len), n;
	uint8_t *room = buf_room(out, most);

	if (room == NULL)
		return ERR_MEMORY;
	n = ZSTD_compress2(c->ctx, room, most, bytes, len);
	out->len = at;
	if (ZSTD_isError(n))
		return ERR_MEMORY; /* the room is enough, and the level was taken */
	if (n >= len)
		return ERR_LIMIT;
	out->len += n;
	return ERR_OK;
}

struct decompressor {
	ZSTD_DCtx *ctx; /* owned */
};

void
decompressor_free(struct decompressor *d)
{
	if (d == NULL)
		return;
	ZSTD_freeDCtx(d->ctx);
	free(d);
}

static struct decompressor *
decompressor_new(void)
{
	struct decompressor *d = malloc(sizeof(*d));

	if (d != NULL && (d->ctx = ZSTD_createDCtx()) == NULL) {
		free(d);
		return NULL;
	}
	return d;
}

static enum err
from_zstd(struct decompressor **d, const void *bytes, size_t len, void *out, size_t out_len)
{
	size_t n;

	if (*d == NULL && (*d = decompressor_new()) == NULL)
		return ERR_MEMORY;
	n = ZSTD_decompressDCtx((*d)->ctx, out, out_len, bytes, len);
	return ZSTD_isError(n) || n != out_len ? ERR_MALFORMED : ERR_OK;
}

#else

const char *
compress_version(void)
{
	return NULL;
}

int
compress_level_most(void)
{
	return 0;
}

struct compressor *
compressor_new(int level)
{
	(void)level;
	return NULL;
}

void
compressor_free(struct compressor *c)
{
	(void)c;
}

enum err
compressor_add(struct compressor *c, const void *bytes, size_t len, struct buf *out)
{
	(void)c;
	(void)bytes;
	(void)len;
	(void)out;
	return ERR_LIMIT;
}

void
decompressor_free(struct decompressor *d)
{
	(void)d;
}

static enum err
from_zstd(struct decompressor **d, const void *bytes, size_t len, void *out, size_t out_len)
{
	(void)d;
	(void)bytes;
	(void)len;
	(void)out;
	(void)out_len;
	return ERR_UNKNOWN;
}

#endif

enum err
decompress(struct decompressor **d, unsigned codec, const void *bytes, size_t len, void *out, size_t out_len)
{
	switch (codec) {
	case COMPRESS_NONE:
		if (len != out_len)
			return ERR_MALFORMED;
		if (len > 0)
			memcpy(out, bytes, len);
		return ERR_OK;
	case COMPRESS_ZSTD:
		return from_zstd(d, bytes, len, out, out_len);
	default:
		return ERR_UNKNOWN;
	}
}
