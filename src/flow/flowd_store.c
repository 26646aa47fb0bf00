/* SPDX-License-Identifier: ISC
 *
 * See flowd_store.h. Layouts: flowd's store.h and store-v2.h; all integers are big-endian, and fields stand in the order of
 * their bits.
 */
#include "flow/flowd_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/rd.h"

#define V3_MARK 0x60 /* major version 3, minor 0 */
#define V2_MAGIC 0x012cf047u
#define FIELDS_KNOWN (((1u << 19) - 1) | FLOWD_CRC32)
#define BITMAP_SIZE 4

/* Enough to look at a candidate and at what follows it. */
#define AHEAD ((size_t)4 * FLOWD_RECORD_MOST)
#define WINDOW ((size_t)256 << 10)
#define SEEN_MOST 32

static size_t
head_size(int version)
{
	return version == FLOWD_V3 ? 8 : BITMAP_SIZE;
}

/* Bytes of the fields of a bitmap. */
static size_t
fields_size(int version, uint32_t fields)
{
	static const uint8_t v3[] = {4, 8, 4, 4, 16, 4, 16, 4, 16, 4, 16, 4, 8, 8, 8, 16, 8, 12, 12};
	static const uint8_t v2[] = {4, 4, 4, 4, 16, 4, 16, 4, 16, 4, 16, 4, 8, 8, 4, 16, 8, 8, 8};
	size_t size = (fields & FLOWD_CRC32) != 0 ? 4 : 0;

	for (size_t i = 0; i < sizeof(v3); i++)
		size += (fields & (1u << i)) == 0 ? 0 : version == FLOWD_V3 ? v3[i] : v2[i];
	return size;
}

/* flowd's checksum begins with 0 and is not complemented at the end; zlib's is, at both. */
static uint32_t
checksum(const uint8_t *bytes, size_t len)
{
	return ~(uint32_t)crc32(UINT32_MAX, bytes, (uInt)len);
}

/* --- one record --- */

struct head {
	uint32_t fields;
	size_t size;   /* of the record, by its bitmap */
	size_t stated; /* and by its length */
};

/* The first bytes of a record. ERR_CUT, or ERR_MALFORMED: it is none. That the lengths agree is not asked. */
static enum err
read_head(int version, const uint8_t *bytes, size_t len, struct head *ret, struct flowd_damage *why)
{
	struct rd r = rd_init(bytes, len);
	unsigned mark = V3_MARK, words = 0, reserved = 0;
	uint32_t fields;

	if (version == FLOWD_V3) {
		mark = rd_u8(&r);
		words = rd_u8(&r);
		reserved = rd_u16(&r);
	}
	fields = rd_u32(&r);
	if (!rd_ok(&r)) {
		(void)snprintf(why->text, sizeof(why->text), "expected a record, found %zu bytes", len);
		return ERR_CUT;
	}
	if (mark != V3_MARK || reserved != 0)
		(void)snprintf(why->text, sizeof(why->text),
		    "expected a record that begins with 60 .. 0000, found %02x %02x %04x", mark, words,
		    reserved);
	else if ((fields & ~FIELDS_KNOWN) != 0 || (fields & ~FLOWD_CRC32) == 0)
		(void)snprintf(why->text, sizeof(why->text),
		    "expected a bitmap of known fields, found 0x%08" PRIx32, fields);
	else
		why->text[0] = '\0';
	if (why->text[0] != '\0')
		return ERR_MALFORMED;
	ret->fields = fields;
	ret->size = head_size(version) + fields_size(version, fields);
	ret->stated = version == FLOWD_V3 ? head_size(version) + (size_t)4 * words : ret->size;
	return ERR_OK;
}

static void
read_addresses(struct rd *r, struct flowd_record *ret)
{
	const uint8_t **const places[] = {&ret->agent4, &ret->agent6, &ret->src4, &ret->src6, &ret->dst4,
	    &ret->dst6, &ret->gateway4, &ret->gateway6};
	uint32_t bit = FLOWD_AGENT_ADDR4;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++, bit <<= 1) {
		if ((ret->fields & bit) != 0)
			*places[i] = rd_bytes(r, i % 2 == 0 ? 4 : 16);
	}
}

static void
read_agent_info(struct rd *r, struct flowd_record *ret)
{
	ret->uptime_ms = rd_u32(r);
	ret->export_sec = rd_u32(r);
	ret->export_nsec = rd_u32(r);
	ret->netflow = rd_u16(r);
	rd_skip(r, 2);
}

static void
read_as_info(int version, struct rd *r, struct flowd_record *ret)
{
	ret->src_as = version == FLOWD_V3 ? rd_u32(r) : rd_u16(r);
	ret->dst_as = version == FLOWD_V3 ? rd_u32(r) : rd_u16(r);
	ret->src_mask = rd_u8(r);
	ret->dst_mask = rd_u8(r);
	rd_skip(r, 2);
}

static void
read_engine_info(int version, struct rd *r, struct flowd_record *ret)
{
	ret->engine_type = version == FLOWD_V3 ? rd_u16(r) : rd_u8(r);
	ret->engine_id = version == FLOWD_V3 ? rd_u16(r) : rd_u8(r);
	if (version == FLOWD_V2)
		rd_skip(r, 2);
	ret->sequence = rd_u32(r);
	if (version == FLOWD_V3)
		ret->source_id = rd_u32(r);
}

static void
read_times(int version, struct rd *r, struct flowd_record *ret)
{
	ret->recv_sec = rd_u32(r);
	if (version == FLOWD_V3)
		ret->recv_usec = rd_u32(r);
}

/* The fields that the bitmap says are there, and r has room for; the checksum is left. */
static void
read_fields(int version, struct rd *r, struct flowd_record *ret)
{
	uint32_t f = ret->fields;

	if ((f & FLOWD_TAG) != 0)
		ret->tag = rd_u32(r);
	if ((f & FLOWD_RECV_TIME) != 0)
		read_times(version, r, ret);
	if ((f & FLOWD_PROTO_FLAGS_TOS) != 0) {
		ret->tcp_flags = rd_u8(r);
		ret->protocol = rd_u8(r);
		ret->tos = rd_u8(r);
		rd_skip(r, 1);
	}
	read_addresses(r, ret);
	if ((f & FLOWD_SRCDST_PORT) != 0) {
		ret->src_port = rd_u16(r);
		ret->dst_port = rd_u16(r);
	}
	if ((f & FLOWD_PACKETS) != 0)
		ret->packets = rd_u64(r);
	if ((f & FLOWD_OCTETS) != 0)
		ret->octets = rd_u64(r);
	if ((f & FLOWD_IF_INDICES) != 0) {
		ret->if_in = version == FLOWD_V3 ? rd_u32(r) : rd_u16(r);
		ret->if_out = version == FLOWD_V3 ? rd_u32(r) : rd_u16(r);
	}
	if ((f & FLOWD_AGENT_INFO) != 0)
		read_agent_info(r, ret);
	if ((f & FLOWD_FLOW_TIMES) != 0) {
		ret->start_ms = rd_u32(r);
		ret->finish_ms = rd_u32(r);
	}
	if ((f & FLOWD_AS_INFO) != 0)
		read_as_info(version, r, ret);
	if ((f & FLOWD_FLOW_ENGINE_INFO) != 0)
		read_engine_info(version, r, ret);
}

enum err
flowd_record_read(
    int version, const uint8_t *bytes, size_t len, struct flowd_record *ret, struct flowd_damage *ret_why)
{
	struct flowd_record made = {.size = 0};
	struct head head;
	struct rd r = rd_init(bytes, len);
	uint32_t expected, found;
	enum err e = read_head(version, bytes, len, &head, ret_why);

	if (e != ERR_OK)
		return e;
	if (len < head.size) {
		(void)snprintf(ret_why->text, sizeof(ret_why->text),
		    "expected a record of %zu bytes, found %zu", head.size, len);
		return ERR_CUT;
	}
	made.fields = head.fields;
	made.size = (uint32_t)head.size;
	rd_skip(&r, head_size(version));
	read_fields(version, &r, &made);
	if ((head.fields & FLOWD_CRC32) != 0) {
		expected = rd_u32(&r);
		found = checksum(bytes, head.size - 4);
		if (expected != found) {
			(void)snprintf(ret_why->text, sizeof(ret_why->text),
			    "CRC32: expected 0x%08" PRIx32 ", found 0x%08" PRIx32, expected, found);
			return ERR_CHECKSUM;
		}
	}
	*ret = made;
	if (head.stated == head.size)
		return ERR_OK;
	(void)snprintf(ret_why->text, sizeof(ret_why->text),
	    "length: expected %zu words as the bitmap 0x%08" PRIx32 " has it, found %zu",
	    (head.size - head_size(version)) / 4, head.fields, (head.stated - head_size(version)) / 4);
	return ERR_MALFORMED;
}

/* --- a store --- */

struct flowd_store {
	flowd_read *read;
	void *ctx;
	int version;
	uint32_t begun;
	uint64_t base;  /* offset of window[0] in the store */
	size_t at, len; /* next byte to read, bytes that are there */
	size_t given;   /* of the record that was given last */
	bool at_end;    /* nothing comes behind the window */
	bool
	    in_middle; /* what stands at `at` is taken without a second look: damage about it has been told */
	struct flowd_damage first; /* of the file's header; with text: still to be told */
	uint32_t seen[SEEN_MOST];  /* bitmaps of believed records */
	size_t seen_count;
	uint8_t window[WINDOW];
};

/* What is left to its beginning, and the rest filled up. */
static enum err
fill(struct flowd_store *s)
{
	size_t rest = s->len - s->at, n = 0;
	enum err e;

	memmove(s->window, s->window + s->at, rest);
	s->base += s->at;
	s->at = 0;
	s->len = rest;
	e = s->read(s->ctx, s->window + rest, sizeof(s->window) - rest, &n);
	s->len += n;
	s->at_end = n < sizeof(s->window) - rest;
	return e;
}

static enum err
look_ahead(struct flowd_store *s)
{
	return s->at_end || s->len - s->at >= AHEAD ? ERR_OK : fill(s);
}

static bool
was_seen(const struct flowd_store *s, uint32_t fields)
{
	for (size_t i = 0; i < s->seen_count; i++) {
		if (s->seen[i] == fields)
			return true;
	}
	return false;
}

static void
note_seen(struct flowd_store *s, uint32_t fields)
{
	if (s->seen_count < SEEN_MOST && !was_seen(s, fields))
		s->seen[s->seen_count++] = fields;
}

/* A second store's header: files of version 2 can be joined. */
static bool
is_file_header(const uint8_t *bytes, size_t len)
{
	struct rd r = rd_init(bytes, len);

	return rd_u32(&r) == V2_MAGIC && rd_u32(&r) == FLOWD_V2 && rd_left(&r) >= FLOWD_FILE_HEADER_SIZE - 8;
}

/* Whether two bitmaps can be of one store. Flows differ in the families of their addresses, and in the fields that v1 and v9 do not
 * have; a number that is taken for a bitmap differs in nearly all. */
static bool
are_kin(uint32_t a, uint32_t b)
{
	const uint32_t steady = FLOWD_RECV_TIME | FLOWD_PROTO_FLAGS_TOS | FLOWD_SRCDST_PORT | FLOWD_PACKETS |
	    FLOWD_OCTETS | FLOWD_IF_INDICES | FLOWD_AGENT_INFO | FLOWD_FLOW_TIMES | FLOWD_AS_INFO |
	    FLOWD_FLOW_ENGINE_INFO;

	return __builtin_popcount((a ^ b) & steady) <= 4;
}

/* How much a record that follows must be like the one before it. */
enum likeness { LIKE_ANY, LIKE_KIN, LIKE_SAME };

static bool
is_like(enum likeness how, uint32_t a, uint32_t b)
{
	return how == LIKE_ANY || (how == LIKE_KIN ? are_kin(a, b) : a == b);
}

struct following {
	int version;
	enum likeness how;
	bool end_will_do;
};

/* Whether what stands there looks like a record, and so do `more` behind it; or, if that will do, the end. */
static bool
looks_right(const struct following *f, uint32_t before, const uint8_t *bytes, size_t len, unsigned more)
{
	struct flowd_damage why;
	struct head head;

	if (len < head_size(f->version)) /* perhaps a torn one */
		return f->end_will_do;
	if (f->version == FLOWD_V2 && is_file_header(bytes, len))
		return true;
	if (read_head(f->version, bytes, len, &head, &why) != ERR_OK || head.stated != head.size ||
	    !is_like(f->how, before, head.fields))
		return false;
	if (head.size > len)
		return f->end_will_do;
	return more == 0 || looks_right(f, head.fields, bytes + head.size, len - head.size, more - 1);
}

/* Whether a whole record without a fault in itself is to be believed. after: behind damage, where it may be no record at all. */
static bool
is_believed(
    const struct flowd_store *s, const uint8_t *bytes, size_t len, const struct flowd_record *r, bool after)
{
	struct following f = {.version = s->version, .how = LIKE_ANY, .end_will_do = s->at_end};

	if ((r->fields & FLOWD_CRC32) != 0 || (!after && (s->version == FLOWD_V3 || was_seen(s, r->fields))))
		return true;
	if (s->version == FLOWD_V2) {
		f.how = after && s->seen_count == 0 ? LIKE_SAME : LIKE_KIN;
		f.end_will_do &= !after || was_seen(s, r->fields);
		if (after && s->seen_count > 0 && !are_kin(s->seen[0], r->fields))
			return false;
	}
	return looks_right(&f, r->fields, bytes + r->size, len - r->size, 1);
}

/* The next place behind `at` where a record is believed, or the end. */
static enum err
resynchronise(struct flowd_store *s)
{
	struct flowd_record r;
	struct flowd_damage why;
	enum err e;

	for (;;) {
		s->at++;
		e = look_ahead(s);
		if (e != ERR_OK || s->at == s->len)
			return e;
		if (flowd_record_read(s->version, s->window + s->at, s->len - s->at, &r, &why) == ERR_OK &&
		    is_believed(s, s->window + s->at, s->len - s->at, &r, true))
			return ERR_OK;
		if (s->version == FLOWD_V2 && is_file_header(s->window + s->at, s->len - s->at))
			return ERR_OK;
	}
}

/* A record whose checksum is wrong or whose length is contradicted, but which ends where another one begins, is the only one lost. */
static bool
is_followed(const struct flowd_store *s, size_t size)
{
	const struct following f = {.version = s->version, .how = LIKE_ANY, .end_will_do = s->at_end};
	size_t left = s->len - s->at;

	if (size >= left)
		return size == left && s->at_end;
	return looks_right(&f, 0, s->window + s->at + size, left - size, 1);
}

static enum err
step_over(struct flowd_store *s, struct flowd_damage *damage)
{
	uint64_t from = s->base + s->at;
	struct flowd_damage why;
	struct head head;
	enum err e = ERR_OK;

	if (s->version == FLOWD_V3 &&
	    read_head(s->version, s->window + s->at, s->len - s->at, &head, &why) == ERR_OK &&
	    head.stated == head.size && is_followed(s, head.size))
		s->at += head.size;
	else
		e = resynchronise(s);
	damage->offset = from;
	damage->lost = s->base + s->at - from;
	damage->torn = s->at == s->len && s->at_end;
	return e;
}

/* Version 2's, at the beginning or behind another store. */
static void
take_file_header(struct flowd_store *s)
{
	struct rd r = rd_init(s->window + s->at, s->len - s->at);
	uint32_t magic = rd_u32(&r), version = rd_u32(&r), begun = rd_u32(&r), flags = rd_u32(&r);

	s->first = (struct flowd_damage){.offset = s->base + s->at, .lost = 0};
	if (!rd_ok(&r)) {
		(void)snprintf(s->first.text, sizeof(s->first.text), "header: expected %d bytes, found %zu",
		    FLOWD_FILE_HEADER_SIZE, s->len - s->at);
		s->first.torn = true;
		s->first.lost = s->len - s->at;
	} else if (magic != V2_MAGIC) {
		(void)snprintf(s->first.text, sizeof(s->first.text),
		    "header: expected the magic number 0x%08x, found 0x%08" PRIx32, V2_MAGIC, magic);
	} else if (version != FLOWD_V2) {
		(void)snprintf(s->first.text, sizeof(s->first.text),
		    "header: expected version 2, found %" PRIu32, version);
	} else if (flags != 0) {
		(void)snprintf(s->first.text, sizeof(s->first.text),
		    "header: expected no flags, found 0x%08" PRIx32, flags);
	}
	s->begun = begun;
	s->at += rd_offset(&r);
}

enum flowd_step
flowd_store_next(struct flowd_store *s, struct flowd_record *ret, const uint8_t **ret_bytes,
    struct flowd_damage *ret_damage, enum err *ret_error)
{
	const uint8_t *bytes;
	size_t left;
	enum err e = look_ahead(s);

	while (e == ERR_OK && s->first.text[0] == '\0' && s->version == FLOWD_V2 &&
	    is_file_header(s->window + s->at, s->len - s->at)) {
		take_file_header(s);
		e = look_ahead(s);
	}
	bytes = s->window + s->at;
	left = s->len - s->at;
	if (s->first.text[0] != '\0') {
		*ret_damage = s->first;
		s->first.text[0] = '\0';
		return FLOWD_DAMAGE;
	}
	if (e != ERR_OK) {
		*ret_error = e;
		return FLOWD_ERROR;
	}
	if (left == 0)
		return FLOWD_END;
	ret->size = 0;
	e = flowd_record_read(s->version, bytes, left, ret, ret_damage);
	/* Only the length is wrong: the checksum, or what follows, is on the bitmap's side. */
	if (e == ERR_MALFORMED && ret->size > 0 &&
	    ((ret->fields & FLOWD_CRC32) != 0 || is_followed(s, ret->size))) {
		if (!s->in_middle) {
			ret_damage->offset = s->base + s->at;
			ret_damage->lost = 0;
			ret_damage->torn = false;
			s->in_middle = true;
			return FLOWD_DAMAGE;
		}
		e = ERR_OK;
	}
	s->in_middle = false;
	if (e == ERR_OK && !is_believed(s, bytes, left, ret, false)) {
		(void)snprintf(ret_damage->text, sizeof(ret_damage->text),
		    "bitmap 0x%08" PRIx32 ": expected another record behind %" PRIu32 " bytes, found none",
		    ret->fields, ret->size);
		e = ERR_MALFORMED;
	}
	if (e != ERR_OK) {
		e = step_over(s, ret_damage);
		*ret_error = e;
		return e == ERR_OK ? FLOWD_DAMAGE : FLOWD_ERROR;
	}
	note_seen(s, ret->fields);
	*ret_bytes = bytes;
	s->given = s->at;
	s->at += ret->size;
	return FLOWD_RECORD;
}

/* --- the beginning --- */

/* The bitmap of a record with a checksum, if version 2 has any: then records without bitmaps like it are none. */
static void
note_first_seen(struct flowd_store *s)
{
	struct flowd_record r;
	struct flowd_damage why;

	for (size_t at = s->at; at < s->len && s->seen_count == 0; at++) {
		if (flowd_record_read(s->version, s->window + at, s->len - at, &r, &why) == ERR_OK &&
		    (r.fields & FLOWD_CRC32) != 0)
			note_seen(s, r.fields);
	}
}

/* Whether the first bytes hold a record of version 3 that is to be believed. */
static bool
holds_record(const uint8_t *bytes, size_t len)
{
	const struct following f = {.version = FLOWD_V3, .how = LIKE_ANY, .end_will_do = true};
	struct flowd_record r;
	struct flowd_damage why;

	for (size_t at = 0; at < len; at++) {
		if (bytes[at] == V3_MARK &&
		    flowd_record_read(FLOWD_V3, bytes + at, len - at, &r, &why) == ERR_OK &&
		    ((r.fields & FLOWD_CRC32) != 0 ||
			looks_right(&f, r.fields, bytes + at + r.size, len - at - r.size, 1)))
			return true;
	}
	return false;
}

int
flowd_recognise(const uint8_t *bytes, size_t len)
{
	struct rd r = rd_init(bytes, len);
	uint32_t magic = rd_u32(&r), version = rd_u32(&r);
	struct flowd_damage why;
	struct flowd_record record;
	struct head head;

	if (rd_ok(&r) && magic == V2_MAGIC)
		return FLOWD_V2;
	if (rd_ok(&r) && version == FLOWD_V2 && len > FLOWD_FILE_HEADER_SIZE &&
	    flowd_record_read(FLOWD_V2, bytes + FLOWD_FILE_HEADER_SIZE, len - FLOWD_FILE_HEADER_SIZE, &record,
		&why) == ERR_OK)
		return FLOWD_V2;
	if (read_head(FLOWD_V3, bytes, len, &head, &why) == ERR_OK && head.stated == head.size)
		return FLOWD_V3;
	return holds_record(bytes, len) ? FLOWD_V3 : 0;
}

enum err
flowd_store_open(flowd_read *read, void *ctx, struct flowd_store **ret)
{
	struct flowd_store *s = calloc(1, sizeof(*s));
	enum err e;

	if (s == NULL)
		return ERR_MEMORY;
	s->read = read;
	s->ctx = ctx;
	e = fill(s);
	if (e == ERR_OK) {
		s->version = flowd_recognise(s->window, s->len);
		e = s->version == 0 ? ERR_UNKNOWN : ERR_OK;
	}
	if (e != ERR_OK) {
		free(s);
		return e;
	}
	if (s->version == FLOWD_V2) {
		take_file_header(s);
		note_first_seen(s);
	}
	*ret = s;
	return ERR_OK;
}

void
flowd_store_close(struct flowd_store *s)
{
	free(s);
}

int
flowd_store_version(const struct flowd_store *s)
{
	return s->version;
}

uint32_t
flowd_store_begun(const struct flowd_store *s)
{
	return s->begun;
}

uint64_t
flowd_store_offset(const struct flowd_store *s)
{
	return s->base + s->given;
}
