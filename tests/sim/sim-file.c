/* SPDX-License-Identifier: ISC
 *
 * What stands in the nodes' files, by a reader of our own that knows sound files only: where each record begins and
 * ends, and that it is what the node was given. Damage is done on top of that, so that what is left is known.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rd.h"
#include "log/segment.h"
#include "tests/sim/sim.h"

static uint8_t *
slurp(const char *path, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *bytes;

	if (fd < 0 || fstat(fd, &st) != 0)
		abort();
	bytes = sim_alloc((size_t)st.st_size + 1);
	if (read(fd, bytes, (size_t)st.st_size) != st.st_size)
		abort();
	close(fd);
	*ret_len = (size_t)st.st_size;
	return bytes;
}

struct incarnation *
sim_incarnation(struct world *w, uint64_t id)
{
	for (uint32_t i = 0; i < w->incarnation_count; i++) {
		if (w->incarnations[i].id == id)
			return &w->incarnations[i];
	}
	return NULL;
}

uint64_t
file_incarnation(const char *path)
{
	struct segment_header head = {.incarnation = 0};
	size_t len;
	uint8_t *bytes = slurp(path, &len);

	if (len < SEGMENT_RECORDS_AT || segment_header_read(bytes, len, &head) != ERR_OK)
		head.incarnation = 0;
	free(bytes);
	return head.incarnation;
}

static bool
parse_record(struct rd *in, struct seg_file *f, struct file_record *ret)
{
	struct rd r = *in;
	struct file_record rec = {.sent = NONE};
	const uint8_t *at = r.at;

	if (rd_left(&r) < RECORD_HEADER_SIZE || rd_u16(&r) != RECORD_MARK)
		return false;
	rec.type = rd_u8(&r);
	rd_skip(&r, 1);
	rec.len = rd_u32(&r);
	rec.sequence = rd_u64(&r);
	rec.time_ns = (int64_t)rd_u64(&r);
	rd_skip(&r, 16 + 2);
	rec.listener = rd_u16(&r);
	rd_skip(&r, 12);
	rec.size = record_size(rec.len);
	if (rec.size > rd_left(in))
		return false;
	rec.body = sim_alloc(rec.len + 1);
	memcpy(rec.body, at + RECORD_HEADER_SIZE, rec.len);
	rd_skip(in, rec.size);
	(void)f;
	*ret = rec;
	return true;
}

/* Only for files that nothing has happened to: a record that is cut at the end is all that may be wrong. */
void
file_parse(struct world *w, const char *path, uint32_t node, uint16_t lane, struct seg_file *ret)
{
	struct seg_file f = {.node = node, .lane = lane};
	struct segment_header head;
	size_t len;
	uint8_t *bytes = slurp(path, &len);
	const char *name = strrchr(path, '/') + 1;
	struct file_record rec;
	struct rd in;

	snprintf(f.path, sizeof(f.path), "%s", path);
	snprintf(f.name, sizeof(f.name), "%s", name);
	f.open_name = strlen(name) > 5 && strcmp(name + strlen(name) - 5, ".open") == 0;
	f.number = strtoull(name + 3, NULL, 10);
	f.size = len;
	if (len < SEGMENT_RECORDS_AT || segment_header_read(bytes, len, &head) != ERR_OK) {
		CHECK(w, f.open_name && len < SEGMENT_RECORDS_AT, "%s: no segment header", path);
		f.header_bad = true;
	} else {
		f.incarnation = head.incarnation;
		CHECK(w, head.number == f.number, "%s: header has number %llu", path,
		    (unsigned long long)head.number);
		in = rd_init(bytes + SEGMENT_RECORDS_AT, len - SEGMENT_RECORDS_AT);
		while (parse_record(&in, &f, &rec)) {
			rec.offset = f.count > 0 ? f.records[f.count - 1].offset + f.records[f.count - 1].size
						 : SEGMENT_RECORDS_AT;
			CHECK(w, rec.sequence == head.first_sequence + f.count,
			    "%s: offset %llu: sequence %llu, not %llu", path, (unsigned long long)rec.offset,
			    (unsigned long long)rec.sequence,
			    (unsigned long long)(head.first_sequence + f.count));
			GROW(f.records, f.count);
			f.records[f.count++] = rec;
		}
		CHECK(w,
		    f.open_name ||
			(rd_left(&in) == 0 && f.count > 0 && f.records[f.count - 1].type == RECORD_SEAL),
		    "%s: does not end with a seal", path);
	}
	free(bytes);
	*ret = f;
}

static const struct appended *
find_appended(const struct incarnation *i, uint64_t sequence)
{
	size_t low = 0, high = i->count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (i->appended[mid].sequence < sequence)
			low = mid + 1;
		else
			high = mid;
	}
	return low < i->count && i->appended[low].sequence == sequence ? &i->appended[low] : NULL;
}

/* Each datagram in the file is the one that the node was given as that record. */
void
file_match(struct world *w, const struct seg_file *f)
{
	const struct incarnation *i = sim_incarnation(w, f->incarnation);

	if (f->header_bad || !CHECK(w, i != NULL, "%s: an incarnation that never was", f->path))
		return;
	for (size_t k = 0; k < f->count; k++) {
		struct file_record *r = &f->records[k];
		const struct appended *a = find_appended(i, r->sequence);
		const struct sent *s;

		if (r->type ==
		    RECORD_SEAL) /* after a kill it has the number of a record that never reached the disk */
			continue;
		CHECK(w, (a != NULL) == (r->type == RECORD_DATAGRAM || r->type == RECORD_SELECTED),
		    "%s: record %llu: type %u, given %s", f->path, (unsigned long long)r->sequence, r->type,
		    a != NULL ? "a datagram" : "none");
		if (a == NULL || (r->type != RECORD_DATAGRAM && r->type != RECORD_SELECTED))
			continue;
		if (r->type == RECORD_SELECTED) {
			CHECK(w, r->time_ns == a->time_ns && r->listener == a->listener,
			    "%s: record %llu: not as datagram %u was given", f->path,
			    (unsigned long long)r->sequence, a->sent);
			policy_match(w, f->path, &w->nodes[f->node], r, a->sent);
			r->sent = a->sent;
			continue;
		}
		s = &w->sent[a->sent];
		CHECK(w,
		    r->len == s->len && memcmp(r->body, s->payload, s->len) == 0 &&
			r->time_ns == a->time_ns && r->listener == a->listener,
		    "%s: record %llu: not datagram %u as it was given", f->path,
		    (unsigned long long)r->sequence, a->sent);
		r->sent = a->sent;
		free(r->body);
		r->body = NULL;
	}
}

/* --- damage --- */

void
file_alter(struct seg_file *f, uint64_t offset, const uint8_t *bytes, size_t len)
{
	int fd = open(f->path, O_RDWR | O_CLOEXEC);
	uint8_t *old = sim_alloc(len);

	if (fd < 0 || pread(fd, old, len, (off_t)offset) != (ssize_t)len ||
	    pwrite(fd, bytes, len, (off_t)offset) != (ssize_t)len)
		abort();
	close(fd);
	for (size_t k = 0; k < len; k++) {
		if (old[k] == bytes[k])
			continue;
		f->damaged = true;
		for (size_t i = 0; i < f->count; i++) {
			struct file_record *r = &f->records[i];

			if (offset + k < r->offset || offset + k >= r->offset + r->size)
				continue;
			r->gone = true;
			r->header_gone |= offset + k < r->offset + RECORD_HEADER_SIZE;
		}
	}
	free(old);
}

void
file_cut(struct seg_file *f, uint64_t at)
{
	if (truncate(f->path, (off_t)at) != 0)
		abort();
	for (size_t i = 0; i < f->count; i++) {
		f->records[i].gone |= f->records[i].offset + f->records[i].size > at;
		f->records[i].header_gone |= f->records[i].offset + RECORD_HEADER_SIZE > at;
	}
	f->damaged |= at < f->size;
	f->header_bad |= at < SEGMENT_HEADER_SIZE;
	f->size = at;
}

static void
flip(struct seg_file *f, uint64_t offset, struct rng *r)
{
	uint8_t byte;
	int fd = open(f->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || pread(fd, &byte, 1, (off_t)offset) != 1)
		abort();
	close(fd);
	byte ^= (uint8_t)rng_between(r, 1, 255);
	file_alter(f, offset, &byte, 1);
}

/* The end of what is whole: in an open file a torn tail follows. */
static uint64_t
whole_end(const struct seg_file *f)
{
	return f->count > 0 ? f->records[f->count - 1].offset + f->records[f->count - 1].size : 0;
}

static void
damage_file(struct seg_file *f, struct rng *r)
{
	unsigned what = (unsigned)rng_below(r, 100);

	if (f->header_bad || f->damaged || f->count == 0 || f->records[f->count - 1].gone)
		return; /* what else would be wrong with it cannot be told apart */
	if (what < 70) {
		int64_t n = rng_between(r, 1, 4);

		while (n-- > 0) /* no two in one header copy and the other: that is the case below */
			flip(f,
			    rng_chance(r, 10)
				? rng_below(r, SEGMENT_HEADER_SIZE)
				: SEGMENT_RECORDS_AT + rng_below(r, whole_end(f) - SEGMENT_RECORDS_AT),
			    r);
	} else if (what < 75) {
		flip(f, SEGMENT_HEADER_SIZE + rng_below(r, SEGMENT_HEADER_SIZE), r);
	} else if (what < 80) {
		flip(f, rng_below(r, SEGMENT_HEADER_SIZE), r);
		flip(f, SEGMENT_HEADER_SIZE + rng_below(r, SEGMENT_HEADER_SIZE), r);
		f->header_bad = true;
		for (size_t i = 0; i < f->count; i++)
			f->records[i].gone = true;
	} else if (!f->open_name) {
		file_cut(f, rng_below(r, f->size));
	}
}

static void
remove_file(struct world *w, uint32_t index)
{
	struct seg_file *f = &w->files[index];

	if (unlink(f->path) != 0)
		abort();
	for (size_t i = 0; i < f->count; i++)
		f->records[i].gone = true;
	f->size = 0;
	f->damaged = false;
	f->path[0] = '\0'; /* it is no input any more */
}

/* What a reader finds out of what is gone: a record whose header is whole is known by it; behind another one it looks for
 * the next whole record, and all that lies between is lost. At the end of a file there is none. */
static void
find_losses(struct seg_file *f)
{
	bool damaged = f->damaged && !f->header_bad;

	for (size_t i = 0, next; damaged && i < f->count; i = next) {
		struct file_record *r = &f->records[i];

		next = i + 1;
		if (!r->gone)
			continue;
		if (!r->header_gone) {
			r->known_lost = r->type != RECORD_SEAL;
			r->named = r->type == RECORD_DATAGRAM || r->type == RECORD_SELECTED;
			if (r->offset + r->size > f->size) /* its body is cut: there is nothing behind it */
				return;
			continue;
		}
		while (next < f->count && f->records[next].gone)
			next++;
		for (size_t k = i; next < f->count && k < next; k++)
			f->records[k].known_lost = true;
	}
}

void
sim_damage(struct world *w)
{
	struct rng r = rng_fork(&w->rng, 4000);
	unsigned much = rng_chance(&r, 50) ? 0 : (unsigned)rng_between(&r, 5, 40);

	for (uint32_t i = 0; i < w->file_count; i++) {
		if (!rng_chance(&r, much))
			continue;
		if (rng_chance(&r, 15))
			remove_file(w, i);
		else
			damage_file(&w->files[i], &r);
	}
	for (uint32_t i = 0; i < w->file_count; i++) {
		w->any_finding |= w->files[i].damaged;
		find_losses(&w->files[i]);
	}
}

/* --- collecting --- */

/* Numbers are used again when nothing of a segment was left; incarnations are not. any: whatever incarnation.
 * Looks among the first `kills` only: a copy knows nothing of what came later. */
static struct kill_truth *
killed(struct world *w, const struct seg_file *f, uint32_t kills, bool any)
{
	for (uint32_t i = kills; i-- > 0;) {
		struct kill_truth *k = &w->kills[i];

		if (k->node == f->node && k->lane == f->lane && k->number == f->number &&
		    (any || k->file.incarnation == f->incarnation))
			return k;
	}
	return NULL;
}

/* The file was open when its node was killed, and recovered since: what was whole then stands there, and a seal. */
static void
check_recovered(struct world *w, const struct seg_file *f, const struct seg_file *before)
{
	size_t n = 0;

	for (size_t i = 0; i < before->count; i++) {
		const struct file_record *b = &before->records[i];

		if (b->gone)
			continue;
		if (!CHECK(w,
			n < f->count && f->records[n].sequence == b->sequence &&
			    f->records[n].offset == b->offset,
			"%s: record %llu was whole before recovery", f->path,
			(unsigned long long)b->sequence))
			return;
		n++;
	}
	CHECK(w, f->count == n + 1, "%s: %zu records after recovery of %zu", f->path, f->count, n);
}

static void
collect_file(struct world *w, const char *path, uint32_t node, uint16_t lane, bool copy, bool newest)
{
	struct seg_file f = {.node = node, .lane = lane};
	const char *name = strrchr(path, '/') + 1;
	uint32_t kills = copy ? w->nodes[node].copy_kills[lane] : w->kill_count;
	struct kill_truth *k = NULL;

	f.number = strtoull(name + 3, NULL, 10);
	if (strstr(name, ".open") != NULL)
		k = killed(w, &f, kills, true);
	if (k != NULL && (!copy || k->file.damaged)) { /* as it was left */
		CHECK(w, newest || k->file.damaged, "%s: was not recovered", path);
		f = k->file;
		f.records = sim_alloc(
		    (f.count + 1) * sizeof(*f.records)); /* bodies are shared, and never changed */
		memcpy(f.records, k->file.records, f.count * sizeof(*f.records));
		snprintf(f.path, sizeof(f.path), "%s", path);
	} else {
		file_parse(w, path, node, lane, &f);
		file_match(w, &f);
		CHECK(w, copy || !f.open_name || newest, "%s: is still open", path);
		k = killed(w, &f, kills, false);
		if (k != NULL)
			check_recovered(w, &f, &k->file);
	}
	f.copy = copy;
	GROW(w->files, w->file_count);
	w->files[w->file_count++] = f;
}

static int
is_segment(const struct dirent *de)
{
	return strstr(de->d_name, ".fbs") != NULL;
}

static void
collect_folder(struct world *w, const char *kind, uint32_t node, uint16_t lane)
{
	struct folder_input in = {.first = w->file_count};
	struct dirent **list;
	int n;

	snprintf(in.path, sizeof(in.path), "%.120s/%s-%u-%u", w->folder, kind, node, lane);
	n = scandir(in.path, &list, is_segment, alphasort);
	if (n < 0)
		return;
	for (int i = 0; i < n; i++) {
		char path[256];

		snprintf(path, sizeof(path), "%.150s/%.63s", in.path, list[i]->d_name);
		collect_file(w, path, node, lane, strcmp(kind, "copy") == 0, i == n - 1);
		free(list[i]);
	}
	free(list);
	in.count = w->file_count - in.first;
	GROW(w->folders, w->folder_count);
	w->folders[w->folder_count++] = in;
}

/* Everything that reached the disk in an incarnation is a beginning of what was appended, and as long as it must be. */
static void
check_prefix(struct world *w, const struct incarnation *i)
{
	uint64_t last = 0, found = 0, given = 0, flushed = 0;
	bool lost = false;

	for (uint32_t k = 0; k < w->file_count; k++) {
		const struct seg_file *f = &w->files[k];

		if (f->copy || f->incarnation != i->id)
			continue;
		for (size_t n = 0; n < f->count; n++) {
			found += f->records[n].sent != NONE;
			if (f->records[n].type != RECORD_SEAL && f->records[n].sequence > last)
				last = f->records[n].sequence;
		}
	}
	for (uint32_t k = 0; k < w->kill_count; k++)
		lost |= w->kills[k].file.incarnation == i->id;
	for (size_t n = 0; n < i->count; n++) {
		given += i->appended[n].sequence <= last;
		flushed += i->appended[n].sequence < i->flushed;
	}
	CHECK(w, found == given && (lost || found >= flushed),
	    "incarnation %llx: %llu datagrams stand in files, %llu were appended before the last, %llu were flushed",
	    (unsigned long long)i->id, (unsigned long long)found, (unsigned long long)given,
	    (unsigned long long)flushed);
}

void
sim_collect(struct world *w)
{
	for (uint32_t n = 0; n < w->node_count; n++) {
		for (uint16_t lane = 0; lane < w->nodes[n].lanes; lane++) {
			collect_folder(w, "log", n, lane);
			collect_folder(w, "copy", n, lane);
		}
	}
	for (uint32_t i = 0; i < w->incarnation_count; i++)
		check_prefix(w, &w->incarnations[i]);
}
