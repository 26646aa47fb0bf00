/* SPDX-License-Identifier: ISC
 *
 * flowbraid merged: which sealed segments of logs stand in an archive with every record, so that a node that was told
 * to keep what is unmerged may remove them. The archive's ranges of record sequences decide; of the archive only its
 * common file is read.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/msg.h"
#include "cluster/command.h"
#include "log/folder.h"
#include "log/merged.h"

static const char usage[] =
    "usage: flowbraid merged [-w | -o FILE] [--json] [-q] ARCHIVE PATH...\n"
    "Prints name and digest of each sealed segment of logs that the archive holds with every record;\n"
    "-w writes them to the file `merged` of each log's folder, -o to FILE.\n"
    "Exits 1 when something is damaged.\n";

enum { STATE_MERGED, STATE_UNMERGED, STATE_OPEN, STATE_DAMAGED };
static const char *const state_names[] = {"merged", "unmerged", "open", "damaged"};

struct merged_command {
	struct command_options o;
	bool write;
	const char *output;
	struct pool archive;
	struct buf list; /* lines of the log at hand; without -w of all */
	struct buf json_segments;
	struct json json;
	uint64_t counts[4]; /* by state */
	uint64_t findings;
};

/* --- the archive --- */

/* What the manifest lists must be there, as long as it says: else the archive may hold less than it claims. verify looks at
 * the bytes, too. */
static bool
has_its_files(struct merged_command *m, const struct input *in)
{
	bool all = true;

	for (size_t i = 0; i < in->manifest.count; i++) {
		const struct manifest_file *f = &in->manifest.files[i];
		char path[4096];
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", in->path, f->name);
		if (stat(path, &st) != 0)
			msg_warn("%s: expected a file, as the manifest lists it, found: %s", path,
			    strerror(errno));
		else if ((uint64_t)st.st_size != f->size)
			msg_warn("%s: expected %" PRIu64 " bytes, as the manifest lists it, found %" PRIu64,
			    path, f->size, (uint64_t)st.st_size);
		else
			continue;
		m->findings++;
		all = false;
	}
	return all;
}

static bool
is_whole_archive(const struct input *in)
{
	if (in->kind != INPUT_ARCHIVE)
		msg_error("%s: not an archive", in->path);
	else if (in->manifest.shard.of > 0)
		msg_error("%s: shard %" PRIu32 "/%" PRIu32 " of an archive: expected a whole one", in->path,
		    in->manifest.shard.number, in->manifest.shard.of);
	else if (in->manifest.limited)
		msg_error("%s: an archive of a span of time: expected a whole one", in->path);
	else
		return true;
	return false;
}

static bool
read_archive(struct merged_command *m, char *path)
{
	struct input in;
	unsigned line = 0;
	enum err e = input_open(path, NULL, &in, &line);
	bool ok;

	if (e != ERR_OK) {
		if (line > 0)
			msg_error("%s/%s:%u: %s", path, MANIFEST_NAME, line, err_text(e));
		else
			msg_error("%s: %s", path, e == ERR_UNKNOWN ? "not an archive" : err_text(e));
		return false;
	}
	ok = is_whole_archive(&in);
	if (ok && !has_its_files(m, &in)) {
		msg_error("%s: damaged: nothing is listed", path);
		ok = false;
	}
	input_clear(&in);
	if (!ok)
		return false;
	/* A span behind all windows: none is read. */
	m->o.has_from = true;
	m->o.span = (struct pool_span){INT64_MAX - 1, INT64_MAX};
	if (!command_read(&m->archive, &path, 1, &m->o))
		return false;
	m->findings += m->archive.findings;
	if (m->findings > 0)
		msg_error("%s: damaged: nothing is listed", path);
	return m->findings == 0;
}

static const struct pool_source *
find_source(const struct pool *p, const struct segment_header *h)
{
	struct source id = {.lane = h->lane, .incarnation = h->incarnation};

	memcpy(id.node, h->node, sizeof(id.node));
	for (size_t i = 0; i < p->source_count; i++) {
		if (source_cmp(&p->sources[i].id, &id) == 0)
			return &p->sources[i];
	}
	return NULL;
}

/* All records before the seal. The set is closed: one range holds them, or they are not all there. */
static bool
holds(const struct pool *p, const struct segment_header *h, const struct seal *seal)
{
	const struct pool_source *s = find_source(p, h);

	if (s == NULL || seal->last >= INT64_MAX)
		return false;
	if (seal->last < seal->first) /* no records */
		return true;
	for (size_t i = 0; i < s->read.count; i++) {
		const struct seq_range *r = &s->read.ranges[i];

		if (r->from <= (int64_t)seal->first && (int64_t)seal->last < r->to)
			return true;
	}
	return false;
}

/* --- logs --- */

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* False: it cannot go on; a message was printed. */
static bool
judge(struct merged_command *m, struct input_file *f, int *ret_state, struct sha256 *ret_digest)
{
	int fd = input_fd(f);
	struct segment_header h;
	struct seal seal;
	enum err e;

	*ret_state = STATE_OPEN;
	if (fd < 0 && errno == ENOENT) { /* removed by its node since the folder was listed */
		*ret_state = -1;
		return true;
	}
	if (fd < 0) {
		msg_error("%s: %s", f->path, strerror(errno));
		return false;
	}
	if (f->open_name)
		return true;
	e = check_read_header(fd, &h);
	if (e == ERR_OK && h.kind != SEGMENT_NODE) {
		msg_error("%s: expected a segment of a node's log, found one of an archive", f->path);
		return false;
	}
	if (e == ERR_OK && strcmp(h.cluster, m->archive.cluster) != 0) {
		msg_error(
		    "%s: expected cluster \"%s\", found \"%s\"", f->path, m->archive.cluster, h.cluster);
		return false;
	}
	if (e == ERR_OK)
		e = check_read_seal(fd, &seal);
	if (e == ERR_SYSTEM) {
		msg_error("%s: %s", f->path, err_text(e));
		return false;
	}
	if (e != ERR_OK) {
		msg_warn(
		    "%s: expected a header and a seal, found neither or one that is damaged: %s; not listed",
		    f->path, err_text(e));
		m->findings++;
		*ret_state = STATE_DAMAGED;
		return true;
	}
	*ret_digest = seal_digest(&seal);
	*ret_state = holds(&m->archive, &h, &seal) ? STATE_MERGED : STATE_UNMERGED;
	return true;
}

static bool
take_file(struct merged_command *m, struct input_file *f)
{
	const char *name = base_name(f->path);
	char text[SHA256_TEXT_SIZE];
	struct folder_entry entry;
	struct sha256 digest;
	int state;

	if (!judge(m, f, &state, &digest))
		return false;
	if (state < 0)
		return true;
	if (state == STATE_MERGED && !folder_name_parse(name, &entry)) {
		msg_error("%s: not the name of a log's segment", f->path);
		return false;
	}
	m->counts[state]++;
	json_object(&m->json);
	json_put_text(&m->json, "file", f->path);
	json_put_text(&m->json, "state", state_names[state]);
	if (state == STATE_MERGED || state == STATE_UNMERGED)
		json_put_text(&m->json, "seal", sha256_text(&digest, text));
	json_end(&m->json);
	if (state == STATE_MERGED)
		merged_put(&m->list, name, &digest);
	return true;
}

static bool
write_list(struct merged_command *m, int dirfd, const char *folder, const char *file)
{
	enum err e = buf_ok(&m->list) ? file_replace(dirfd, file, m->list.data, m->list.len, 0644)
				      : ERR_MEMORY;

	if (e != ERR_OK)
		msg_error("%s%s%s: %s", folder, folder[0] != '\0' ? "/" : "", file, err_text(e));
	return e == ERR_OK;
}

static bool
write_to_log(struct merged_command *m, const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0;

	if (!ok)
		msg_error("%s: %s", folder, strerror(errno));
	ok = ok && write_list(m, fd, folder, MERGED_NAME);
	if (fd >= 0)
		close(fd);
	buf_reset(&m->list);
	return ok;
}

static bool
take_path(struct merged_command *m, const char *path)
{
	struct input in;
	unsigned line = 0;
	enum err e = input_open(path, NULL, &in, &line);
	bool ok = e == ERR_OK;

	if (!ok) {
		msg_error(
		    "%s: %s", path, e == ERR_UNKNOWN ? "neither a log folder nor a segment" : err_text(e));
		return false;
	}
	if (in.kind == INPUT_ARCHIVE || (m->write && in.kind != INPUT_LOG)) {
		msg_error("%s: expected a log folder%s", path, m->write ? "" : " or a segment");
		ok = false;
	}
	for (size_t i = 0; i < in.count && ok; i++) {
		command_progress(&m->o, "reading %s (%zu of %zu)", in.files[i].path, i + 1, in.count);
		ok = take_file(m, &in.files[i]);
	}
	command_progress(&m->o, "%s", "");
	input_clear(&in);
	return ok && (!m->write || write_to_log(m, path));
}

/* --- the result --- */

static bool
print_json(struct merged_command *m)
{
	struct buf out = BUF_INIT;
	struct json j;
	bool ok;

	json_init(&j, &out);
	json_object(&j);
	json_put_text(&j, "cluster", m->archive.cluster);
	for (size_t i = 0; i < sizeof(state_names) / sizeof(state_names[0]); i++)
		json_put_u64(&j, state_names[i], m->counts[i]);
	json_key(&j, "segments");
	json_raw(&j, m->json_segments.data, m->json_segments.len);
	json_end(&j);
	buf_u8(&out, '\n');
	ok = command_output(&out);
	buf_clear(&out);
	return ok;
}

static bool
print_result(struct merged_command *m)
{
	if (m->output != NULL && !write_list(m, AT_FDCWD, "", m->output))
		return false;
	json_end(&m->json);
	if (m->o.json)
		return print_json(m);
	return m->output != NULL || m->write || command_output(&m->list);
}

static bool
run(struct merged_command *m, char **paths, int count)
{
	json_init(&m->json, &m->json_segments);
	json_array(&m->json);
	if (!read_archive(m, paths[0]))
		return false;
	for (int i = 1; i < count; i++) {
		if (!take_path(m, paths[i]))
			return false;
	}
	return print_result(m);
}

int
command_merged(int argc, char **argv)
{
	static const struct option longs[] = {
	    {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	struct merged_command m = {.list = BUF_INIT, .json_segments = BUF_INIT};
	bool ok;
	int c;

	while ((c = getopt_long(argc, argv, "hqo:w", longs, NULL)) != -1) {
		if (c == 'j') {
			m.o.json = true;
		} else if (c == 'q') {
			m.o.quiet = true;
		} else if (c == 'o') {
			m.output = optarg;
		} else if (c == 'w') {
			m.write = true;
		} else {
			fputs(usage, c == 'h' ? stdout : stderr);
			return c == 'h' ? EXIT_CLEAN : EXIT_UNABLE;
		}
	}
	if (argc - optind < 2 || (m.write && m.output != NULL)) {
		fputs(usage, stderr);
		return EXIT_UNABLE;
	}
	if (!command_limit_memory(&m.o, NULL))
		return EXIT_UNABLE;
	pool_init(&m.archive);
	ok = run(&m, argv + optind, argc - optind);
	pool_clear(&m.archive);
	buf_clear(&m.list);
	buf_clear(&m.json_segments);
	return m.findings > 0 ? EXIT_FOUND : ok ? EXIT_CLEAN : EXIT_UNABLE;
}
