/* SPDX-License-Identifier: ISC
 *
 * The walk over a segment. A window of the file slides over it: bytes are read ahead a piece at a time, small
 * enough that they are still in the cache when their CRC is computed, and the window begins again at the
 * record where it ran out. Nothing is mapped into memory: a writer's back-out may cut the file at any time.
 *
 * Places are told by their offset in the file. c->at is the next place to look at; everything before
 * c->result.tail has been walked over, and that is what the seal's digest covers.
 */
#include "log/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crc32c.h"
#include "base/file.h"
#include "base/rd.h"

#define READ_AHEAD ((size_t)256 << 10)
#define WINDOW_SIZE (RECORD_HEADER_SIZE + RECORD_BODY_MAX + READ_AHEAD)
#define HASH_PIECE ((size_t)16 << 10)

enum check_state { STATE_HEADER, STATE_RECORDS, STATE_END, STATE_DONE, STATE_FAILED };

struct check {
	int fd; /* the caller's */
	bool open_name;
	bool hash;
	bool has_head;
	bool seal_seen;      /* a seal record, good or wrong, or a finding that reaches the end */
	bool finding_pending; /* a finding since the last good record */
	bool header_damaged;
	enum check_state state;
	int saved_errno;
	uint64_t at;
	uint64_t offset;     /* of the last step */
	uint32_t seed;
	struct segment_header head;
	struct check_result result;
	uint8_t *window;     /* owned, WINDOW_SIZE */
	uint64_t base;       /* offset in the file of its first byte */
	size_t len;          /* bytes in it */
	uint64_t hashed;     /* offset in the file */
	struct sha256_ctx *chunk; /* owned; of the chunk that hashed lies in */
	struct sha256_ctx *total; /* owned; over the digests of the chunks before it */
};

/* --- the window --- */

/* SHA-256 over the bytes up to a place. What has left the window, because it lay in a damaged part, is read again. */
static enum err
hash_up_to(struct check *c, uint64_t end)
{
	uint8_t again[HASH_PIECE];

	while (c->hash && c->hashed < end) {
		uint64_t in_chunk = c->hashed % SEGMENT_CHUNK;
		size_t n = (size_t)(SEGMENT_CHUNK - in_chunk < end - c->hashed ? SEGMENT_CHUNK - in_chunk : end - c->hashed);
		const uint8_t *bytes;

		if (c->hashed >= c->base && c->hashed < c->base + c->len) {
			bytes = c->window + (c->hashed - c->base);
			if (n > c->base + c->len - c->hashed)
				n = (size_t)(c->base + c->len - c->hashed);
		} else {
			size_t got;

			if (n > sizeof(again))
				n = sizeof(again);
			if (file_pread(c->fd, again, n, c->hashed, &got) != ERR_OK)
				return ERR_SYSTEM;
			if (got < n)
				memset(again + got, 0, n - got); /* cut meanwhile; the digest will not match */
			bytes = again;
		}
		sha256_add(c->chunk, bytes, n);
		c->hashed += n;
		if (c->hashed % SEGMENT_CHUNK == 0) {
			struct sha256 d = sha256_end(c->chunk);

			sha256_add(c->total, d.b, sizeof(d.b));
			sha256_start(c->chunk);
		}
	}
	return ERR_OK;
}

static enum err
hash_finish(struct check *c, uint64_t end)
{
	enum err e = hash_up_to(c, end);

	if (!c->hash || c->result.hashed || e != ERR_OK)
		return e;
	if (c->hashed % SEGMENT_CHUNK != 0) {
		struct sha256 d = sha256_end(c->chunk);

		sha256_add(c->total, d.b, sizeof(d.b));
	}
	c->result.digest = sha256_end(c->total);
	c->result.hashed = true;
	return ERR_OK;
}

/* Makes the window begin at offset and hold at least len bytes. A file that has become shorter since check_open
 * ends where it ends now. */
static enum err
window_move(struct check *c, uint64_t offset, size_t len)
{
	size_t keep = 0, want = len > READ_AHEAD ? len : READ_AHEAD, got;
	enum err e = c->result.hashed ? ERR_OK : hash_up_to(c, c->result.tail);

	if (e != ERR_OK)
		return e;
	if (offset >= c->base && offset < c->base + c->len) {
		keep = (size_t)(c->base + c->len - offset);
		memmove(c->window, c->window + (offset - c->base), keep);
	}
	c->base = offset;
	c->len = keep;
	if (want > c->result.size - offset)
		want = (size_t)(c->result.size - offset);
	if (want <= keep)
		return ERR_OK;
	e = file_pread(c->fd, c->window + keep, want - keep, offset + keep, &got);
	if (e != ERR_OK)
		return e;
	c->len += got;
	if (got < want - keep)
		c->result.size = c->base + c->len;
	return ERR_OK;
}

/* The bytes at a place, or NULL: the file ends before, or reading failed (c->state tells). */
static inline const uint8_t *
view(struct check *c, uint64_t offset, size_t len)
{
	if (__builtin_expect(offset < c->base || offset + len > c->base + c->len, 0)) {
		if (c->result.size < len || offset > c->result.size - len)
			return NULL;
		if (window_move(c, offset, len) != ERR_OK) {
			c->saved_errno = errno;
			c->state = STATE_FAILED;
			return NULL;
		}
		if (c->len < len)
			return NULL;
	}
	return c->window + (offset - c->base);
}

static bool
rest_is_zero(struct check *c, uint64_t from)
{
	for (uint64_t at = from; at < c->result.size;) {
		size_t n = c->result.size - at < HASH_PIECE ? (size_t)(c->result.size - at) : HASH_PIECE;
		const uint8_t *bytes = view(c, at, n);

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

/* --- findings --- */

static void say(char out[FINDING_TEXT_SIZE], const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
say(char out[FINDING_TEXT_SIZE], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(out, FINDING_TEXT_SIZE, fmt, ap);
	va_end(ap);
}

/* Begins a finding over [from, to). Nothing is lost to it unless the caller says so. */
static void
finding_begin(struct check *c, struct finding *f, const char *what, uint64_t from, uint64_t to)
{
	c->offset = from;
	c->result.findings++;
	c->finding_pending = true;
	*f = (struct finding){
		.offset = from,
		.length = to - from,
		.what = what,
		.lost_first = c->result.next_sequence,
		.lost_last = c->result.next_sequence - 1,
	};
}

/* What is wrong with the record header at a place. */
static void
say_header(struct check *c, struct finding *f, uint64_t at)
{
	const uint8_t *bytes = view(c, at, RECORD_HEADER_SIZE);
	struct record found;
	struct rd r;
	uint32_t crc;

	if (bytes == NULL) {
		say(f->expected, "a record header of %d bytes", RECORD_HEADER_SIZE);
		say(f->found, "end of file at %" PRIu64, c->result.size);
		return;
	}
	r = rd_init(bytes, RECORD_HEADER_SIZE);
	if (rd_u16(&r) != RECORD_MARK) {
		say(f->expected, "record mark 0x%04x", RECORD_MARK);
		say(f->found, "0x%02x%02x", bytes[0], bytes[1]);
		return;
	}
	crc = crc32c(c->seed, bytes, RECORD_HEADER_SIZE - 4);
	switch (record_header_read(bytes, c->seed, &found)) {
	case ERR_OK:
		if (found.sequence != c->result.next_sequence) {
			say(f->expected, "sequence %" PRIu64, c->result.next_sequence);
			say(f->found, "sequence %" PRIu64, found.sequence);
		} else {
			say(f->expected, "a body of %" PRIu32 " bytes", found.len);
			say(f->found, "end of file at %" PRIu64, c->result.size);
		}
		return;
	case ERR_CHECKSUM:
		rd_skip(&r, RECORD_HEADER_SIZE - 2 - 4);
		say(f->expected, "header crc 0x%08" PRIx32, rd_u32(&r));
		say(f->found, "header crc 0x%08" PRIx32, crc);
		return;
	default:
		say(f->expected, "a type, a length up to %u, zero reserved bytes", RECORD_BODY_MAX);
		say(f->found, "type %u, length %" PRIu32, (unsigned)found.type, found.len);
	}
}

/* --- the header --- */

static void
say_copy(struct finding *f, enum err e, const uint8_t *bytes)
{
	struct rd r = rd_init(bytes, SEGMENT_HEADER_SIZE);

	say(f->expected, "a segment header of version %d", SEGMENT_VERSION);
	if (e == ERR_UNKNOWN) {
		unsigned version;

		rd_skip(&r, 8);
		version = rd_u16(&r);
		rd_skip(&r, 6);
		say(f->found, "version %u, incompatible features 0x%08" PRIx32, version, rd_u32(&r));
	} else if (e == ERR_CHECKSUM) {
		rd_skip(&r, SEGMENT_HEADER_SIZE - 4);
		say(f->expected, "header crc 0x%08" PRIx32, rd_u32(&r));
		say(f->found, "header crc 0x%08" PRIx32, crc32c(0, bytes, SEGMENT_HEADER_SIZE - 4));
	} else {
		say(f->found, "%s", err_text(e));
	}
}

static void
header_accept(struct check *c, const struct segment_header *head)
{
	c->head = *head;
	c->has_head = true;
	c->seed = record_seed(head->incarnation);
	c->result.next_sequence = head->first_sequence;
	c->at = c->result.size < SEGMENT_RECORDS_AT ? c->result.size : SEGMENT_RECORDS_AT;
	c->result.tail = c->at;
	c->state = STATE_RECORDS;
}

/* Both copies are there. *ret_finding is written when false. */
static bool
headers_agree(struct check *c, const uint8_t *bytes, struct finding *ret_finding)
{
	const uint8_t *copy = bytes + SEGMENT_HEADER_SIZE;
	struct segment_header first, second;
	enum err e1 = segment_header_read(bytes, SEGMENT_HEADER_SIZE, &first);
	enum err e2 = segment_header_read(copy, SEGMENT_HEADER_SIZE, &second);
	size_t differ = 0;

	while (differ < SEGMENT_HEADER_SIZE && bytes[differ] == copy[differ])
		differ++;
	if (e1 != ERR_OK && e2 != ERR_OK) {
		c->state = STATE_END;
		c->seal_seen = true; /* unknown, rather; the end has nothing to add */
		if (c->open_name && rest_is_zero(c, 0)) {
			c->result.torn = true;
			return true;
		}
		if (c->state == STATE_FAILED)
			return true;
		bytes = view(c, 0, SEGMENT_HEADER_SIZE);
		finding_begin(c, ret_finding, "both copies of the segment header", 0, c->result.size);
		if (bytes != NULL)
			say_copy(ret_finding, e1, bytes);
		return false;
	}
	header_accept(c, e1 == ERR_OK ? &first : &second);
	if (e1 != ERR_OK) {
		finding_begin(c, ret_finding, "first copy of the segment header", differ, differ);
		say_copy(ret_finding, e1, bytes);
	} else if (e2 != ERR_OK) {
		finding_begin(c, ret_finding, "second copy of the segment header", SEGMENT_HEADER_SIZE + differ,
		    SEGMENT_HEADER_SIZE + differ);
		say_copy(ret_finding, e2, copy);
	} else if (differ < SEGMENT_HEADER_SIZE) {
		finding_begin(c, ret_finding, "second copy of the segment header", SEGMENT_HEADER_SIZE + differ,
		    SEGMENT_HEADER_SIZE + differ);
		say(ret_finding->expected, "0x%02x as in the first copy", bytes[differ]);
		say(ret_finding->found, "0x%02x", copy[differ]);
	} else {
		return true;
	}
	c->header_damaged = true;
	return false;
}

/* True: go on with the next state. */
static bool
step_header(struct check *c, struct finding *ret_finding)
{
	struct segment_header head;
	const uint8_t *bytes = view(c, 0, SEGMENT_RECORDS_AT);

	if (bytes != NULL)
		return headers_agree(c, bytes, ret_finding);
	if (c->state == STATE_FAILED)
		return true;
	bytes = view(c, 0, SEGMENT_HEADER_SIZE);
	if (bytes != NULL && segment_header_read(bytes, SEGMENT_HEADER_SIZE, &head) == ERR_OK)
		header_accept(c, &head);
	if (c->state == STATE_FAILED)
		return true;
	c->state = STATE_END;
	c->seal_seen = true;
	if (c->open_name) {
		c->result.torn = true;
		return true;
	}
	finding_begin(c, ret_finding, "segment header", c->result.size, c->result.size);
	c->header_damaged = true;
	say(ret_finding->expected, "%d bytes of header", SEGMENT_RECORDS_AT);
	say(ret_finding->found, "end of file at %" PRIu64, c->result.size);
	return false;
}

/* --- records --- */

/* A sound header at a place, of a record that fits into the file. */
static inline bool
header_at(struct check *c, uint64_t at, struct record *ret)
{
	const uint8_t *bytes = view(c, at, RECORD_HEADER_SIZE);

	return bytes != NULL && record_header_read(bytes, c->seed, ret) == ERR_OK;
}

static inline bool
fits(const struct check *c, uint64_t at, const struct record *r)
{
	return record_size(r->len) <= c->result.size - at;
}

/* The body's CRC is computed over its padding as it stands, so that this is covered too. */
static inline bool
body_at(struct check *c, uint64_t at, struct record *r, uint32_t *ret_crc)
{
	size_t size = record_size(r->len);
	const uint8_t *bytes = view(c, at, size);
	uint32_t crc;

	if (bytes == NULL)
		return false;
	crc = crc32c(c->seed, bytes + RECORD_HEADER_SIZE, size - RECORD_HEADER_SIZE);
	*ret_crc = crc;
	if (crc != r->body_crc)
		return false;
	r->body = bytes + RECORD_HEADER_SIZE;
	return true;
}

/* Looks behind a damaged place for a record to believe. */
static bool
search(struct check *c, uint64_t from, uint64_t *ret_at, uint64_t *ret_sequence)
{
	struct record r;
	uint32_t crc;

	for (uint64_t at = from + 8; c->result.size - from >= 8 && at + RECORD_HEADER_SIZE <= c->result.size; at += 8) {
		const uint8_t *bytes = view(c, at, RECORD_HEADER_SIZE);

		if (bytes == NULL)
			return false;
		if (bytes[0] != RECORD_MARK >> 8 || bytes[1] != (RECORD_MARK & 0xff))
			continue;
		if (record_header_read(bytes, c->seed, &r) != ERR_OK || !fits(c, at, &r) ||
		    r.sequence < c->result.next_sequence ||
		    r.sequence - c->result.next_sequence > (at - from) / RECORD_HEADER_SIZE)
			continue;
		if (body_at(c, at, &r, &crc)) {
			*ret_at = at;
			*ret_sequence = r.sequence;
			return true;
		}
		if (c->state == STATE_FAILED)
			return false;
	}
	return false;
}

/* An open segment may end within a record, or in zeros that a power cut left where data were to come. */
static bool
is_torn(struct check *c, uint64_t at)
{
	struct record r;

	if (!c->open_name)
		return false;
	if (c->result.size - at < RECORD_HEADER_SIZE)
		return true;
	if (header_at(c, at, &r) && r.sequence == c->result.next_sequence && !fits(c, at, &r))
		return true;
	return rest_is_zero(c, at);
}

/* There is no good record at c->at. True: nothing to report, go on with the next state. */
static bool
step_damage(struct check *c, struct finding *ret_finding)
{
	uint64_t from = c->at, next, sequence;
	struct record r;
	bool cut = header_at(c, from, &r) && r.sequence == c->result.next_sequence && !fits(c, from, &r);

	/* The body of a sound header that reaches behind the end is all there is: nothing in it is a record. */
	if (!cut && search(c, from, &next, &sequence)) {
		finding_begin(c, ret_finding, "record header", from, next);
		say_header(c, ret_finding, from);
		ret_finding->lost_last = sequence - 1;
		c->result.next_sequence = sequence;
		c->at = next;
		return c->state == STATE_FAILED;
	}
	if (c->state == STATE_FAILED)
		return true;
	c->state = STATE_END;
	if (is_torn(c, from)) {
		c->result.torn = true;
		return true;
	}
	if (c->state == STATE_FAILED)
		return true;
	c->seal_seen = true;
	finding_begin(c, ret_finding, cut ? "record body" : "record header", from, c->result.size);
	say_header(c, ret_finding, from);
	if (cut) {
		ret_finding->has_header = true;
		ret_finding->record = r;
		ret_finding->lost_last = ret_finding->lost_first;
	}
	return c->state == STATE_FAILED;
}

/* The record is over; the next one is expected behind it. */
static void
pass(struct check *c, const struct record *r)
{
	c->offset = c->at;
	c->at += record_size(r->len);
	c->result.next_sequence = r->sequence + 1;
}

static void
pass_good(struct check *c, const struct record *r)
{
	pass(c, r);
	c->result.tail = c->at;
	c->result.records++;
	if (c->finding_pending) {
		c->finding_pending = false;
		c->result.tail_only = false;
	}
}

static void
body_damaged(struct check *c, const struct record *r, uint32_t crc, struct finding *ret_finding)
{
	uint64_t sequence = r->sequence;

	finding_begin(c, ret_finding, "record body", c->at, c->at + record_size(r->len));
	say(ret_finding->expected, "crc 0x%08" PRIx32, r->body_crc);
	say(ret_finding->found, "crc 0x%08" PRIx32, crc);
	ret_finding->has_header = true;
	ret_finding->record = *r;
	pass(c, r);
	if (r->type == RECORD_SEAL)
		c->seal_seen = true;
	else
		ret_finding->lost_last = sequence;
}

/* --- the seal --- */

static bool
differs_u64(struct finding *f, const char *name, uint64_t expected, uint64_t found)
{
	if (expected == found)
		return false;
	say(f->expected, "%s %" PRIu64, name, expected);
	say(f->found, "%s %" PRIu64, name, found);
	return true;
}

static bool
differs_digest(struct finding *f, const char *name, const struct sha256 *expected, const struct sha256 *found)
{
	char text[SHA256_TEXT_SIZE];

	if (memcmp(expected->b, found->b, sizeof(expected->b)) == 0)
		return false;
	say(f->expected, "%s %s", name, sha256_text(expected, text));
	say(f->found, "%s %s", name, sha256_text(found, text));
	return true;
}

/* Whether the seal says what the walk has seen. */
static bool
seal_contradicts(const struct check *c, const struct seal *s, uint64_t sequence, struct finding *f)
{
	static const struct sha256 none;
	uint64_t first = c->head.first_sequence;

	if (differs_u64(f, "first sequence", first, s->first) || differs_u64(f, "last sequence", sequence - 1, s->last) ||
	    differs_u64(f, "record count", sequence - first, s->count) || differs_u64(f, "length", c->at, s->length))
		return true;
	if (s->previous_number == UINT64_MAX)
		return differs_digest(f, "previous digest", &none, &s->previous);
	if (s->previous_number < c->head.number)
		return false;
	say(f->expected, "previous segment before %" PRIu64, c->head.number);
	say(f->found, "previous segment %" PRIu64, s->previous_number);
	return true;
}

/* A sound record of type seal stands at c->at. The digest is compared only where nothing is known to be
 * damaged: else it cannot match, which says nothing new. */
static enum check_step
step_seal(struct check *c, struct record *r, struct finding *ret_finding)
{
	struct finding wrong = {0};
	struct seal seal;
	uint64_t end = c->at + record_size(r->len);
	enum err e = seal_read(r->body, r->len, &seal);
	bool contradicts;

	c->seal_seen = true;
	if (e != ERR_OK) {
		say(wrong.expected, "a seal of %d bytes", SEAL_BODY_SIZE);
		say(wrong.found, "%s, %" PRIu32 " bytes", err_text(e), r->len);
		contradicts = true;
	} else {
		contradicts = seal_contradicts(c, &seal, r->sequence, &wrong);
	}
	if (!contradicts) {
		if (hash_finish(c, c->at) != ERR_OK) {
			c->saved_errno = errno;
			c->state = STATE_FAILED;
			return CHECK_ERROR;
		}
		c->result.sealed = true;
		c->result.seal = seal;
		c->state = STATE_END;
		contradicts = c->hash && c->result.findings == 0 &&
		    differs_digest(&wrong, "sha256", &seal.digest, &c->result.digest);
	}
	if (!contradicts) {
		pass_good(c, r);
		return CHECK_RECORD;
	}
	finding_begin(c, ret_finding, "seal", c->at, end);
	memcpy(ret_finding->expected, wrong.expected, sizeof(wrong.expected));
	memcpy(ret_finding->found, wrong.found, sizeof(wrong.found));
	pass(c, r);
	return CHECK_FINDING;
}

/* --- steps --- */

static enum check_step
step_record(struct check *c, struct record *ret_record, struct finding *ret_finding)
{
	struct record r;
	uint32_t crc = 0;

	if (c->at == c->result.size) {
		c->state = STATE_END;
		return CHECK_END;
	}
	if (!header_at(c, c->at, &r) || r.sequence != c->result.next_sequence || !fits(c, c->at, &r)) {
		if (c->state == STATE_FAILED)
			return CHECK_ERROR;
		return step_damage(c, ret_finding) ? CHECK_END : CHECK_FINDING;
	}
	if (!body_at(c, c->at, &r, &crc)) {
		if (c->state == STATE_FAILED)
			return CHECK_ERROR;
		if (view(c, c->at, record_size(r.len)) == NULL) /* cut meanwhile */
			return step_damage(c, ret_finding) ? CHECK_END : CHECK_FINDING;
		body_damaged(c, &r, crc, ret_finding);
		return CHECK_FINDING;
	}
	if (r.type == RECORD_SEAL) {
		enum check_step step = step_seal(c, &r, ret_finding);

		if (step == CHECK_RECORD)
			*ret_record = r;
		return step;
	}
	pass_good(c, &r);
	*ret_record = r;
	return CHECK_RECORD;
}

/* What is to be said at the end. True: nothing. */
static bool
step_end(struct check *c, struct finding *ret_finding)
{
	uint64_t at = c->at, size = c->result.size;

	c->state = STATE_DONE;
	c->offset = at;
	if (hash_finish(c, c->result.tail) != ERR_OK) {
		c->saved_errno = errno;
		c->state = STATE_FAILED;
		return true;
	}
	if (c->result.sealed && at < size) {
		finding_begin(c, ret_finding, "bytes behind the seal", at, size);
		say(ret_finding->expected, "end of file at %" PRIu64, at);
		say(ret_finding->found, "end of file at %" PRIu64, size);
		return false;
	}
	if (!c->open_name && !c->seal_seen) {
		finding_begin(c, ret_finding, "no seal", at, at);
		say(ret_finding->expected, "a seal, as the file's name says");
		say(ret_finding->found, "end of file at %" PRIu64, size);
		return false;
	}
	return true;
}

enum check_step
check_next(struct check *c, struct record *ret_record, struct finding *ret_finding)
{
	if (c->state == STATE_HEADER && !step_header(c, ret_finding))
		return CHECK_FINDING;
	if (c->state == STATE_RECORDS) {
		enum check_step step = step_record(c, ret_record, ret_finding);

		if (step == CHECK_RECORD || step == CHECK_FINDING)
			return step;
	}
	if (c->state == STATE_END && !step_end(c, ret_finding))
		return CHECK_FINDING;
	if (c->state == STATE_FAILED) {
		errno = c->saved_errno;
		return CHECK_ERROR;
	}
	return CHECK_END;
}

enum err
check_open(int fd, bool open_name, bool hash, struct check **ret)
{
	struct check *c;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return ERR_SYSTEM;
	if (!S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		return ERR_SYSTEM;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return ERR_MEMORY;
	c->fd = fd;
	c->open_name = open_name;
	c->hash = hash;
	c->result.size = (uint64_t)st.st_size;
	c->result.tail_only = true;
	c->window = malloc(WINDOW_SIZE);
	if (hash) {
		c->chunk = sha256_new();
		c->total = sha256_new();
	}
	if (c->window == NULL || (hash && (c->chunk == NULL || c->total == NULL))) {
		check_close(c);
		return ERR_MEMORY;
	}
	*ret = c;
	return ERR_OK;
}

void
check_close(struct check *c)
{
	if (c == NULL)
		return;
	free(c->window);
	sha256_free(c->chunk);
	sha256_free(c->total);
	free(c);
}

const struct segment_header *
check_header(const struct check *c)
{
	return c->has_head ? &c->head : NULL;
}

uint64_t
check_offset(const struct check *c)
{
	return c->offset;
}

void
check_result(const struct check *c, struct check_result *ret)
{
	*ret = c->result;
	if (c->header_damaged)
		ret->tail_only = false;
}
