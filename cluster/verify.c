/* SPDX-License-Identifier: ISC
 *
 * flowbraid verify: every byte of logs and archives. Segments are judged by log/check alone; what is added
 * here is what stands between files: the chain of seals in a log, the manifest of an archive.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/input.h"
#include "archive/window_check.h"
#include "base/file.h"
#include "base/json.h"
#include "base/msg.h"
#include "cluster/absent.h"
#include "cluster/command.h"
#include "log/check.h"

static const char usage[] =
    "usage: flowbraid verify [--quick] [--from TIME] [--to TIME] [--json] [-q] PATH...\n"
    "Checks every byte of logs, segments and archives; --quick leaves out SHA-256.\n"
    "Exits 1 when something is damaged.\n";

struct verify {
	struct command_options o;
	bool quick;
	struct pool_span span;
	uint64_t records, damaged, segments, sealed, torn, findings;
	struct buf json_findings; /* their JSON objects, one after the other */
	struct json json;
	struct buf json_gone; /* likewise, of segments that are not there any more */
	struct json gone;
	/* of the log at hand: what is not there, and the chain */
	struct absent absent;
	bool has_last;
	uint16_t last_lane;
	uint64_t last_number;
	struct sha256 last_seal;
};

static void
note(struct verify *v, const char *path, const struct finding *f)
{
	v->findings++;
	command_finding(path, f);
	json_object(&v->json);
	json_put_text(&v->json, "file", path);
	json_put_u64(&v->json, "offset", f->offset);
	json_put_text(&v->json, "expected", f->expected);
	json_put_text(&v->json, "found", f->found);
	json_put_text(&v->json, "what", f->what);
	json_end(&v->json);
}

static void
note_text(struct verify *v, const char *path, uint64_t offset, const char *what, const char *expected,
    const char *found)
{
	struct finding f = {.offset = offset, .what = what};

	snprintf(f.expected, sizeof(f.expected), "%s", expected);
	snprintf(f.found, sizeof(f.found), "%s", found);
	note(v, path, &f);
}

/* A seal names its predecessor's digest. Where the predecessor is at hand, the two must agree. */
static void
check_chain(struct verify *v, const char *path, const struct segment_header *h, const struct check_result *r)
{
	if (v->has_last && r->sealed && v->last_lane == h->lane &&
	    r->seal.previous_number == v->last_number &&
	    memcmp(r->seal.previous.b, v->last_seal.b, SHA256_SIZE) != 0) {
		char expected[SHA256_TEXT_SIZE], found[SHA256_TEXT_SIZE];

		note_text(v, path, r->seal.length, "digest of the previous seal",
		    sha256_text(&v->last_seal, expected), sha256_text(&r->seal.previous, found));
	}
	v->has_last = r->sealed;
	v->last_lane = h->lane;
	v->last_number = h->number;
	if (r->sealed)
		v->last_seal = seal_digest(&r->seal);
}

/* A good record of an archive's file: its body, too. */
static bool
verify_body(
    struct verify *v, struct window_check *w, const struct check *c, const char *path, const struct record *r)
{
	struct finding f;
	enum err e;

	if (window_check_record(w, check_header(c)->kind, r, &f, &e))
		return true;
	if (e == ERR_UNKNOWN || e == ERR_MEMORY) {
		msg_error("%s: offset %" PRIu64 ": payloads: %s", path, check_offset(c),
		    e == ERR_UNKNOWN ? "compressed as this program cannot read" : err_text(e));
		return false;
	}
	f.offset = check_offset(c);
	note(v, path, &f);
	return true;
}

/* An event may tell of a segment that retention has removed. */
static bool
note_event(struct verify *v, const char *path, const struct segment_header *h, const struct record *r)
{
	enum err e = absent_event(&v->absent, "", h->lane, r->body, r->len);

	if (e != ERR_OK)
		msg_error("%s: %s", path, err_text(e));
	return e == ERR_OK;
}

/* All of one segment. False when reading failed (a message was printed). */
static bool
verify_segment(struct verify *v, struct input_file *f, bool in_log)
{
	int fd = input_fd(f);
	struct check *c;
	struct record record;
	struct finding finding;
	struct check_result result;
	struct window_check bodies = {.quick = v->quick};
	enum check_step step = CHECK_ERROR;
	bool ok = true;

	if (fd < 0 && errno == ENOENT && in_log) {
		msg_notice("%s: gone since the folder was listed: its node removed it", f->path);
		return true;
	}
	if (fd < 0 || check_open(fd, f->open_name, !v->quick, &c) != ERR_OK) {
		msg_error("%s: %s", f->path, strerror(errno));
		return false;
	}
	while (ok && ((step = check_next(c, &record, &finding)) == CHECK_RECORD || step == CHECK_FINDING)) {
		if (step == CHECK_RECORD && in_log && record.type == RECORD_EVENT)
			ok = note_event(v, f->path, check_header(c), &record);
		if (step == CHECK_RECORD) {
			ok = ok && verify_body(v, &bodies, c, f->path, &record);
		} else {
			window_check_damage(&bodies, &finding);
			v->damaged += finding.lost_first <= finding.lost_last
			    ? finding.lost_last - finding.lost_first + 1
			    : 0;
			note(v, f->path, &finding);
		}
	}
	if (step == CHECK_END) {
		check_result(c, &result);
		v->segments++;
		v->records += result.records;
		v->sealed += result.sealed;
		v->torn += result.torn;
		if (in_log && check_header(c) != NULL)
			check_chain(v, f->path, check_header(c), &result);
	} else if (ok) {
		msg_error("%s: %s", f->path, strerror(errno));
	}
	check_close(c);
	window_check_clear(&bodies);
	return step == CHECK_END;
}

/* SHA-256 of a whole file, against the manifest. */
static bool
verify_listed(struct verify *v, int dirfd, const char *archive, const struct manifest_file *m)
{
	static uint8_t piece[1 << 20];
	struct sha256_ctx *sha = sha256_new();
	char path[4096], expected[FINDING_TEXT_SIZE], found[FINDING_TEXT_SIZE];
	uint64_t size = 0;
	size_t n = 0;
	int fd = openat(dirfd, m->name, O_RDONLY | O_CLOEXEC);
	enum err e = sha != NULL ? ERR_OK : ERR_MEMORY;

	snprintf(path, sizeof(path), "%s/%s", archive, m->name);
	if (fd < 0 && errno == ENOENT) {
		note_text(v, path, 0, "file of the manifest", "a file", "none");
		sha256_free(sha);
		return true;
	}
	if (fd < 0)
		e = ERR_SYSTEM;
	while (e == ERR_OK && (e = file_pread(fd, piece, sizeof(piece), size, &n)) == ERR_OK && n > 0) {
		if (!v->quick)
			sha256_add(sha, piece, n);
		size += n;
	}
	if (fd >= 0)
		close(fd);
	if (e == ERR_OK) {
		struct sha256 d = sha256_end(sha);

		snprintf(expected, sizeof(expected), "%" PRIu64 " bytes", m->size);
		snprintf(found, sizeof(found), "%" PRIu64 " bytes", size);
		if (size != m->size) {
			note_text(
			    v, path, size < m->size ? size : m->size, "size of a file", expected, found);
		} else if (!v->quick && memcmp(d.b, m->digest.b, SHA256_SIZE) != 0) {
			note_text(v, path, 0, "SHA-256 of a file", sha256_text(&m->digest, expected),
			    sha256_text(&d, found));
		}
	} else {
		msg_error("%s: %s", path, err_text(e));
	}
	sha256_free(sha);
	return e == ERR_OK;
}

static int
name_in_manifest(const void *key, const void *element)
{
	return strcmp(key, ((const struct manifest_file *)element)->name);
}

/* Nothing may stand in an archive that its manifest does not list. */
static void
check_unlisted(struct verify *v, DIR *d, const struct input *in)
{
	struct dirent *de;

	while ((de = readdir(d)) != NULL) {
		char path[4096];

		if (de->d_name[0] == '.' || strcmp(de->d_name, MANIFEST_NAME) == 0 ||
		    bsearch(de->d_name, in->manifest.files, in->manifest.count, sizeof(in->manifest.files[0]),
			name_in_manifest) != NULL)
			continue;
		snprintf(path, sizeof(path), "%s/%s", in->path, de->d_name);
		note_text(
		    v, path, 0, "file beside the manifest", "none", "a file that the manifest does not list");
	}
}

static bool
verify_archive(struct verify *v, struct input *in)
{
	DIR *d = opendir(in->path);
	bool ok = d != NULL;

	if (!ok)
		msg_error("%s: %s", in->path, strerror(errno));
	for (size_t i = 0; i < in->manifest.count && ok; i++) {
		const struct manifest_file *f = &in->manifest.files[i];

		if (pool_needs(in, &(struct input_file){.path = (char *)f->name}, &v->span))
			ok = verify_listed(v, dirfd(d), in->path, f);
	}
	for (size_t i = 0; i < in->count && ok; i++) {
		if (pool_needs(in, &in->files[i], &v->span) && access(in->files[i].path, F_OK) == 0)
			ok = verify_segment(v, &in->files[i], false);
	}
	if (ok)
		check_unlisted(v, d, in);
	if (d != NULL)
		closedir(d);
	return ok;
}

static bool
header_of(struct input_file *f, struct segment_header *ret)
{
	int fd = input_fd(f);

	return fd >= 0 && check_read_header(fd, ret) == ERR_OK;
}

/* A segment of a log reaches from its beginning to that of the next one of its lane, by the node's clock. What cannot be
 * told is needed. */
static bool
is_needed(const struct verify *v, struct input *in, size_t i)
{
	struct segment_header h, next;

	if (!command_limited(&v->o) || !header_of(&in->files[i], &h))
		return true;
	if (h.time.ns >= v->span.to_ns)
		return false;
	return i + 1 == in->count || !header_of(&in->files[i + 1], &next) || next.lane != h.lane ||
	    next.time.ns < h.time.ns || next.time.ns > v->span.from_ns;
}

/* What a log does not hold any more is no damage: said, and no finding. */
static bool
note_gone(struct verify *v, const struct input *in)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < in->count && e == ERR_OK; i++)
		e = absent_present(&v->absent, in->files[i].path);
	if (e == ERR_OK)
		e = absent_tell(&v->absent, in->path, &v->gone);
	if (e != ERR_OK)
		msg_error("%s: %s", in->path, err_text(e));
	return e == ERR_OK;
}

static bool
verify_path(struct verify *v, const char *path)
{
	struct input in;
	unsigned line = 0;
	enum err e = input_open(path, NULL, &in, &line);
	bool ok = true;

	if (line > 0 && (e == ERR_MALFORMED || e == ERR_UNKNOWN)) { /* a damaged file is a finding */
		char name[4096], found[FINDING_TEXT_SIZE];

		snprintf(name, sizeof(name), "%s/%s", path, MANIFEST_NAME);
		snprintf(found, sizeof(found), "another line %u", line);
		note_text(v, name, 0, "manifest", "the lines that flowbraid-archive(5) tells", found);
		return true;
	}
	if (e != ERR_OK) {
		msg_error("%s: %s", path,
		    e == ERR_UNKNOWN ? "neither a log folder, nor a segment, nor an archive" : err_text(e));
		return false;
	}
	v->has_last = false;
	if (in.kind == INPUT_ARCHIVE) {
		ok = verify_archive(v, &in);
	} else {
		for (size_t i = 0; i < in.count && ok; i++) {
			if (in.kind == INPUT_LOG && !is_needed(v, &in, i))
				continue;
			command_progress(
			    &v->o, "verifying %s (%zu of %zu)", in.files[i].path, i + 1, in.count);
			ok = verify_segment(v, &in.files[i], in.kind == INPUT_LOG);
		}
		command_progress(&v->o, "%s", "");
		if (ok && in.kind == INPUT_LOG)
			ok = note_gone(v, &in);
		absent_clear(&v->absent);
	}
	input_clear(&in);
	return ok;
}

static bool
print_result(struct verify *v)
{
	struct buf out = BUF_INIT;
	bool ok;

	if (v->o.json) {
		struct json j;

		json_end(&v->json);
		json_init(&j, &out);
		json_object(&j);
		json_put_u64(&j, "records", v->records);
		json_put_u64(&j, "damaged", v->damaged);
		json_put_u64(&j, "segments", v->segments);
		json_put_u64(&j, "sealed", v->sealed);
		json_put_u64(&j, "torn", v->torn);
		json_key(&j, "findings");
		json_raw(&j, v->json_findings.data, v->json_findings.len);
		json_end(&v->gone);
		json_key(&j, "gone");
		json_raw(&j, v->json_gone.data, v->json_gone.len);
		json_end(&j);
		buf_u8(&out, '\n');
	} else {
		buf_printf(&out,
		    "%" PRIu64 " segments (%" PRIu64 " sealed, %" PRIu64 " torn), %" PRIu64
		    " good records, %" PRIu64 " damaged, %" PRIu64 " findings\n",
		    v->segments, v->sealed, v->torn, v->records, v->damaged, v->findings);
	}
	ok = command_output(&out);
	buf_clear(&out);
	return ok;
}

int
command_verify(int argc, char **argv)
{
	static const struct option longs[] = {{"json", no_argument, NULL, 'j'},
	    {"quick", no_argument, NULL, 'Q'}, COMMAND_TIMES, {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0}};
	struct verify v = {.json_findings = BUF_INIT, .json_gone = BUF_INIT};
	bool ok = true;
	int c;

	while ((c = getopt_long(argc, argv, "qh", longs, NULL)) != -1) {
		if (c == 'j') {
			v.o.json = true;
		} else if (c == 'Q') {
			v.quick = true;
		} else if (c == 'q') {
			v.o.quiet = true;
		} else if (c == COMMAND_OPTION_FROM || c == COMMAND_OPTION_TO) {
			if (!command_time(&v.o, c, optarg))
				return EXIT_UNABLE;
		} else {
			fputs(usage, c == 'h' ? stdout : stderr);
			return c == 'h' ? EXIT_CLEAN : EXIT_UNABLE;
		}
	}
	if (optind == argc) {
		fputs(usage, stderr);
		return EXIT_UNABLE;
	}
	v.span = command_span(&v.o);
	json_init(&v.json, &v.json_findings);
	json_array(&v.json);
	json_init(&v.gone, &v.json_gone);
	json_array(&v.gone);
	for (int i = optind; i < argc; i++)
		ok &= verify_path(&v, argv[i]);
	if (ok)
		ok = print_result(&v);
	buf_clear(&v.json_findings);
	buf_clear(&v.json_gone);
	return !ok ? EXIT_UNABLE : v.findings > 0 ? EXIT_FOUND : EXIT_CLEAN;
}
