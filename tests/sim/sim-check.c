/* SPDX-License-Identifier: ISC
 *
 * The archive against the truth: datagrams, witnesses, times, windows, events, what was read. And verify: every
 * damaged file is named, and no other.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/pool.h"
#include "base/digest.h"
#include "base/hash.h"
#include "cluster/command.h"
#include "log/segment.h"
#include "tests/sim/sim.h"

/* --- datagrams --- */

static uint32_t
find_selected(struct world *w, const struct pool *p, const struct pool_datagram *d)
{
	const struct pool_selected *one = &p->selected[d->selected];

	for (uint32_t i = 0; i < w->sent_count; i++) {
		struct sent *s = &w->sent[i];
		const struct exporter *x = &w->exporters[w->streams[s->stream].exporter];

		if (s->len == one->len && x->port == d->port && addr_cmp(&x->addr, &d->addr) == 0 &&
		    memcmp(policy_sha256(s)->b, one->sha256.b, SHA256_SIZE) == 0)
			return i;
	}
	return NONE;
}

static uint32_t
find_sent(struct world *w, const struct pool *p, const struct pool_datagram *d, const uint8_t *payload)
{
	if (d->selected != POOL_NONE)
		return find_selected(w, p, d);
	for (uint32_t i = 0; i < w->sent_count; i++) {
		const struct sent *s = &w->sent[i];
		const struct exporter *x = &w->exporters[w->streams[s->stream].exporter];

		if (s->len == d->len && x->port == d->port && memcmp(s->payload, payload, s->len) == 0 &&
		    addr_cmp(&x->addr, &d->addr) == 0)
			return i;
	}
	return NONE;
}

static const struct heard *
find_heard(
    const struct world *w, const struct expect_datagram *d, const struct pool *p, const struct witness *v)
{
	const struct source *id = &p->sources[v->source].id;

	for (uint32_t i = 0; i < d->count; i++) {
		const struct heard *h = &d->heard[i];

		if (h->incarnation == id->incarnation && h->sequence == v->sequence &&
		    h->time_ns == v->time_ns && h->listener == v->listener && h->lane == id->lane &&
		    strcmp(w->nodes[h->node].name, id->node) == 0)
			return h;
	}
	return NULL;
}

static void
check_datagram(
    struct world *w, const struct expect *e, struct pool *p, const struct pool_datagram *d, uint8_t *seen)
{
	const struct expect_datagram *x;
	const uint8_t *payload;
	uint32_t sent;

	if (!CHECK(w, pool_payload(p, d, &payload) == ERR_OK, "archive: a payload cannot be read"))
		return;
	sent = find_sent(w, p, d, payload);
	if (!CHECK(w, sent != NONE, "archive: a datagram of %u bytes that nobody sent", d->len))
		return;
	if (!CHECK(w, e->of_sent[sent] != NONE, "archive: datagram %u, which no node has whole", sent))
		return;
	CHECK(w, !seen[sent], "archive: datagram %u stands twice", sent);
	seen[sent] = 1;
	x = &e->datagrams[e->of_sent[sent]];
	CHECK(w, (d->selected == POOL_NONE) == x->whole, "archive: datagram %u is %swhole", sent,
	    x->whole ? "not " : "");
	CHECK(w, x->whole || (x->body.len == d->len && memcmp(x->body.data, payload, d->len) == 0),
	    "archive: datagram %u is not the union of what nodes kept", sent);
	CHECK(w, d->time_ns == x->time_ns, "archive: datagram %u has time %" PRId64 ", not %" PRId64, sent,
	    d->time_ns, x->time_ns);
	CHECK(w, d->hearings == x->count, "archive: datagram %u has %u witnesses, not %u", sent, d->hearings,
	    x->count);
	for (uint32_t i = 0; i < d->hearings; i++) {
		const struct witness *v = &p->witnesses[d->hearing + i];

		CHECK(w, find_heard(w, x, p, v) != NULL,
		    "archive: datagram %u: witness %s record %" PRIu64 " time %" PRId64 " is not true", sent,
		    p->sources[v->source].id.node, v->sequence, v->time_ns);
		CHECK(w, i == 0 || v[-1].source != v->source || v[-1].sequence != v->sequence,
		    "archive: datagram %u: a witness stands twice", sent);
	}
}

static void
check_datagrams(struct world *w, const struct expect *e, struct pool *p)
{
	uint8_t *seen = sim_alloc(w->sent_count + 1);

	CHECK(
	    w, p->datagram_count == e->count, "archive: %zu datagrams, not %u", p->datagram_count, e->count);
	for (size_t i = 0; i < p->datagram_count; i++)
		check_datagram(w, e, p, &p->datagrams[i], seen);
	for (uint32_t i = 0; i < e->count; i++)
		CHECK(w, seen[e->datagrams[i].sent], "archive: datagram %u is missing", e->datagrams[i].sent);
	free(seen);
}

/* --- events --- */

static void
check_events(struct world *w, const struct expect *e, const struct pool *p)
{
	CHECK(w, p->event_count == e->event_count, "archive: %zu events, not %zu", p->event_count,
	    e->event_count);
	for (size_t i = 0; i < e->event_count; i++) {
		const struct file_record *r = e->events[i].record;
		const struct seg_file *f = e->events[i].file;
		bool found = false;

		for (size_t k = 0; k < p->event_count && !found; k++) {
			const struct pool_event *v = &p->events[k];
			const struct source *id = &p->sources[v->source].id;

			found = id->incarnation == f->incarnation && id->lane == f->lane &&
			    strcmp(id->node, w->nodes[f->node].name) == 0 && v->sequence == r->sequence &&
			    v->time_ns == r->time_ns && v->len == r->len &&
			    memcmp(p->bytes.data + v->at, r->body, r->len) == 0;
		}
		CHECK(w, found, "archive: event record %" PRIu64 " of %s is missing", r->sequence, f->name);
	}
}

/* --- what was read --- */

static bool
set_holds(const struct seq_set *s, uint64_t v)
{
	for (size_t i = 0; i < s->count; i++) {
		if ((int64_t)v >= s->ranges[i].from && (int64_t)v < s->ranges[i].to)
			return true;
	}
	return false;
}

/* Whether any input has the record whole. */
static bool
is_whole(const struct world *w, uint64_t incarnation, uint64_t sequence)
{
	for (uint32_t i = 0; i < w->file_count; i++) {
		const struct seg_file *f = &w->files[i];

		if (f->incarnation != incarnation || f->count == 0 || sequence < f->records[0].sequence ||
		    sequence - f->records[0].sequence >= f->count)
			continue;
		if (!f->records[sequence - f->records[0].sequence].gone)
			return true;
	}
	return false;
}

/* Whether a file before that one has lost the same record. */
static bool
is_counted(const struct world *w, uint32_t before, uint64_t sequence)
{
	for (uint32_t i = 0; i < before; i++) {
		const struct seg_file *f = &w->files[i];

		if (f->incarnation == w->files[before].incarnation && f->count > 0 &&
		    sequence >= f->records[0].sequence && sequence - f->records[0].sequence < f->count &&
		    f->records[sequence - f->records[0].sequence].known_lost)
			return true;
	}
	return false;
}

/* Lost is what some damaged place held and no input has whole. */
static void
check_lost(struct world *w, const struct pool_source *s)
{
	uint64_t lost = 0, known = 0;

	for (size_t i = 0; i < s->lost.count; i++) {
		for (int64_t v = s->lost.ranges[i].from; v < s->lost.ranges[i].to; v++, lost++)
			CHECK(w, !is_whole(w, s->id.incarnation, (uint64_t)v),
			    "archive: record %" PRId64 " counts as lost", v);
	}
	for (uint32_t i = 0; i < w->file_count; i++) {
		const struct seg_file *f = &w->files[i];

		for (size_t k = 0; f->incarnation == s->id.incarnation && k < f->count; k++) {
			if (!f->records[k].known_lost ||
			    is_whole(w, f->incarnation, f->records[k].sequence) ||
			    is_counted(w, i, f->records[k].sequence))
				continue;
			known++;
			CHECK(w, set_holds(&s->lost, f->records[k].sequence),
			    "archive: %s record %" PRIu64 " does not count as lost", f->name,
			    f->records[k].sequence);
		}
	}
	CHECK(w, lost == known, "archive: %" PRIu64 " records of %s count as lost, not %" PRIu64, lost,
	    s->id.node, known);
}

static void
check_source(struct world *w, const struct pool_source *s)
{
	uint64_t records = 0;
	bool damaged = false;

	for (uint32_t i = 0; i < w->file_count; i++) {
		const struct seg_file *f = &w->files[i];

		damaged |= f->damaged && f->incarnation == s->id.incarnation;

		for (size_t k = 0; f->incarnation == s->id.incarnation && k < f->count; k++) {
			const struct file_record *r = &f->records[k];

			if (r->gone)
				CHECK(w,
				    !set_holds(&s->read, r->sequence) ||
					is_whole(w, f->incarnation, r->sequence),
				    "archive: %s record %" PRIu64 " counts as read, and is nowhere whole",
				    f->name, r->sequence);
			else
				CHECK(w, set_holds(&s->read, r->sequence),
				    "archive: %s record %" PRIu64 " does not count as read", f->name,
				    r->sequence);
		}
	}
	for (size_t i = 0; i < s->read.count; i++)
		records += (uint64_t)(s->read.ranges[i].to - s->read.ranges[i].from);
	check_lost(w, s);
	CHECK(w, records > 0 || damaged, "archive: a source of %s with nothing", s->id.node);
}

/* --- windows --- */

/* XXH3-128 over the payload, with XXH3-64 over address and port as its seed. */
static struct digest128
digest_of(const struct world *w, uint32_t sent)
{
	const struct exporter *x = &w->exporters[w->streams[w->sent[sent].stream].exporter];
	uint8_t key[18];

	memcpy(key, x->addr.b, 16);
	key[16] = (uint8_t)(x->port >> 8);
	key[17] = (uint8_t)x->port;
	return digest128_seeded(w->sent[sent].payload, w->sent[sent].len, hash_bytes(key, sizeof(key)));
}

/* Before a pool is closed its datagrams stand as in the file: by time, address, port and digest. */
static void
check_order(struct world *w, const struct expect *e, struct pool *p, const char *path)
{
	uint32_t last = NONE;
	struct digest128 da = {0, 0}, db;

	for (size_t i = 0; i < p->datagram_count; i++) {
		const uint8_t *payload;
		const struct pool_datagram *d = &p->datagrams[i];
		uint32_t sent = pool_payload(p, d, &payload) == ERR_OK ? find_sent(w, p, d, payload) : NONE;
		int64_t c;

		if (sent == NONE || e->of_sent[sent] == NONE)
			return; /* that is told elsewhere */
		db = d->selected == POOL_NONE ? digest_of(w, sent) : d->digest;
		if (last != NONE) {
			const struct exporter *xa = &w->exporters[w->streams[w->sent[last].stream].exporter];
			const struct exporter *xb = &w->exporters[w->streams[w->sent[sent].stream].exporter];

			c = e->datagrams[e->of_sent[last]].time_ns - e->datagrams[e->of_sent[sent]].time_ns;
			if (c == 0)
				c = addr_cmp(&xa->addr, &xb->addr);
			if (c == 0)
				c = xa->port - xb->port;
			if (c == 0)
				c = digest128_cmp(&da, &db);
			CHECK(w, c < 0, "%s: datagrams %u and %u are in the wrong order", path, last, sent);
		}
		last = sent;
		da = db;
	}
}

/* Every window alone holds what belongs into it, and its name says so. */
static void
check_window(
    struct world *w, const struct expect *e, const char *archive, const char *name, uint64_t *datagrams)
{
	char path[512], why_text[64];
	struct pool p;
	struct buf why = BUF_INIT;
	int64_t begin = INT64_MAX;
	wall_t first = {0};

	snprintf(path, sizeof(path), "%s/%s", archive, name);
	pool_init(&p);
	if (CHECK(w, pool_add(&p, path, NULL, &why) == ERR_OK, "%s: cannot be read alone", path))
		check_order(w, e, &p, path);
	if (CHECK(w, pool_close(&p) == ERR_OK, "%s: cannot be closed", path)) {
		for (size_t i = 0; i < p.datagram_count; i++) {
			int64_t t = p.datagrams[i].time_ns,
				at = t - ((t % w->window_ns) + w->window_ns) % w->window_ns;

			CHECK(w, begin == INT64_MAX || begin == at, "%s: holds datagrams of several windows",
			    path);
			begin = at;
		}
		for (size_t i = 0; i < p.event_count; i++) {
			int64_t t = p.events[i].time_ns,
				at = t - ((t % w->window_ns) + w->window_ns) % w->window_ns;

			CHECK(w, begin == INT64_MAX || begin == at, "%s: holds an event of another window",
			    path);
			begin = at;
		}
		*datagrams += p.datagram_count;
		first.ns = begin;
		(void)wall_text(first, first.ns % NS_PER_SEC == 0 ? 0 : 9, why_text);
		for (char *from = why_text, *to = why_text;; from++) { /* its name has no punctuation */
			if (*from != '-' && *from != ':')
				*to++ = *from;
			if (*from == '\0')
				break;
		}
		CHECK(w, strncmp(why_text, name, strlen(why_text)) == 0, "%s: its first instant is %s", path,
		    why_text);
	}
	buf_clear(&why);
	pool_clear(&p);
}

static void
check_windows(struct world *w, const struct expect *e, const char *archive)
{
	DIR *d = opendir(archive);
	struct dirent *de;
	uint64_t datagrams = 0;

	while (d != NULL && (de = readdir(d)) != NULL) {
		if (strstr(de->d_name, ".fbw") != NULL)
			check_window(w, e, archive, de->d_name, &datagrams);
	}
	if (d != NULL)
		closedir(d);
	CHECK(w, datagrams == e->count, "archive: %" PRIu64 " datagrams in all windows, not %u", datagrams,
	    e->count);
}

void
check_archive(struct world *w, const struct expect *e, const char *archive)
{
	struct pool p;
	struct buf why = BUF_INIT;

	pool_init(&p);
	if (CHECK(w, pool_add(&p, archive, NULL, &why) == ERR_OK && pool_close(&p) == ERR_OK,
		"%s: cannot be read", archive)) {
		CHECK(w, p.findings == 0, "%s: %" PRIu64 " findings", archive, p.findings);
		check_datagrams(w, e, &p);
		check_events(w, e, &p);
		for (size_t i = 0; i < p.source_count; i++)
			check_source(w, &p.sources[i]);
	}
	buf_clear(&why);
	pool_clear(&p);
	check_windows(w, e, archive);
}

/* --- merge --json --- */

/* Whether some copy of a lost record has its header whole, and the reader comes by. */
static bool
is_named_anywhere(const struct world *w, uint64_t incarnation, uint64_t sequence)
{
	for (uint32_t i = 0; i < w->file_count; i++) {
		const struct seg_file *f = &w->files[i];

		if (f->incarnation == incarnation && f->count > 0 && sequence >= f->records[0].sequence &&
		    sequence - f->records[0].sequence < f->count &&
		    f->records[sequence - f->records[0].sequence].named)
			return true;
	}
	return false;
}

/* What the archive has is what the record was. */
static bool
heals(const struct expect_datagram *d, const struct file_record *r)
{
	if (r->type == RECORD_DATAGRAM || d->whole)
		return r->type == RECORD_DATAGRAM && d->whole;
	return d->body.len == r->len && memcmp(d->body.data, r->body, r->len) == 0;
}

/* Healed is what is lost, has a sound header, and names a datagram that is there. */
static void
check_healed(struct world *w, const struct expect *e, const struct json_value *v)
{
	int64_t lost = 0, healed = 0;

	for (uint32_t i = 0; i < w->file_count; i++) {
		const struct seg_file *f = &w->files[i];

		for (size_t k = 0; k < f->count; k++) {
			const struct file_record *r = &f->records[k];

			if (!r->known_lost || is_whole(w, f->incarnation, r->sequence) ||
			    is_counted(w, i, r->sequence))
				continue;
			lost++;
			healed += is_named_anywhere(w, f->incarnation, r->sequence) && r->sent != NONE &&
			    e->of_sent[r->sent] != NONE && heals(&e->datagrams[e->of_sent[r->sent]], r);
		}
	}
	CHECK(w, json_number(v, "damaged_records") == lost,
	    "merge --json: damaged_records %" PRId64 ", not %" PRId64, json_number(v, "damaged_records"),
	    lost);
	CHECK(w, json_number(v, "healed_records") == healed,
	    "merge --json: healed_records %" PRId64 ", not %" PRId64, json_number(v, "healed_records"),
	    healed);
}

void
check_report(struct world *w, const struct expect *e, const char *json)
{
	struct json_value *v = json_parse(json, strlen(json));
	const struct json_value *n;

	if (!CHECK(w, v != NULL, "merge --json: no JSON"))
		return;
	CHECK(w, json_number(v, "datagrams_in") == (int64_t)e->heard,
	    "merge --json: datagrams_in %" PRId64 ", not %" PRIu64, json_number(v, "datagrams_in"), e->heard);
	CHECK(w, json_number(v, "datagrams_out") == (int64_t)e->count,
	    "merge --json: datagrams_out %" PRId64 ", not %u", json_number(v, "datagrams_out"), e->count);
	check_healed(w, e, v);
	for (uint32_t node = 0; node < w->node_count; node++) {
		int64_t heard = 0, only = 0;

		for (uint32_t i = 0; i < e->count; i++) {
			heard += (e->datagrams[i].nodes >> node) & 1;
			only += e->datagrams[i].nodes == 1U << node;
		}
		n = json_get(v, "nodes");
		n = n != NULL ? n->first : NULL;
		while (n != NULL && !json_is(json_get(n, "node"), w->nodes[node].name))
			n = n->next;
		CHECK(w, (n != NULL) == ((e->nodes >> node) & 1), "merge --json: node %s is %s",
		    w->nodes[node].name, n != NULL ? "there" : "not there");
		if (n == NULL)
			continue;
		CHECK(w, json_number(n, "datagrams") == heard && json_number(n, "only_here") == only,
		    "merge --json: node %s: %" PRId64 " datagrams and %" PRId64 " alone, not %" PRId64
		    " and %" PRId64,
		    w->nodes[node].name, json_number(n, "datagrams"), json_number(n, "only_here"), heard,
		    only);
	}
	json_free(v);
}

/* --- verify --- */

static bool
is_named(const struct json_value *findings, const char *path)
{
	for (const struct json_value *f = findings != NULL ? findings->first : NULL; f != NULL; f = f->next) {
		if (json_is(json_get(f, "file"), path))
			return true;
	}
	return false;
}

static void
verify_logs(struct world *w)
{
	const char *argv[64] = {"verify", "-q", "--json"};
	size_t n = 3, len = 0;
	char *out = NULL;
	struct json_value *v;
	int status;

	for (uint32_t i = 0; i < w->folder_count; i++) {
		bool some = false;

		for (uint32_t k = w->folders[i].first; k < w->folders[i].first + w->folders[i].count; k++)
			some |= w->files[k].path[0] != '\0';
		if (some)
			argv[n++] = w->folders[i].path;
	}
	argv[n] = NULL;
	status = sim_command(w, argv, &out, &len);
	CHECK(w, status == (w->any_finding ? EXIT_FOUND : EXIT_CLEAN), "verify of logs: exit %d, damage: %d",
	    status, w->any_finding);
	v = json_parse(out, len);
	if (CHECK(w, v != NULL, "verify --json: no JSON")) {
		for (uint32_t i = 0; i < w->file_count; i++) {
			const struct seg_file *f = &w->files[i];

			if (f->path[0] != '\0')
				CHECK(w, is_named(json_get(v, "findings"), f->path) == f->damaged,
				    "verify: %s is %s", f->path,
				    f->damaged ? "damaged, and not named" : "named, and not damaged");
		}
	}
	json_free(v);
	free(out);
}

static int
verify_quietly(struct world *w, const char *path, struct json_value **ret, char **ret_text)
{
	const char *const argv[] = {"verify", "-q", "--json", path, NULL};
	size_t len = 0;
	int status = sim_command(w, argv, ret_text, &len);

	*ret = json_parse(*ret_text, len);
	return status;
}

/* One byte of one file of the archive is changed, and changed back. */
static void
verify_flipped(struct world *w, const char *archive)
{
	struct rng r = rng_fork(&w->rng, 6000);
	struct dirent **list;
	int n = scandir(archive, &list, NULL, alphasort), pick, fd, status;
	char path[512], *text = NULL;
	uint8_t byte, other;
	uint64_t offset;
	struct stat st;
	struct json_value *v = NULL;

	if (n < 0)
		return;
	do
		pick = (int)rng_below(&r, (uint64_t)n);
	while (list[pick]->d_name[0] == '.');
	snprintf(path, sizeof(path), "%s/%s", archive, list[pick]->d_name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0)
		abort();
	offset = rng_below(&r, (uint64_t)st.st_size);
	if (pread(fd, &byte, 1, (off_t)offset) != 1)
		abort();
	other = byte ^ (uint8_t)rng_between(&r, 1, 255);
	if (pwrite(fd, &other, 1, (off_t)offset) != 1)
		abort();
	status = verify_quietly(w, archive, &v, &text);
	CHECK(w, status == EXIT_FOUND, "verify: exit %d with byte %" PRIu64 " of %s changed", status, offset,
	    path);
	if (strcmp(list[pick]->d_name, "manifest") !=
	    0) { /* there it may be what the manifest says of another file */
		const struct json_value *findings = json_get(v, "findings");

		CHECK(w, is_named(findings, path), "verify: %s is not named with byte %" PRIu64 " changed",
		    path, offset);
		for (const struct json_value *f = findings != NULL ? findings->first : NULL; f != NULL;
		     f = f->next)
			CHECK(w, json_is(json_get(f, "file"), path), "verify: names more than %s", path);
	}
	if (pwrite(fd, &byte, 1, (off_t)offset) != 1)
		abort();
	close(fd);
	json_free(v);
	free(text);
	for (int i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

void
check_verify(struct world *w, const char *archive)
{
	struct json_value *v = NULL;
	char *text = NULL;

	verify_logs(w);
	CHECK(w, verify_quietly(w, archive, &v, &text) == EXIT_CLEAN, "verify: the archive is not clean");
	json_free(v);
	free(text);
	verify_flipped(w, archive);
}
