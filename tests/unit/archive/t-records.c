/* SPDX-License-Identifier: ISC
 *
 * Bodies of an archive's records: what was written is read, every prefix is refused, and so is what lies.
 */
#include "archive/records.h"
#include "tests/tap.h"

static struct buf body;

static void
sources(void)
{
	const struct source s = {.node = "col-a", .lane = 2, .incarnation = 0x0123456789abcdef};
	const struct source t = {.node = "col-a", .lane = 2, .incarnation = 0x0123456789abcdf0};
	struct source got;
	struct rd r;
	unsigned refused = 0;

	source_write(&body, &s);
	r = rd_init(body.data, body.len);
	ok(source_read(&r, &got) == ERR_OK && source_cmp(&got, &s) == 0 && rd_left(&r) == 0,
	    "a source comes back");
	ok(source_cmp(&s, &t) < 0 && source_cmp(&t, &s) > 0, "incarnations have an order");
	for (size_t i = 0; i < body.len; i++) {
		r = rd_init(body.data, i);
		refused += source_read(&r, &got) != ERR_OK;
	}
	is_u64(refused, body.len, "every prefix of a source is refused");
	body.data[11] = 0;
	r = rd_init(body.data, body.len);
	ok(source_read(&r, &got) == ERR_MALFORMED, "no name: refused");
	body.data[11] = 5;
	body.data[14] = 0;
	r = rd_init(body.data, body.len);
	ok(source_read(&r, &got) == ERR_MALFORMED, "NUL within a name: refused");
	body.data[10] = 1;
	r = rd_init(body.data, body.len);
	ok(source_read(&r, &got) == ERR_MALFORMED, "a name that is too long: refused");
	buf_reset(&body);
}

static void
events_and_damage(void)
{
	const struct damaged d = {
	    .sequence = 9, .addr = addr_v4(1), .port = 2, .len = 3, .body_crc = 4, .time_ns = -1};
	struct damaged got;
	struct rd r;
	uint32_t source;
	uint64_t sequence;

	buf_u32(&body, 5);
	buf_u64(&body, 6);
	buf_bytes(&body, "xy", 2);
	ok(archived_event_read(body.data, body.len, &source, &sequence, &r) == ERR_OK && source == 5 &&
		sequence == 6 && rd_left(&r) == 2,
	    "an archived event comes back");
	ok(archived_event_read(body.data, ARCHIVED_EVENT_HEAD_SIZE - 1, &source, &sequence, &r) == ERR_CUT,
	    "cut: refused");
	buf_reset(&body);
	damaged_write(&body, &d);
	r = rd_init(body.data, body.len);
	damaged_read(&r, &got);
	ok(rd_ok(&r) && rd_left(&r) == 0 && damaged_cmp(&d, &got) == 0,
	    "a damaged record's header comes back");
	got.port++;
	ok(damaged_cmp(&d, &got) < 0 && damaged_cmp(&got, &d) > 0, "and every field tells two apart");
}

static void
identity(void)
{
	struct addr a = addr_v4(0xc0000201), b = addr_v4(0xc0000202);
	struct digest128 d = identity_digest(&a, 1, "x", 1), e = identity_digest(&b, 1, "x", 1);

	ok(digest128_cmp(&d, &e) != 0, "the address is part of the identity");
	e = identity_digest(&a, 2, "x", 1);
	ok(digest128_cmp(&d, &e) != 0, "and so is the port");
	e = identity_digest(&a, 1, "x", 1);
	ok(digest128_cmp(&d, &e) == 0, "nothing else is");
	ok(archive_incarnation("lab", (wall_t){1}) != archive_incarnation("lab", (wall_t){2}) &&
		archive_incarnation("lab", (wall_t){1}) != archive_incarnation("bal", (wall_t){1}),
	    "an incarnation of a window follows from cluster and time");
}

int
main(void)
{
	sources();
	events_and_damage();
	identity();
	buf_clear(&body);
	return done_testing();
}
