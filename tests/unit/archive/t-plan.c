/* SPDX-License-Identifier: ISC
 *
 * Which definition decodes which data set: before and behind a change of layout, late, after a restart, and with
 * definitions that only a snapshot holds.
 */
#include "archive/plan.h"
#include "tests/message.h"
#include "tests/tap.h"
#include "tests/unit/archive/world.h"

#define PATHS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define ID 300

static const uint16_t layout_a[] = {8, 4}, layout_b[] = {12, 4, 7, 2};

/* One datagram: an optional template, then optionally a data set. ms: of the exporter's uptime; boot: its start. */
struct sent {
	uint32_t sequence, ms, boot;
	char layout; /* 'a', 'b', or 0 for none */
	bool data;
	bool heard;
};

static void
put_u32(struct buf *b, size_t at, uint32_t v)
{
	message_put_u16(b, at, (uint16_t)(v >> 16));
	message_put_u16(b, at + 2, (uint16_t)v);
}

static void
build(struct buf *b, const struct sent *s)
{
	message_v9(b, s->sequence, 5);
	put_u32(b, 4, s->ms);
	put_u32(b, 8, s->boot + s->ms / 1000);
	if (s->layout != 0) {
		message_set(b, 0);
		if (s->layout == 'a')
			message_template(b, ID, layout_a, 1);
		else
			message_template(b, ID, layout_b, 2);
		message_set_end(b);
	}
	if (s->data) {
		message_set(b, ID);
		buf_u64(b, s->sequence); /* no two payloads are equal */
		message_set_end(b);
	}
}

static void
write_log(const char *path, const char *node, const struct sent *sent, size_t count)
{
	struct log_folder f;
	struct buf b = BUF_INIT;

	log_folder_open(&f, path, "lab", node, (uint64_t)node[0]);
	for (size_t i = 0; i < count; i++) {
		struct record r;

		build(&b, &sent[i]);
		r = world_record(RECORD_DATAGRAM,
		    (int64_t)sent[i].boot * NS_PER_SEC + (int64_t)sent[i].ms * NS_PER_MSEC, b.data, b.len);
		if (sent[i].heard)
			log_folder_add(&f, &r);
	}
	log_folder_close(&f, true);
	buf_clear(&b);
}

/* For each data set in order of time: its layout, capital when late; '-' where none is known. */
static void
layouts(const char *path, char *out)
{
	struct pool p;
	struct plan plan;

	if (world_pool(&p, PATHS(path)) != ERR_OK || plan_make(&p, &plan) != ERR_OK)
		give_up(path);
	for (size_t i = 0; i < p.datagram_count; i++) {
		const struct pool_datagram *d = &p.datagrams[i];

		for (uint32_t k = 0; k < p.set_lists[d->sets].count; k++) {
			uint32_t ref = plan.refs[plan.refs_at[i] + k], late = ref & REF_LATE;

			if (ref == REF_NONE)
				*out++ = '-';
			else if (plan.definitions[ref & ~REF_LATE].len == 8)
				*out++ = late ? 'A' : 'a';
			else
				*out++ = late ? 'B' : 'b';
		}
	}
	*out = '\0';
	plan_clear(&plan);
	pool_clear(&p);
}

static void
check(const char *path, const struct sent *sent, size_t count, const char *want, const char *name)
{
	char got[64], file[64];

	write_log(path, "a", sent, count);
	layouts(path, got);
	is_text(got, want, "%s", name);
	(void)snprintf(file, sizeof(file), "%s.archive", path);
	world_archive(file, 300 * NS_PER_SEC, PATHS(path));
	layouts(file, got);
	is_text(got, want, "%s: from the archive, too", name);
}

#define BOOT 1700000000u

static void
orders(void)
{
	const struct sent late[] = {{1, 1000, BOOT, 0, true, true}, {2, 2000, BOOT, 0, true, true},
	    {3, 3000, BOOT, 'a', true, true}, {4, 4000, BOOT, 0, true, true}};
	const struct sent changed[] = {{1, 1000, BOOT, 'a', true, true}, {2, 2000, BOOT, 'b', true, true},
	    {3, 3000, BOOT, 0, true, true}, {4, 4000, BOOT, 'a', false, true},
	    {5, 5000, BOOT, 0, true, true}};
	const struct sent mixed[] = {{5, 5000, BOOT, 0, true, true}, {1, 1000, BOOT, 'a', true, true},
	    {4, 4000, BOOT, 'b', true, true}, {3, 3000, BOOT, 0, true, true}};
	const struct sent restart[] = {{1, 1000, BOOT, 'a', true, true}, {2, 2000, BOOT, 0, true, true},
	    {0, 100, BOOT + 60, 0, true, true}, {1, 1100, BOOT + 60, 0, true, true},
	    {2, 2100, BOOT + 60, 0, true, true}};
	const struct sent again[] = {{1, 1000, BOOT, 'a', true, true}, {0, 100, BOOT + 60, 0, true, true},
	    {1, 1100, BOOT + 60, 'b', true, true}, {2, 2100, BOOT + 60, 0, true, true}};
	const struct sent never[] = {{1, 1000, BOOT, 0, true, true}, {2, 2000, BOOT, 0, true, true}};

	check("late", late, 4, "AAaa", "data before their template are decoded late");
	check("changed", changed, 5, "abba", "a layout that changes under one id");
	check("mixed", mixed, 4, "aabb", "in the exporter's order, not in that of hearing");
	check("restart", restart, 5, "aa---", "a template of an earlier life does not hold");
	check("again", again, 4, "aBbb", "the next one of the same life does");
	check("never", never, 2, "--", "no template at all");
}

/* The datagram that brought the template was not heard; a snapshot tells of it. */
static void
snapshot(void)
{
	const struct sent sent[] = {{1, 1000, BOOT, 'a', false, true}, {2, 2000, BOOT, 0, true, true},
	    {9, 9000, BOOT, 0, true, true}};
	struct buf payload = BUF_INIT, body = BUF_INIT;
	struct addr exporter = addr_v4(0xc0000201);
	struct proto_info info;
	struct stream_key key;
	struct tmpl_defs defs;
	struct tmpl_def def;
	struct log_folder f;
	struct record r;
	char got[8];

	build(&payload, &sent[0]);
	if (proto_recognise(payload.data, payload.len, &info) != ERR_OK)
		give_up("no v9");
	key = stream_key_of(&exporter, 2055, &info);
	tmpl_defs_init(&defs, &key, &info, payload.data, payload.len);
	if (tmpl_defs_next(&defs, &def) != ERR_OK)
		give_up("no template");
	tmpl_def_write(&body, &def);
	log_folder_open(&f, "snapshot", "lab", "a", 1);
	r = world_record(RECORD_TEMPLATES, WORLD_T0, body.data, body.len);
	log_folder_add(&f, &r);
	for (unsigned i = 1; i < 3; i++) {
		build(&payload, &sent[i]);
		r = world_record(RECORD_DATAGRAM, WORLD_T0 + i, payload.data, payload.len);
		log_folder_add(&f, &r);
	}
	log_folder_close(&f, true);
	layouts("snapshot", got);
	is_text(got, "aa", "a definition that only a snapshot holds decodes what follows");
	world_archive("snapshot.archive", 300 * NS_PER_SEC, PATHS("snapshot"));
	layouts("snapshot.archive", got);
	is_text(got, "aa", "also when the log is gone");
	write_log("heard", "b", sent, 3);
	world_archive("both.archive", 300 * NS_PER_SEC, PATHS("snapshot.archive", "heard"));
	layouts("both.archive", got);
	is_text(got, "aa", "and when the datagram itself comes later");
	buf_clear(&payload);
	buf_clear(&body);
}

int
main(void)
{
	world_open();
	orders();
	snapshot();
	world_close();
	return done_testing();
}
