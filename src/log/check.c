/* SPDX-License-Identifier: ISC
 *
 * The walk over a segment, and what it says of each damaged place. Places are told by their offset in the
 * file. c->at is the next place to look at; the window (log/window) holds the bytes and computes the digest.
 */
#include "log/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crc32c.h"
#include "base/rd.h"
#include "log/finding.h"
#include "log/window.h"

enum check_state { STATE_HEADER, STATE_RECORDS, STATE_END, STATE_DONE };

struct check {
	bool open_name;
	bool hash;
	bool steps_over;
	enum record_type over; /* bodies of this type are not read */
	size_t ahead;          /* what the window reads ahead otherwise */
	bool has_head;
	bool header_damaged;
	bool grows;           /* the file's end is none yet */
	bool waits;           /* ... and was reached: look how long it is now */
	uint64_t in_vain;     /* bytes behind a damaged place that were searched without a result; 0: none */
	bool end_known;       /* a seal record was there, good or wrong, or a finding reaches the end */
	bool finding_pending; /* a finding since the last good record */
	enum check_state state;
	uint64_t at;
	uint64_t offset; /* of the last step */
	uint32_t seed;
	struct segment_header head;
	struct check_result result; /* size, tail and digest are brought in at the end */
	struct window window;
};

/* --- findings --- */

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
	    .lost_first = 1,
	    .lost_last = 0,
	};
}

/* Records that a finding costs: the one that is due, up to before `next`. */
static void
finding_costs(const struct check *c, struct finding *f, uint64_t next)
{
	if (next == c->result.next_sequence)
		return;
	f->lost_first = c->result.next_sequence;
	f->lost_last = next - 1;
}

/* What is wrong with the record header at a place. */
static void
say_header(struct check *c, struct finding *f, uint64_t at)
{
	const uint8_t *bytes = window_view(&c->window, at, RECORD_HEADER_SIZE);
	struct record found;
	struct rd r;
	uint32_t crc;

	if (bytes == NULL) {
		finding_say(f->expected, "a record header of %d bytes", RECORD_HEADER_SIZE);
		finding_say(f->found, "end of file at %" PRIu64, c->window.size);
		return;
	}
	r = rd_init(bytes, RECORD_HEADER_SIZE);
	if (rd_u16(&r) != RECORD_MARK) {
		finding_say(f->expected, "record mark 0x%04x", RECORD_MARK);
		finding_say(f->found, "0x%02x%02x", bytes[0], bytes[1]);
		return;
	}
	crc = crc32c(c->seed, bytes, RECORD_HEADER_SIZE - 4);
	switch (record_header_read(bytes, c->seed, &found)) {
	case ERR_OK:
		if (found.sequence != c->result.next_sequence) {
			finding_say(f->expected, "sequence %" PRIu64, c->result.next_sequence);
			finding_say(f->found, "sequence %" PRIu64, found.sequence);
		} else {
			finding_say(f->expected, "a body of %" PRIu32 " bytes", found.len);
			finding_say(f->found, "end of file at %" PRIu64, c->window.size);
		}
		return;
	case ERR_CHECKSUM:
		rd_skip(&r, RECORD_HEADER_SIZE - 2 - 4);
		finding_say(f->expected, "header crc 0x%08" PRIx32, rd_u32(&r));
		finding_say(f->found, "header crc 0x%08" PRIx32, crc);
		return;
	default:
		finding_say(f->expected, "a type, a length up to %u, zero reserved bytes", RECORD_BODY_MAX);
		finding_say(f->found, "type %u, length %" PRIu32, (unsigned)found.type, found.len);
	}
}

/* --- the header --- */

static void
header_accept(struct check *c, const struct segment_header *head)
{
	c->head = *head;
	c->has_head = true;
	c->seed = record_seed(head->incarnation);
	c->result.next_sequence = head->first_sequence;
	c->at = c->window.size < SEGMENT_RECORDS_AT ? c->window.size : SEGMENT_RECORDS_AT;
	c->result.tail = c->window.settled = c->at;
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
		c->end_known = true; /* unknown, rather; the end has nothing to add */
		if (c->open_name && window_rest_is_zero(&c->window, 0)) {
			c->result.torn = true;
			return true;
		}
		if (c->window.failed)
			return true;
		bytes = window_view(&c->window, 0, SEGMENT_HEADER_SIZE);
		finding_begin(c, ret_finding, "both copies of the segment header", 0, c->window.size);
		if (bytes != NULL)
			finding_of_header(ret_finding, e1, bytes);
		c->header_damaged = true;
		return false;
	}
	header_accept(c, e1 == ERR_OK ? &first : &second);
	if (e1 != ERR_OK) {
		finding_begin(c, ret_finding, "first copy of the segment header", differ, differ);
		finding_of_header(ret_finding, e1, bytes);
	} else if (e2 != ERR_OK) {
		finding_begin(c, ret_finding, "second copy of the segment header",
		    SEGMENT_HEADER_SIZE + differ, SEGMENT_HEADER_SIZE + differ);
		finding_of_header(ret_finding, e2, copy);
	} else if (differ < SEGMENT_HEADER_SIZE) {
		finding_begin(c, ret_finding, "second copy of the segment header",
		    SEGMENT_HEADER_SIZE + differ, SEGMENT_HEADER_SIZE + differ);
		finding_say(ret_finding->expected, "0x%02x as in the first copy", bytes[differ]);
		finding_say(ret_finding->found, "0x%02x", copy[differ]);
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
	const uint8_t *bytes = window_view(&c->window, 0, SEGMENT_RECORDS_AT);

	if (bytes != NULL)
		return headers_agree(c, bytes, ret_finding);
	if (c->window.failed)
		return true;
	bytes = window_view(&c->window, 0, SEGMENT_HEADER_SIZE);
	if (bytes != NULL && segment_header_read(bytes, SEGMENT_HEADER_SIZE, &head) == ERR_OK)
		header_accept(c, &head);
	if (c->window.failed)
		return true;
	c->state = STATE_END;
	c->end_known = true;
	if (c->open_name) {
		c->result.torn = true;
		return true;
	}
	finding_begin(c, ret_finding, "segment header", c->window.size, c->window.size);
	c->header_damaged = true;
	finding_say(ret_finding->expected, "%d bytes of header", SEGMENT_RECORDS_AT);
	finding_say(ret_finding->found, "end of file at %" PRIu64, c->window.size);
	return false;
}

/* --- records --- */

/* A sound header at a place, of a record that fits into the file. */
static inline bool
header_at(struct check *c, uint64_t at, struct record *ret)
{
	const uint8_t *bytes = window_view(&c->window, at, RECORD_HEADER_SIZE);

	return bytes != NULL && record_header_read(bytes, c->seed, ret) == ERR_OK;
}

static inline bool
fits(const struct check *c, uint64_t at, const struct record *r)
{
	return record_size(r->len) <= c->window.size - at;
}

/* The body's CRC is computed over its padding as it stands, so that this is covered too. */
static inline bool
body_at(struct check *c, uint64_t at, struct record *r, uint32_t *ret_crc)
{
	size_t size = record_size(r->len);
	const uint8_t *bytes = window_view(&c->window, at, size);
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

	for (uint64_t at = from + 8; c->window.size - from >= 8 && at + RECORD_HEADER_SIZE <= c->window.size;
	     at += 8) {
		const uint8_t *bytes = window_view(&c->window, at, RECORD_HEADER_SIZE);

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
		if (c->window.failed)
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
	if (c->window.size - at < RECORD_HEADER_SIZE)
		return true;
	if (header_at(c, at, &r) && r.sequence == c->result.next_sequence && !fits(c, at, &r))
		return true;
	return window_rest_is_zero(&c->window, at);
}

/* Of a file that grows: what is not all there may come yet, and a search in vain is worth another one when there is twice as
 * much. */
static bool
may_search(struct check *c, bool cut)
{
	uint64_t left = c->window.size - c->at;

	if (!cut && left >= RECORD_HEADER_SIZE && left / 2 >= c->in_vain)
		return true;
	c->waits = true;
	return false;
}

/* There is no good record at c->at. True: nothing to report, go on with the next state. */
static bool
step_damage(struct check *c, struct finding *ret_finding)
{
	uint64_t from = c->at, next, sequence;
	struct record r;
	bool cut = header_at(c, from, &r) && r.sequence == c->result.next_sequence && !fits(c, from, &r);

	if (c->grows && !may_search(c, cut))
		return true;
	/* The body of a sound header that reaches behind the end is all there is: nothing in it is a record. */
	if (!cut && search(c, from, &next, &sequence)) {
		finding_begin(c, ret_finding, "record header", from, next);
		say_header(c, ret_finding, from);
		finding_costs(c, ret_finding, sequence);
		c->result.next_sequence = sequence;
		c->at = next;
		c->in_vain = 0;
		return c->window.failed;
	}
	if (c->window.failed)
		return true;
	if (c->grows) {
		c->in_vain = c->window.size - from;
		c->waits = true;
		return true;
	}
	c->state = STATE_END;
	if (is_torn(c, from)) {
		c->result.torn = true;
		return true;
	}
	if (c->window.failed)
		return true;
	c->end_known = true;
	finding_begin(c, ret_finding, cut ? "record body" : "record header", from, c->window.size);
	say_header(c, ret_finding, from);
	if (cut) {
		ret_finding->has_header = true;
		ret_finding->record = r;
		if (r.type != RECORD_SEAL)
			finding_costs(c, ret_finding, r.sequence + 1);
	}
	return c->window.failed;
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
	if (!c->result.hashed)
		c->window.settled = c->at;
	c->result.records++;
	if (c->finding_pending) {
		c->finding_pending = false;
		c->result.tail_only = false;
	}
}

static void
body_damaged(struct check *c, const struct record *r, uint32_t crc, struct finding *ret_finding)
{
	finding_begin(c, ret_finding, "record body", c->at, c->at + record_size(r->len));
	finding_say(ret_finding->expected, "crc 0x%08" PRIx32, r->body_crc);
	finding_say(ret_finding->found, "crc 0x%08" PRIx32, crc);
	ret_finding->has_header = true;
	ret_finding->record = *r;
	if (r->type == RECORD_SEAL)
		c->end_known = true;
	else
		finding_costs(c, ret_finding, r->sequence + 1);
	pass(c, r);
}

/* --- the seal --- */

/* Whether the seal says what the walk has seen. */
static bool
seal_contradicts(const struct check *c, const struct seal *s, uint64_t sequence, struct finding *f)
{
	static const struct sha256 none;
	uint64_t first = c->head.first_sequence;

	if (finding_differs_u64(f, "first sequence", first, s->first) ||
	    finding_differs_u64(f, "last sequence", sequence - 1, s->last) ||
	    finding_differs_u64(f, "record count", sequence - first, s->count) ||
	    finding_differs_u64(f, "length", c->at, s->length))
		return true;
	if (s->previous_number == UINT64_MAX)
		return finding_differs_digest(f, "previous digest", &none, &s->previous);
	if (s->previous_number < c->head.number)
		return false;
	finding_say(f->expected, "previous segment before %" PRIu64, c->head.number);
	finding_say(f->found, "previous segment %" PRIu64, s->previous_number);
	return true;
}

/* The digest of everything before a place, when it is wanted. False when reading failed. */
static bool
digest_at(struct check *c, uint64_t at)
{
	if (!c->hash || c->result.hashed)
		return true;
	c->result.hashed = window_digest(&c->window, at, &c->result.digest);
	return c->result.hashed;
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

	c->end_known = true;
	if (e != ERR_OK) {
		finding_say(wrong.expected, "a seal of %d bytes", SEAL_BODY_SIZE);
		finding_say(wrong.found, "%s, %" PRIu32 " bytes", err_text(e), r->len);
		contradicts = true;
	} else {
		contradicts = seal_contradicts(c, &seal, r->sequence, &wrong);
	}
	if (!contradicts) {
		if (!digest_at(c, c->at))
			return CHECK_ERROR;
		c->result.sealed = true;
		c->result.seal = seal;
		c->state = STATE_END;
		contradicts = c->hash && c->result.findings == 0 &&
		    finding_differs_digest(&wrong, "sha256", &seal.digest, &c->result.digest);
	}
	if (!contradicts) {
		pass_good(c, r);
		return CHECK_RECORD;
	}
	finding_begin(c, ret_finding, "seal", c->at, end);
	c->result.tail_only = false; /* it is sound, and says that something before it is not */
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

	if (c->at == c->window.size && c->grows) {
		c->waits = true;
		return CHECK_END;
	}
	if (c->at == c->window.size) {
		c->state = STATE_END;
		return CHECK_END;
	}
	if (!header_at(c, c->at, &r) || r.sequence != c->result.next_sequence || !fits(c, c->at, &r)) {
		if (c->window.failed)
			return CHECK_ERROR;
		return step_damage(c, ret_finding) ? CHECK_END : CHECK_FINDING;
	}
	if (!(c->steps_over && r.type == c->over) && !body_at(c, c->at, &r, &crc)) {
		if (c->window.failed)
			return CHECK_ERROR;
		if (window_view(&c->window, c->at, record_size(r.len)) == NULL) /* cut meanwhile */
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
	uint64_t at = c->at, size = c->window.size;

	c->state = STATE_DONE;
	c->offset = at;
	if (!digest_at(c, c->result.tail))
		return true;
	if (c->result.sealed && at < size) {
		finding_begin(c, ret_finding, "bytes behind the seal", at, size);
		finding_say(ret_finding->expected, "end of file at %" PRIu64, at);
		finding_say(ret_finding->found, "end of file at %" PRIu64, size);
		return false;
	}
	if (!c->open_name && !c->end_known) {
		finding_begin(c, ret_finding, "no seal", at, at);
		finding_say(ret_finding->expected, "a seal, as the file's name says");
		finding_say(ret_finding->found, "end of file at %" PRIu64, size);
		return false;
	}
	return true;
}

/* What was read behind the last record may have been written otherwise since. False: it cannot be asked. */
static bool
look_again(struct check *c)
{
	struct stat st;

	c->waits = false;
	if (fstat(c->window.fd, &st) != 0) {
		c->window.saved_errno = errno;
		c->window.failed = true;
		return false;
	}
	window_grow(&c->window, c->at, (uint64_t)st.st_size);
	return true;
}

enum check_step
check_next(struct check *c, struct record *ret_record, struct finding *ret_finding)
{
	if (c->waits && !look_again(c))
		return CHECK_ERROR;
	if (c->state == STATE_HEADER && c->grows && c->window.size < SEGMENT_RECORDS_AT) {
		c->waits = true;
		return CHECK_END;
	}
	if (c->state == STATE_HEADER && !step_header(c, ret_finding))
		return CHECK_FINDING;
	if (c->state == STATE_RECORDS) {
		enum check_step step = step_record(c, ret_record, ret_finding);

		if (step == CHECK_RECORD || step == CHECK_FINDING || c->waits)
			return step;
	}
	if (!c->window.failed && c->state == STATE_END && !step_end(c, ret_finding))
		return CHECK_FINDING;
	if (c->window.failed) {
		errno = c->window.saved_errno;
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
	if (window_init(&c->window, fd, (uint64_t)st.st_size, hash) != ERR_OK) {
		free(c);
		return ERR_MEMORY;
	}
	c->open_name = open_name;
	c->hash = hash;
	c->result.tail_only = true;
	*ret = c;
	return ERR_OK;
}

void
check_close(struct check *c)
{
	if (c == NULL)
		return;
	window_clear(&c->window);
	free(c);
}

/* What is read ahead of a header is then mostly in vain. */
#define STEP_READ_AHEAD ((size_t)4 << 10)

void
check_step_over(struct check *c, enum record_type type)
{
	if (!c->steps_over)
		c->ahead = c->window.ahead;
	c->steps_over = true;
	c->over = type;
	c->window.ahead = STEP_READ_AHEAD;
}

void
check_step_over_none(struct check *c)
{
	if (c->steps_over)
		c->window.ahead = c->ahead;
	c->steps_over = false;
}

void
check_grows(struct check *c)
{
	c->grows = true;
}

void
check_ends(struct check *c)
{
	c->waits |= c->grows;
	c->grows = false;
	c->in_vain = 0;
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
	ret->size = c->window.size;
	if (c->header_damaged)
		ret->tail_only = false;
}
