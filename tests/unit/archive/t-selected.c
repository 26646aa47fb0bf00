/* SPDX-License-Identifier: ISC
 *
 * Nodes with policies: what they keep of one datagram is united, a whole copy takes the place of all, and the archive has
 * the same bytes whatever the order and the grouping. Random worlds; what is derived must be as from whole datagrams.
 */
#include <dirent.h>
#include <string.h>

#include "archive/plan.h"
#include "archive/reader.h"
#include "archive/window_check.h"
#include "base/compress.h"
#include "flow/selected.h"
#include "tests/message.h"
#include "tests/sample.h"
#include "tests/tap.h"
#include "tests/templates.h"
#include "tests/unit/archive/world.h"

#define NODES 4
#define DATAGRAMS 20
#define WINDOW (60 * NS_PER_SEC)

static uint64_t random_state;
static uint32_t
draw(uint32_t below)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)((random_state >> 33) % below);
}

/* --- datagrams --- */

static struct buf datagrams[DATAGRAMS];
static const struct addr exporter = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1}};
static struct template_list templates;
static struct selected_writer *writer;

static void
put_sets(struct buf *b, bool ipfix, bool defines, uint32_t number)
{
	static const uint16_t fields[] = {8, 4, 12, 4, 7, 2, 11, 2, 1, 4};
	static const uint16_t options[] = {1, 4, 34, 4};

	if (defines) {
		message_set(b, ipfix ? 2 : 0);
		message_template(b, 256, fields, 5);
		message_set_end(b);
	}
	if (defines && !ipfix) {
		message_set(b, 1);
		message_options_template(b, 257, options, 1, 2);
		buf_u16(b, 0);
		message_set_end(b);
		message_set(b, 257);
		buf_u32(b, 0);
		buf_u32(b, 100 + number);
		message_set_end(b);
	}
	message_set(b, 256);
	for (uint32_t i = 0; i < 3; i++) {
		buf_u32(b, 0x0a000000 + number);
		buf_u32(b, 0x0a010000 + i);
		buf_u32(b, 40000u << 16 | 443);
		buf_u32(b, number * 10 + i);
	}
	message_set_end(b);
}

static void
make_sflow(struct buf *b, uint32_t number)
{
	struct sample s;

	sample_begin(&s, 4);
	sample_flow(&s);
	sample_counters(&s);
	sample_flow(&s);
	sample_flow(&s);
	sample_end(&s);
	sample_put(&s, 16, 77 + number);     /* sequence */
	sample_put(&s, 20, 360000 + number); /* uptime */
	buf_reset(b);
	buf_bytes(b, s.bytes.data, s.bytes.len);
	buf_clear(&s.bytes);
}

/* Five of each protocol, three flows in each; the second of v9 and IPFIX brings the templates. */
static void
make_datagrams(void)
{
	struct proto_info info;
	struct stream_key key;

	for (uint32_t i = 0; i < DATAGRAMS; i++) {
		struct buf *b = &datagrams[i];
		uint32_t k = i / 4;

		switch (i % 4) {
		case 0:
			message_old(b, 5, 3, 3 * k);
			for (uint8_t n = 0; n < 3; n++)
				message_old_record(b, 5, (uint8_t)(3 * k + n));
			break;
		case 1:
			message_v9(b, k, 5);
			put_sets(b, false, k == 1, k);
			break;
		case 2:
			message_ipfix(b, 3 * k, 7);
			put_sets(b, true, k == 1, k);
			break;
		default:
			make_sflow(b, k);
		}
		if (proto_recognise(b->data, b->len, &info) != ERR_OK)
			give_up("no datagram");
		key = stream_key_of(&exporter, 2055, &info);
		templates_learn(&templates, &key, &info, b->data, b->len);
	}
}

/* --- nodes --- */

static struct world_node {
	bool whole; /* it has no policy */
	uint32_t heard;
	uint32_t flows[DATAGRAMS]; /* bits: kept */
	uint64_t ids;
	uint32_t tag;
} nodes[NODES];

static const struct world_node *writing;
static uint32_t writing_at;

static bool
keeps_flow(void *ctx, const struct flow *f, uint32_t *tags, size_t *n_tags)
{
	(void)ctx;
	tags[0] = writing->tag;
	*n_tags = 1;
	return (writing->flows[writing_at] >> f->index & 1) != 0;
}

static bool
keeps_field(void *ctx, const struct tmpl_field *f)
{
	(void)ctx;
	return (writing->ids >> (f->id & 63) & 1) != 0;
}

static void
select_into(const struct buf *b, struct buf *body)
{
	static const struct selected_choice choice = {NULL, keeps_flow, keeps_field};
	struct sha256 digest = sha256_of(b->data, b->len);
	struct proto_info info;
	bool complete;

	if (proto_recognise(b->data, b->len, &info) != ERR_OK)
		give_up("no datagram");
	templates.stream = stream_key_of(&exporter, 2055, &info);
	buf_reset(body);
	if (selected_write(writer, b->data, b->len, &info, &digest, templates_resolve, &templates, &choice,
		body, &complete) != ERR_OK ||
	    !complete)
		give_up("cannot select");
}

/* Their logs; whole: as if none had a policy. */
static void
write_logs(const char *prefix, bool whole)
{
	struct buf body = BUF_INIT;

	for (uint32_t n = 0; n < NODES; n++) {
		struct log_folder f;
		char path[32], name[8];

		(void)snprintf(path, sizeof(path), "%s%u", prefix, n);
		(void)snprintf(name, sizeof(name), "n%u", n);
		log_folder_open(&f, path, "lab", name, 1 + n);
		writing = &nodes[n];
		for (uint32_t i = 0; i < DATAGRAMS; i++) {
			bool raw = whole || nodes[n].whole;
			struct record r = world_record(RECORD_DATAGRAM,
			    WORLD_T0 + (i * 10 + n % 3) * NS_PER_SEC, datagrams[i].data, datagrams[i].len);

			writing_at = i;
			if ((nodes[n].heard >> i & 1) == 0)
				continue;
			if (!raw) {
				select_into(&datagrams[i], &body);
				r.type = RECORD_SELECTED;
				r.body = body.data;
				r.len = (uint32_t)body.len;
			}
			log_folder_add(&f, &r);
		}
		log_folder_close(&f, true);
	}
	buf_clear(&body);
}

static void
make_nodes(void)
{
	for (uint32_t n = 0; n < NODES; n++) {
		struct world_node *w = &nodes[n];

		*w = (struct world_node){
		    .whole = draw(3) == 0, .heard = draw(1 << DATAGRAMS), .tag = draw(3)};
		w->heard |= draw(1 << DATAGRAMS) | (n == 0 ? 1 << 5 | 1 << 6 : 0); /* templates */
		w->ids = (uint64_t)draw(1u << 31) << 32 | draw(1u << 31);
		for (uint32_t i = 0; i < DATAGRAMS; i++)
			w->flows[i] = draw(2) == 0 ? draw(8) : 0;
	}
}

static void
remove_all(void)
{
	if (system("rm -rf ./*") != 0)
		give_up("cannot remove files");
}

/* --- the truth --- */

static uint32_t
number_of(const struct proto_info *info)
{
	switch (info->proto) {
	case PROTO_V5:
		return info->sequence / 3 * 4;
	case PROTO_V9:
		return info->sequence * 4 + 1;
	case PROTO_IPFIX:
		return info->sequence / 3 * 4 + 2;
	default:
		return (info->sequence - 77) * 4 + 3;
	}
}

/* What the archive must hold of a datagram: flows, and whether it is whole. False: nobody heard it. */
static bool
wanted(uint32_t i, uint32_t *ret_flows, bool *ret_whole)
{
	bool heard = false;

	*ret_flows = 0;
	*ret_whole = false;
	for (uint32_t n = 0; n < NODES; n++) {
		if ((nodes[n].heard >> i & 1) == 0)
			continue;
		heard = true;
		*ret_whole |= nodes[n].whole;
		*ret_flows |= nodes[n].flows[i];
	}
	if (*ret_whole)
		*ret_flows = 7;
	return heard;
}

/* The tags and the fields that a flow must have. */
static bool
flow_is_right(const struct flow *f, uint32_t i)
{
	uint32_t tags = 0, got = 0;
	uint64_t ids = 0;
	struct flow_walk w;
	struct flow_value v;
	bool right = true;

	for (uint32_t n = 0; n < NODES; n++) {
		if (!nodes[n].whole && (nodes[n].heard >> i & 1) != 0 &&
		    (nodes[n].flows[i] >> f->index & 1) != 0) {
			tags |= 1u << nodes[n].tag;
			ids |= nodes[n].ids;
		}
	}
	for (unsigned k = 0; k < f->tag_count; k++)
		got |= 1u << f->tags[k];
	flow_walk_init(&w, f);
	while (flow_walk_next(&w, &v))
		right &= (ids >> (v.field->id & 63) & 1) != 0;
	return right && got == tags;
}

/* Without a template a v9 or IPFIX datagram that is whole gives no flow, so those are passed over. */
static bool
needs_template(uint32_t i)
{
	return i % 4 == 1 || i % 4 == 2;
}

static void
read_back(const char *path, uint64_t seed)
{
	struct reader_options o = {.span = {INT64_MIN, INT64_MAX}, .names = true};
	struct buf why = BUF_INIT;
	struct reader *r;
	struct reader_datagram d;
	unsigned wrong = 0, count = 0, want_count = 0;

	if (reader_new(&o, &r) != ERR_OK || reader_open(r, path, &why) != ERR_OK)
		give_up("cannot read");
	while (reader_next(r, &d) == ERR_OK) {
		uint32_t i = number_of(d.info), flows = 0, want;
		bool whole;
		struct flow f;

		count++;
		if (!wanted(i, &want, &whole)) {
			wrong++;
			continue;
		}
		wrong += whole != (d.payload != NULL) || d.len != datagrams[i].len;
		while (decode_next(d.decode, &f) == ERR_OK) {
			if (f.options)
				continue;
			flows |= 1u << f.index;
			wrong += !whole && !flow_is_right(&f, i);
		}
		wrong += flows != want && !(whole && needs_template(i) && flows == 0);
	}
	for (uint32_t i = 0; i < DATAGRAMS; i++) {
		uint32_t flows;
		bool whole;

		want_count += wanted(i, &flows, &whole);
	}
	if (wrong > 0 || count != want_count || reader_findings(r) > 0)
		ok(false, "seed %" PRIu64 ": %u datagrams, %u wanted, %u wrong", seed, count, want_count,
		    wrong);
	reader_free(r);
	buf_clear(&why);
}

/* --- laws --- */

static uint64_t
archive_of(const char *out, const char *const *paths)
{
	return world_archive(out, WINDOW, paths);
}

#define ARCHIVE(out, ...) archive_of(out, (const char *const[]){__VA_ARGS__, NULL})

static unsigned
check_laws(void)
{
	uint64_t all = ARCHIVE("all", "n0", "n1", "n2", "n3");
	unsigned broken = 0;

	broken += ARCHIVE("back", "n3", "n1", "n0", "n2", "n1") != all;
	(void)ARCHIVE("a01", "n0", "n1");
	(void)ARCHIVE("a12", "n2", "n1");
	(void)ARCHIVE("a3", "n3");
	broken += ARCHIVE("g1", "a01", "n2", "n3") != all;
	broken += ARCHIVE("g2", "a3", "a12", "n0") != all;
	broken += ARCHIVE("g3", "a12", "a01", "a3", "all") != all;
	if (compress_version() == NULL) /* this build has no zstd */
		return broken;
	broken += world_packed("z", WINDOW, 1, (const char *const[]){"a3", "n2", "a01", NULL}) !=
	    world_packed("y", WINDOW, 1, (const char *const[]){"n0", "n1", "n2", "n3", NULL});
	return broken;
}

/* Into an archive that is read without its payloads. */
static bool
lazy_is_same(void)
{
	struct buf why = BUF_INIT;
	struct pool a, b;
	bool same;

	pool_init(&a);
	a.lazy = true;
	if (pool_add(&a, "a01", NULL, &why) != ERR_OK)
		give_up("cannot read lazily");
	a.lazy = false;
	if (pool_add(&a, "n2", NULL, &why) != ERR_OK || pool_add(&a, "n3", NULL, &why) != ERR_OK ||
	    pool_close(&a) != ERR_OK || world_pool(&b, (const char *const[]){"all", NULL}) != ERR_OK)
		give_up("cannot read");
	same = a.datagram_count == b.datagram_count && a.definition_count == b.definition_count;
	for (size_t i = 0; i < a.datagram_count && same; i++) {
		const struct pool_datagram *x = &a.datagrams[i], *y = &b.datagrams[i];
		const uint8_t *bytes;
		uint8_t *copy = malloc(x->len + 1u);

		same = digest128_cmp(&x->digest, &y->digest) == 0 && x->len == y->len &&
		    x->hearings == y->hearings && x->data == y->data && x->units == y->units &&
		    x->defines == y->defines && x->places == y->places &&
		    pool_payload(&a, x, &bytes) == ERR_OK;
		if (same) {
			memcpy(copy, bytes, x->len);
			same = pool_payload(&b, y, &bytes) == ERR_OK && memcmp(copy, bytes, x->len) == 0;
		}
		free(copy);
	}
	pool_clear(&a);
	pool_clear(&b);
	buf_clear(&why);
	return same;
}

/* What the account of a stream is made of. */
static void
account(const char *const *paths, struct buf *out)
{
	struct pool p;
	struct plan plan;

	buf_reset(out);
	if (world_pool(&p, paths) != ERR_OK || plan_make(&p, &plan) != ERR_OK)
		give_up("cannot plan");
	for (size_t i = 0; i < plan.epoch_count; i++) {
		const struct plan_epoch *ep = &plan.epochs[i];

		buf_printf(out, "%s epoch %u\n", proto_name((enum proto)p.streams[ep->stream].key.proto),
		    ep->number);
		for (size_t k = ep->first; k < ep->first + ep->count; k++) {
			const struct seq_item *it = &plan.items[k];
			uint32_t state = plan.sampling[it->tag];

			buf_printf(out, "  %u at %" PRId64 ": %u units%s, data %d, sampling %u\n",
			    it->sequence, it->position, it->units, it->units_unknown ? "?" : "", it->data,
			    state != REF_NONE ? plan.states[state].entries[0].interval : 0);
		}
	}
	buf_u8(out, 0);
	plan_clear(&plan);
	pool_clear(&p);
}

/* Each window's records have their form. */
static unsigned
check_windows(const char *path)
{
	unsigned findings = 0, files = 0;
	struct input in;
	unsigned line;

	if (input_open(path, NULL, &in, &line) != ERR_OK)
		give_up("cannot open the archive");
	for (size_t i = 0; i < in.count; i++) {
		struct window_check w = {.quick = false};
		struct check *c;
		struct record r;
		struct finding f;
		enum check_step step;

		if (check_open(input_fd(&in.files[i]), false, true, &c) != ERR_OK)
			give_up("cannot check");
		while ((step = check_next(c, &r, &f)) == CHECK_RECORD) {
			enum err e;

			if (!window_check_record(&w, check_header(c)->kind, &r, &f, &e)) {
				printf(
				    "# %s: %s: expected %s, found %s\n", path, f.what, f.expected, f.found);
				findings++;
			}
		}
		findings += step != CHECK_END;
		files++;
		check_close(c);
		window_check_clear(&w);
	}
	input_clear(&in);
	return files > 0 ? findings : 1;
}

static void
test_worlds(uint64_t from, uint64_t count)
{
	struct buf got = BUF_INIT, want = BUF_INIT;
	unsigned broken = 0, differ = 0, findings = 0, lazy = 0;

	for (uint64_t seed = from; seed < from + count; seed++) {
		random_state = seed;
		make_nodes();
		write_logs("n", false);
		write_logs("w", true);
		broken += check_laws();
		lazy += !lazy_is_same();
		findings += check_windows("all");
		read_back("all", seed);
		account((const char *const[]){"n0", "n1", "n2", "n3", NULL}, &got);
		account((const char *const[]){"w0", "w1", "w2", "w3", NULL}, &want);
		if (strcmp((char *)got.data, (char *)want.data) != 0 && differ++ == 0)
			printf("# seed %" PRIu64 " got\n%s# want\n%s", seed, (char *)got.data,
			    (char *)want.data);
		remove_all();
	}
	is_u64(broken, 0, "the same bytes whatever the order and the grouping");
	is_u64(lazy, 0, "the same from an archive that is read without its payloads");
	is_u64(findings, 0, "windows have their form");
	is_u64(differ, 0, "order, counts and sampling are as from whole datagrams");
	buf_clear(&got);
	buf_clear(&want);
}

int
main(void)
{
	const char *seeds = getenv("SELECTED_SEEDS");

	writer = selected_writer_new();
	if (writer == NULL)
		return 2;
	make_datagrams();
	world_open();
	test_worlds(1, seeds != NULL ? strtoul(seeds, NULL, 10) : 12);
	world_close();
	templates_clear(&templates);
	selected_writer_free(writer);
	for (uint32_t i = 0; i < DATAGRAMS; i++)
		buf_clear(&datagrams[i]);
	return done_testing();
}
