/* SPDX-License-Identifier: ISC
 *
 * The walk over sets: kinds, lengths that lie, padding, and every prefix of a datagram.
 */
#include "wire/sets.h"

#include "tests/message.h"
#include "tests/tap.h"

static void
put_three_sets(struct buf *b, bool ipfix)
{
	static const uint16_t fields[] = {8, 4, 12, 4};

	if (ipfix)
		message_ipfix(b, 1, 1);
	else
		message_v9(b, 1, 1);
	message_set(b, ipfix ? 2 : 0);
	message_template(b, 256, fields, 2);
	message_set_end(b);
	message_set(b, ipfix ? 3 : 1);
	buf_u64(b, 0);
	message_set_end(b);
	message_set(b, 256);
	buf_u64(b, 0);
	message_set_end(b);
}

/* How the walk over all sets ends; *ret_count: how many there were. */
static enum err
walk(const uint8_t *bytes, size_t len, unsigned *ret_count, enum proto_fault *ret_fault)
{
	struct proto_info info;
	struct sets it;
	struct set set;
	enum err e;
	unsigned n = 0;

	if (proto_recognise(bytes, len, &info) != ERR_OK)
		return ERR_UNKNOWN;
	sets_init(&it, &info, bytes, len);
	while ((e = sets_next(&it, &set)) == ERR_OK)
		n++;
	if (sets_next(&it, &set) == ERR_OK)
		n += 1000;
	*ret_count = n;
	*ret_fault = it.fault;
	return e;
}

static void
test_kinds(struct buf *b, bool ipfix)
{
	static const enum set_kind kinds[] = {SET_TEMPLATE, SET_OPTIONS_TEMPLATE, SET_DATA, SET_RESERVED};
	static const size_t offsets[] = {0, 16, 28, 40};
	struct proto_info info;
	struct sets it;
	struct set set;

	put_three_sets(b, ipfix);
	message_set(b, 255);
	message_set_end(b);
	if (!ok(proto_recognise(b->data, b->len, &info) == ERR_OK, "%s", ipfix ? "IPFIX" : "v9"))
		return;
	sets_init(&it, &info, b->data, b->len);
	for (unsigned i = 0; i < 4; i++) {
		ok(sets_next(&it, &set) == ERR_OK && set.kind == kinds[i], "set %u is of its kind", i);
		is_u64(set.offset, info.header_len + offsets[i], "and stands where it stands");
	}
	is_u64(set.id, 255, "id");
	is_u64(rd_left(&set.body), 0, "an empty body");
	ok(sets_next(&it, &set) == ERR_END && it.fault == FAULT_NONE, "the end");
}

static void
test_lengths(struct buf *b)
{
	unsigned n = 0;
	enum proto_fault fault = FAULT_NONE;

	for (uint16_t len = 0; len < 4; len++) {
		put_three_sets(b, false);
		message_put_u16(b, 20 + 16 + 2, len);
		ok(walk(b->data, b->len, &n, &fault) == ERR_MALFORMED && n == 1 && fault == FAULT_SET_LENGTH,
		    "a set of length %u ends the walk", len);
	}
	put_three_sets(b, false);
	message_put_u16(b, 20 + 28 + 2, 13);
	ok(walk(b->data, b->len, &n, &fault) == ERR_MALFORMED && n == 2, "so does one that runs a byte past the end");
	message_put_u16(b, 20 + 28 + 2, 65535);
	ok(walk(b->data, b->len, &n, &fault) == ERR_MALFORMED && n == 2, "or far past it");
	put_three_sets(b, false);
	for (unsigned stray = 1; stray < 4; stray++) {
		buf_u8(b, 0xee);
		ok(walk(b->data, b->len, &n, &fault) == ERR_END && n == 3, "%u stray bytes are padding", stray);
	}
	buf_u8(b, 0xee);
	ok(walk(b->data, b->len, &n, &fault) == ERR_MALFORMED && n == 3, "four are a set's header");
	message_put_u16(b, 2, 9999);
	put_three_sets(b, false);
	ok(walk(b->data, b->len, &n, &fault) == ERR_END && n == 3, "v9's count is not believed");
}

static void
test_message_length(struct buf *b)
{
	unsigned n = 0;
	enum proto_fault fault = FAULT_NONE;

	put_three_sets(b, true);
	buf_u64(b, 0);
	ok(walk(b->data, b->len, &n, &fault) == ERR_END && n == 3 && fault == FAULT_LENGTH,
	    "IPFIX: what stands behind the message is not its");
	message_put_u16(b, 2, 60000);
	ok(walk(b->data, b->len - 8, &n, &fault) == ERR_END && n == 3 && fault == FAULT_LENGTH,
	    "IPFIX: a message shorter than it says has the sets that are there");
	message_put_u16(b, 2, 0);
	ok(walk(b->data, b->len - 8, &n, &fault) == ERR_END && n == 3 && fault == FAULT_LENGTH,
	    "IPFIX: a length below its header's says nothing");
}

static void
test_prefixes(struct buf *b, bool ipfix)
{
	size_t header = ipfix ? 16 : 20;
	unsigned bad = 0;

	put_three_sets(b, ipfix);
	for (size_t len = 2; len < b->len; len++) {
		uint8_t *cut = malloc(len);
		unsigned n = 0, want = len >= header + 28 ? 2 : len >= header + 16;
		enum proto_fault fault = FAULT_NONE;
		enum err e;

		memcpy(cut, b->data, len);
		e = walk(cut, len, &n, &fault);
		/* a cut within a set is malformed; up to three bytes of the next one look like padding */
		if (n != want || (e != ERR_MALFORMED && e != ERR_END) || (len < header && e != ERR_MALFORMED))
			bad++;
		free(cut);
	}
	is_u64(bad, 0, "every prefix of %s gives the whole sets in it", ipfix ? "IPFIX" : "v9");
}

int
main(void)
{
	struct buf b = BUF_INIT;

	test_kinds(&b, false);
	test_kinds(&b, true);
	test_lengths(&b);
	test_message_length(&b);
	test_prefixes(&b, false);
	test_prefixes(&b, true);
	buf_clear(&b);
	return done_testing();
}
