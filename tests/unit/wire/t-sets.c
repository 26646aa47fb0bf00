/* SPDX-License-Identifier: ISC
 *
 * The walk over sets: kinds, bodies, bounds, and ends that are good or bad.
 */
#include "tests/tap.h"
#include "tests/unit/wire/build-export.h"
#include "wire/sets.h"

/* The kinds and body lengths of all sets as text, then how it ended: "T8 D18 end", "T8 malformed". */
static const char *
walk_bytes(const uint8_t *bytes, size_t len, const struct proto_info *info, struct sets *it)
{
	static const char kinds[] = {
	    [SET_TEMPLATE] = 'T', [SET_OPTIONS_TEMPLATE] = 'O', [SET_DATA] = 'D', [SET_RESERVED] = 'R'};
	static char text[512];
	struct set set;
	size_t at = 0;
	enum err e;

	sets_init(it, info, bytes, len);
	while ((e = sets_next(it, &set)) == ERR_OK && at < sizeof(text) - 32)
		at += (size_t)snprintf(text + at, 32, "%c%zu ", kinds[set.kind], rd_left(&set.body));
	(void)snprintf(text + at, 32, "%s", e == ERR_END ? "end" : e == ERR_MALFORMED ? "malformed" : "?");
	if (sets_next(it, &set) != e)
		return "the end does not stay";
	return text;
}

static const char *
walk(const struct export *x, struct sets *it)
{
	struct proto_info info = export_info(x);

	return walk_bytes(x->bytes.data, x->bytes.len, &info, it);
}

static struct export valid(enum proto p)
{
	struct export x = export_new(p);

	export_template(&x, 256, FIELDS({8, 4, 0}, {12, 4, 0}));
	export_options(&x, 257, 1, FIELDS({1, 4, 0}, {34, 4, 0}));
	export_data(&x, 256, 3, 8);
	export_data(&x, 257, 1, 9);
	export_end(&x);
	return x;
}

static void
test_kinds(enum proto p)
{
	const char *name = proto_name(p);
	struct export x = valid(p);
	struct sets it;
	unsigned wrong = 0;

	is_text(walk(&x, &it), "T12 O14 D24 D9 end", "%s: sets of all kinds", name);
	is_u64(it.fault, FAULT_NONE, "%s: no fault", name);
	export_free(&x);
	for (unsigned id = 0; id <= UINT16_MAX; id++) {
		static const char *const kinds[] = {"T0 end", "O0 end", "D0 end", "R0 end"};
		unsigned first = p == PROTO_V9 ? 0 : 2;
		enum set_kind kind = id >= 256 ? SET_DATA
		    : id == first              ? SET_TEMPLATE
		    : id == first + 1          ? SET_OPTIONS_TEMPLATE
					       : SET_RESERVED;

		x = export_new(p);
		export_open(&x, (uint16_t)id);
		export_close(&x);
		export_end(&x);
		wrong += strcmp(walk(&x, &it), kinds[kind]) != 0;
		export_free(&x);
	}
	is_u64(wrong, 0, "%s: the kind of every id", name);
}

static void
test_places(enum proto p)
{
	struct export x = valid(p);
	struct proto_info info = export_info(&x);
	size_t at = info.header_len;
	struct sets it;
	struct set set;
	unsigned wrong = 0;

	sets_init(&it, &info, x.bytes.data, x.bytes.len);
	while (sets_next(&it, &set) == ERR_OK) {
		wrong += set.offset != at || set.body.at != x.bytes.data + at + SET_HEADER_SIZE;
		at += SET_HEADER_SIZE + rd_left(&set.body);
	}
	is_u64(wrong, 0, "%s: each set begins where the one before it ends", proto_name(p));
	is_u64(at, x.bytes.len, "%s: the last one ends with the datagram", proto_name(p));
	export_free(&x);
}

/* 1 to 3 bytes behind the last set: padding when zero, else a fault; the sets are there either way. */
static void
test_tail(enum proto p, size_t len, uint8_t byte)
{
	struct export x = valid(p);
	struct sets it;
	const uint8_t tail[3] = {0, 0, 0};

	export_bytes(&x, tail, len - 1);
	EXPORT_BYTES(&x, byte);
	export_end(&x);
	is_text(walk(&x, &it), "T12 O14 D24 D9 end", "%s: %zu bytes behind the last set", proto_name(p), len);
	is_text(proto_fault_name(it.fault), proto_fault_name(byte == 0 ? FAULT_NONE : FAULT_STRAY),
	    "%s: %zu bytes, the last %u", proto_name(p), len, byte);
	export_free(&x);
}

/* Four bytes are a set's header, zero or not. */
static void
test_four_bytes(enum proto p)
{
	struct export x = valid(p);
	struct sets it;

	EXPORT_BYTES(&x, 0, 0, 0, 0);
	export_end(&x);
	is_text(walk(&x, &it), "T12 O14 D24 D9 malformed", "%s: four zero bytes are a set of length 0",
	    proto_name(p));
	is_u64(it.fault, FAULT_SET_LENGTH, "%s: and a fault", proto_name(p));
	export_free(&x);
}

static void
test_lengths(enum proto p)
{
	static const uint16_t lies[] = {0, 1, 2, 3, 14, 100, UINT16_MAX};
	struct sets it;

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct export x = valid(p);

		export_lie(&x, PLACE_SET_LENGTH, lies[i]);
		is_text(walk(&x, &it), "T12 O14 D24 malformed", "%s: last set says %u bytes", proto_name(p),
		    lies[i]);
		is_u64(it.fault, FAULT_SET_LENGTH, "%s: its length is the fault", proto_name(p));
		export_free(&x);
	}
}

/* Sets of prefixes never reach past the end (the memory has that size), and are those of the whole. */
static void
test_prefixes(enum proto p)
{
	static const char *const starts[] = {
	    "malformed", "end", "T12 ", "T12 O14 ", "T12 O14 D24 ", "T12 O14 D24 D9 "};
	struct export x = valid(p);
	struct sets it;
	unsigned wrong = 0;

	for (size_t len = 2; len < x.bytes.len; len++) {
		uint8_t *bytes = export_prefix(&x, len);
		struct proto_info info;
		const char *text;
		bool known = false;

		if (proto_recognise(bytes, len, &info) != ERR_OK)
			abort();
		text = walk_bytes(bytes, len, &info, &it);
		for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
			size_t n = strlen(starts[i]);

			known |= strncmp(text, starts[i], n) == 0 &&
			    (text[n] == '\0' || strcmp(text + n, "end") == 0 ||
				strcmp(text + n, "malformed") == 0);
		}
		wrong += !known || (p == PROTO_IPFIX && it.fault == FAULT_NONE);
		free(bytes);
	}
	is_u64(wrong, 0, "%s: every prefix gives the first sets of the whole", proto_name(p));
	export_free(&x);
}

static void
test_message_length(void)
{
	struct export x = valid(PROTO_IPFIX);
	uint16_t length = export_truth(&x, PLACE_MESSAGE_LENGTH);
	struct sets it;

	export_lie(&x, PLACE_MESSAGE_LENGTH, (uint16_t)(length - 13));
	is_text(walk(&x, &it), "T12 O14 D24 end", "IPFIX: what stands behind the message is not its");
	is_u64(it.fault, FAULT_LENGTH, "IPFIX: the message's length is the fault");
	export_lie(&x, PLACE_MESSAGE_LENGTH, (uint16_t)(length - 1));
	is_text(walk(&x, &it), "T12 O14 D24 malformed", "IPFIX: a message that ends within a set");
	is_u64(it.fault, FAULT_LENGTH, "IPFIX: the first fault is named");
	export_lie(&x, PLACE_MESSAGE_LENGTH, UINT16_MAX);
	is_text(
	    walk(&x, &it), "T12 O14 D24 D9 end", "IPFIX: a message that says more: what is there is given");
	is_u64(it.fault, FAULT_LENGTH, "IPFIX: and has a fault");
	export_lie(&x, PLACE_MESSAGE_LENGTH, 0);
	is_text(
	    walk(&x, &it), "T12 O14 D24 D9 end", "IPFIX: a length shorter than the header bounds nothing");
	export_free(&x);
}

static void
test_others(void)
{
	static const enum proto others[] = {PROTO_V1, PROTO_V5, PROTO_V7, PROTO_V8, PROTO_SFLOW5};
	struct sets it;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct export x = export_new(others[i]);

		export_records(&x, 4);
		export_end(&x);
		is_text(walk(&x, &it), "end", "%s: no sets", proto_name(others[i]));
		is_u64(it.fault, FAULT_NONE, "%s: and no fault", proto_name(others[i]));
		export_free(&x);
	}
}

static void
test_large(void)
{
	struct export x = export_new(PROTO_V9);
	struct sets it;

	export_data(&x, 300, 1, 65000);
	export_end(&x);
	is_text(walk(&x, &it), "D65000 end", "v9: a datagram of 65,024 bytes");
	export_free(&x);
}

int
main(void)
{
	static const enum proto both[] = {PROTO_V9, PROTO_IPFIX};

	for (size_t i = 0; i < 2; i++) {
		test_kinds(both[i]);
		test_places(both[i]);
		for (size_t len = 1; len <= 3; len++) {
			test_tail(both[i], len, 0);
			test_tail(both[i], len, 1);
		}
		test_four_bytes(both[i]);
		test_lengths(both[i]);
		test_prefixes(both[i]);
	}
	test_message_length();
	test_others();
	test_large();
	return done_testing();
}
