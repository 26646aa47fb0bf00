/* SPDX-License-Identifier: ISC
 *
 * flowbraid merge: one archive of any logs and archives.
 *
 * The new archive is written whole into a folder beside the old one, synced, and then the two change places
 * in one system call. Killed at any point before, the old one stands untouched; after, the new one does.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/write.h"
#include "base/compress.h"
#include "base/json.h"
#include "base/msg.h"
#include "cluster/command.h"
#include "cluster/conflicts.h"
#include "cluster/heal.h"
#include "cluster/ledger.h"
#include "cluster/overlap.h"

static const char usage[] =
    "usage: flowbraid merge -o ARCHIVE [--window 5m] [--compression none|zstd[:LEVEL]] [--memory 1G] [--json] [-q]\n"
    "                       PATH...\n"
    "Writes one archive of all that the paths hold; an ARCHIVE that exists takes part in the merge.\n"
    "Exits 1 when an input is damaged, or two datagrams contradict each other.\n";

struct merge {
	struct command_options o;
	char *given;       /* -o */
	char *out;         /* what it names, without symbolic links and trailing slashes; owned */
	int64_t window_ns; /* 0: as the archive has it, else 5 minutes */
	struct manifest_compression compression;
	bool recompress; /* it was asked for: what the inputs have does not matter */
	struct pool p;
	struct plan plan;
	struct ledger ledger;
	struct conflicts conflicts;
	struct heal_report heal;
	struct overlaps overlaps;
	struct manifest manifest;
	char *work; /* folder that the new archive is written to; owned */
	size_t windows;
	int64_t hash_ns;
};

/* One merge into an archive at a time: a lock on a file beside it. */
static int
lock_archive(const struct merge *m)
{
	char *path = NULL, pid[32] = "";
	int fd;

	if (asprintf(&path, "%s.lock", m->out) < 0)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0) {
		msg_error("%s: %s", path, strerror(errno));
	} else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

		pid[n > 0 ? n : 0] = '\0';
		msg_error(
		    "%s: another merge writes to it (process %s)", m->out, pid[0] != '\0' ? pid : "unknown");
		close(fd);
		fd = -1;
	} else {
		int n = snprintf(pid, sizeof(pid), "%ld", (long)getpid());

		if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n)
			msg_warn("%s: %s", path, strerror(errno)); /* only the next one's message suffers */
	}
	free(path);
	return fd;
}

static bool
is_empty_folder(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *de;
	bool empty = d != NULL;

	while (d != NULL && (de = readdir(d)) != NULL)
		empty &= strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0;
	if (d != NULL)
		closedir(d);
	return empty;
}

/* What stands at -o now: nothing (or an empty folder), or an archive, which takes part. */
static bool
look_at_output(struct merge *m, bool *ret_archive)
{
	struct stat st;
	struct input in;
	unsigned line = 0;
	enum err e;

	*ret_archive = false;
	if (stat(m->given, &st) != 0) {
		if (errno == ENOENT)
			return true;
		msg_error("%s: %s", m->given, strerror(errno));
		return false;
	}
	if (S_ISDIR(st.st_mode) && is_empty_folder(m->given))
		return true;
	e = input_open(m->given, &in, &line);
	if (e == ERR_OK && in.kind == INPUT_ARCHIVE) {
		*ret_archive = true;
		input_clear(&in);
		return true;
	}
	if (e == ERR_OK) {
		input_clear(&in);
		msg_error("%s: exists and is no archive; it is left as it is", m->given);
	} else if (line > 0) {
		msg_error(
		    "%s/%s:%u: %s; the archive is left as it is", m->given, MANIFEST_NAME, line, err_text(e));
	} else {
		msg_error("%s: exists and is no archive (%s); it is left as it is", m->given, err_text(e));
	}
	return false;
}

#define LEVEL_STANDARD 1

/* none, zstd or zstd:LEVEL. */
static bool
read_compression(const char *text, struct manifest_compression *ret)
{
	struct manifest_compression c = {.level = 0};
	const char *version = compress_version();
	char *end;
	long level = LEVEL_STANDARD;

	if (strcmp(text, "none") == 0) {
		*ret = c;
		return true;
	}
	if (strncmp(text, "zstd", 4) != 0 || (text[4] != '\0' && text[4] != ':')) {
		msg_error("--compression %s: expected none, zstd or zstd:LEVEL", text);
		return false;
	}
	if (version == NULL) {
		msg_error("--compression %s: this flowbraid was built without zstd", text);
		return false;
	}
	if (text[4] == ':') {
		level = strtol(text + 5, &end, 10);
		if (text[5] == '\0' || *end != '\0' || level < 1 || level > compress_level_most()) {
			msg_error(
			    "--compression %s: expected a level from 1 to %d", text, compress_level_most());
			return false;
		}
	}
	c.level = (int)level;
	(void)snprintf(c.version, sizeof(c.version), "%s", version);
	*ret = c;
	return true;
}

/* An archive among the inputs says how this one is compressed, unless it was said; all must say the same, and this
 * build must be able to do it, so that the result does not depend on who merges. */
static bool
settle_compression(struct merge *m)
{
	const struct input *first = NULL;
	struct buf a = BUF_INIT, b = BUF_INIT;
	bool ok = true;

	for (size_t i = 0; i < m->p.input_count && !m->recompress && ok; i++) {
		const struct input *in = m->p.inputs[i];

		if (in->kind != INPUT_ARCHIVE)
			continue;
		if (first == NULL) {
			first = in;
			m->compression = in->manifest.compression;
		} else if (!manifest_compression_same(&m->compression, &in->manifest.compression)) {
			manifest_compression_text(&m->compression, &a);
			manifest_compression_text(&in->manifest.compression, &b);
			msg_error("%s: compression %.*s, but %s has %.*s; say --compression", in->path,
			    (int)b.len, (char *)b.data, first->path, (int)a.len, (char *)a.data);
			ok = false;
		}
	}
	if (ok && m->compression.level != 0 &&
	    (compress_version() == NULL || strcmp(compress_version(), m->compression.version) != 0)) {
		msg_error("%s: compressed by zstd %s, but this flowbraid has %s; say --compression",
		    first != NULL ? first->path : m->given, m->compression.version,
		    compress_version() != NULL ? compress_version() : "none");
		ok = false;
	}
	buf_clear(&a);
	buf_clear(&b);
	return ok;
}

/* Options are part of an archive: inputs that differ in them cannot make one. */
static bool
settle_options(struct merge *m)
{
	const char *from = "--window";

	for (size_t i = 0; i < m->p.input_count; i++) {
		const struct input *in = m->p.inputs[i];

		if (in->kind != INPUT_ARCHIVE)
			continue;
		if (m->window_ns != 0 && in->manifest.window_ns != m->window_ns) {
			msg_error("%s: windows of %" PRId64 " ns, but %s has %" PRId64
				  " ns; make an archive of one length",
			    in->path, in->manifest.window_ns, from, m->window_ns);
			return false;
		}
		m->window_ns = in->manifest.window_ns;
		from = in->path;
	}
	if (m->window_ns == 0)
		m->window_ns = 300 * NS_PER_SEC;
	return settle_compression(m);
}

/* A name that a merge writes, also half way. Nothing else is ever removed. */
static bool
is_ours(const char *name)
{
	size_t len = strlen(name);

	if (len > 4 && strcmp(name + len - 4, ".tmp") == 0)
		len -= 4;
	return (len > 4 && strncmp(name + len - 4, ".fbw", 4) == 0) ||
	    (len == strlen(MANIFEST_NAME) && strncmp(name, MANIFEST_NAME, len) == 0) ||
	    (len == strlen(MANIFEST_COMMON) && strncmp(name, MANIFEST_COMMON, len) == 0) ||
	    (len == strlen(MANIFEST_LEDGER) && strncmp(name, MANIFEST_LEDGER, len) == 0);
}

/* False, with errno: something stays, because no merge wrote it or for another reason. */
static bool
remove_folder(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *de;

	while (d != NULL && (de = readdir(d)) != NULL) {
		if (is_ours(de->d_name))
			unlinkat(dirfd(d), de->d_name, 0);
	}
	if (d != NULL)
		closedir(d);
	return rmdir(path) == 0 || errno == ENOENT;
}

static enum err
write_files(struct merge *m, int dirfd)
{
	struct archive_writer *w = NULL;
	struct buf ledger = BUF_INIT;
	enum err e = archive_writer_new(&m->p, &m->plan, dirfd, &m->manifest, &w);

	if (e == ERR_OK)
		e = archive_write_common(w);
	while (e == ERR_OK) {
		command_progress(&m->o, "writing window %zu", m->windows + 1);
		e = archive_write_window(w);
		m->windows += e == ERR_OK;
	}
	command_progress(&m->o, "%s", "");
	if (e == ERR_END) {
		ledger_json(&m->ledger, &m->p, &ledger);
		e = buf_ok(&ledger) ? archive_write_file(w, MANIFEST_LEDGER, ledger.data, ledger.len)
				    : ERR_MEMORY;
	}
	if (e == ERR_OK)
		e = archive_write_manifest(w);
	if (e == ERR_OK && fsync(dirfd) != 0)
		e = ERR_SYSTEM;
	if (w != NULL)
		m->hash_ns = archive_writer_hash_ns(w);
	archive_writer_free(w);
	buf_clear(&ledger);
	return e;
}

static void
sync_parent(const struct merge *m)
{
	char *parent = strdup(m->out);
	int fd = parent != NULL ? open(dirname(parent), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd < 0 || fsync(fd) != 0)
		msg_warn("%s: folder not synced: %s", m->out, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(parent);
}

/* The new archive takes the old one's place in one step. The old one goes when that has reached the disk. */
static bool
swap_in(const struct merge *m)
{
	bool swapped = renameat2(AT_FDCWD, m->work, AT_FDCWD, m->out, RENAME_EXCHANGE) == 0;

	if (!swapped && (errno != ENOENT || rename(m->work, m->out) != 0)) {
		msg_error("%s: cannot take the place of %s: %s", m->work, m->out, strerror(errno));
		return false;
	}
	sync_parent(m);
	if (swapped && !remove_folder(m->work))
		msg_warn("%s: left of the former archive, besides what a merge wrote: %s", m->work,
		    strerror(errno));
	return true;
}

/* What does not fit into memory lies beside the archive, where it must fit too. */
static bool
limit_memory(const struct merge *m)
{
	char *parent = strdup(m->out);
	bool ok = parent != NULL && command_limit_memory(&m->o, dirname(parent));

	free(parent);
	return ok;
}

/* What stands at its name is what a killed merge left; nobody else is at it, since we hold the lock. */
static bool
make_work_folder(struct merge *m)
{
	if (asprintf(&m->work, "%s.new", m->out) < 0) {
		m->work = NULL;
		msg_error("%s: %s", m->out, err_text(ERR_MEMORY));
		return false;
	}
	if (!remove_folder(m->work)) {
		msg_error("%s: stands where the new archive is to be written, and no merge left it: %s",
		    m->work, strerror(errno));
		return false;
	}
	if (mkdir(m->work, 0755) != 0) {
		msg_error("%s: %s", m->work, strerror(errno));
		return false;
	}
	return true;
}

static bool
write_archive(struct merge *m)
{
	int dirfd;
	enum err e;

	if (!make_work_folder(m))
		return false;
	m->manifest.window_ns = m->window_ns;
	m->manifest.compression = m->compression;
	memcpy(m->manifest.cluster, m->p.cluster, sizeof(m->manifest.cluster));
	dirfd = open(m->work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	e = dirfd >= 0 ? write_files(m, dirfd) : ERR_SYSTEM;
	if (e != ERR_OK)
		msg_error("%s: %s%s", m->work, err_text(e),
		    e == ERR_CHECKSUM ? " (an input changed while it was read)" : "");
	if (dirfd >= 0)
		close(dirfd);
	if (e != ERR_OK || !swap_in(m)) {
		remove_folder(m->work);
		return false;
	}
	return true;
}

struct node_count {
	uint64_t datagrams, only_here;
};

static void
count_nodes(const struct pool *p, struct node_count *counts)
{
	for (size_t i = 0; i < p->datagram_count; i++) {
		const struct pool_datagram *d = &p->datagrams[i];
		bool alone = pool_nodes_of(p, d) == 1;

		for (uint32_t k = 0; k < d->hearings; k++) {
			uint32_t node = p->sources[p->witnesses[d->hearing + k].source].node;

			if (k > 0 && node == p->sources[p->witnesses[d->hearing + k - 1].source].node)
				continue;
			counts[node].datagrams++;
			counts[node].only_here += alone;
		}
	}
}

static void
report_json(const struct merge *m, const struct node_count *counts, struct buf *out)
{
	struct json j;

	json_init(&j, out);
	json_object(&j);
	json_put_text(&j, "cluster", m->p.cluster);
	json_put_u64(&j, "datagrams_in", m->p.witness_count);
	json_put_u64(&j, "datagrams_out", m->p.datagram_count);
	json_put_u64(&j, "duplicates", m->p.witness_count - m->p.datagram_count);
	json_put_u64(&j, "conflicts", m->ledger.conflicts);
	json_put_u64(&j, "damaged_records", m->heal.damaged);
	json_put_u64(&j, "healed_records", m->heal.healed);
	json_put_u64(&j, "unattributed_records", m->heal.damaged - m->heal.healed);
	json_put_u64(&j, "findings", m->p.findings);
	json_put_u64(&j, "residual_missing", m->ledger.residual);
	json_put_u64(&j, "windows", m->windows);
	json_put_u64(&j, "hash_cpu_us", (uint64_t)(m->hash_ns / 1000));
	json_key(&j, "nodes");
	json_array(&j);
	for (size_t i = 0; i < m->p.node_count; i++) {
		json_object(&j);
		json_put_text(&j, "node", m->p.nodes[i]);
		json_put_u64(&j, "datagrams", counts[i].datagrams);
		json_put_u64(&j, "only_here", counts[i].only_here);
		json_end(&j);
	}
	json_end(&j);
	json_key(&j, "healed");
	heal_json(&m->heal, &m->p, &j);
	json_key(&j, "unattributed");
	heal_json_rest(&m->heal, &m->p, &j);
	json_key(&j, "conflicting");
	conflicts_json(&m->conflicts, &m->p, &j);
	json_key(&j, "overlapping");
	overlap_json(&m->overlaps, &j);
	json_end(&j);
	buf_u8(out, '\n');
}

static void
report_text(const struct merge *m, const struct node_count *counts, struct buf *out)
{
	buf_printf(out, "%s: %zu datagrams in %zu windows, of %zu heard\n", m->given, m->p.datagram_count,
	    m->windows, m->p.witness_count);
	for (size_t i = 0; i < m->p.node_count; i++) {
		buf_printf(out, "    node %-16s heard %10" PRIu64 "   alone %10" PRIu64 "\n", m->p.nodes[i],
		    counts[i].datagrams, counts[i].only_here);
	}
	if (m->ledger.conflicts > 0)
		buf_printf(out, "    conflicts: %" PRIu64 "\n", m->ledger.conflicts);
	conflicts_text(&m->conflicts, &m->p, out);
	heal_text(&m->heal, &m->p, out);
}

static bool
report(const struct merge *m)
{
	struct node_count *counts = calloc(m->p.node_count + 1, sizeof(*counts));
	struct buf out = BUF_INIT;
	bool ok;

	if (counts == NULL)
		return false;
	count_nodes(&m->p, counts);
	if (m->o.json)
		report_json(m, counts, &out);
	else if (!m->o.quiet)
		report_text(m, counts, &out);
	ok = command_output(&out);
	buf_clear(&out);
	free(counts);
	return ok;
}

static bool
run(struct merge *m, char **paths, int count)
{
	bool archive;
	char **all = calloc((size_t)count + 1, sizeof(*all));
	enum err e;
	bool ok;

	if (all == NULL || !look_at_output(m, &archive)) {
		free(all);
		return false;
	}
	for (int i = 0; i < count; i++)
		all[i] = paths[i];
	if (archive)
		all[count++] = m->given;
	ok = command_read(&m->p, all, count, &m->o);
	free(all);
	if (!ok || !settle_options(m))
		return false;
	if (m->p.cluster[0] == '\0') {
		msg_error("merge: no input holds a sound segment; nothing was written");
		return false;
	}
	e = plan_make(&m->p, &m->plan);
	if (e == ERR_OK)
		e = ledger_make(&m->p, &m->plan, &m->ledger);
	if (e == ERR_OK)
		e = conflicts_find(&m->p, &m->plan, &m->ledger, &m->conflicts);
	if (e == ERR_OK)
		e = heal_look(&m->p, &m->heal);
	if (e == ERR_OK)
		e = overlap_find(&m->p, &m->overlaps);
	if (e != ERR_OK) {
		msg_error("merge: %s", err_text(e));
		return false;
	}
	overlap_warn(&m->overlaps);
	return write_archive(m) && report(m);
}

static bool
options(struct merge *m, int argc, char **argv, int *ret_exit)
{
	static const struct option longs[] = {{"json", no_argument, NULL, 'j'},
	    {"window", required_argument, NULL, 'w'}, {"compression", required_argument, NULL, 'c'},
	    {"memory", required_argument, NULL, 'm'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int c;

	*ret_exit = EXIT_UNABLE;
	if (compress_version() != NULL && !read_compression("zstd", &m->compression))
		return false;
	while ((c = getopt_long(argc, argv, "o:qh", longs, NULL)) != -1) {
		switch (c) {
		case 'o':
			m->given = optarg;
			break;
		case 'w':
			if (!command_duration(optarg, &m->window_ns)) {
				msg_error("--window %s: expected a duration such as 5m, 300s or 1h", optarg);
				return false;
			}
			break;
		case 'm':
			if (!command_memory(optarg, &m->o.memory))
				return false;
			break;
		case 'c':
			if (!read_compression(optarg, &m->compression))
				return false;
			m->recompress = true;
			break;
		case 'j':
			m->o.json = true;
			break;
		case 'q':
			m->o.quiet = true;
			break;
		default:
			fputs(usage, c == 'h' ? stdout : stderr);
			*ret_exit = c == 'h' ? EXIT_CLEAN : EXIT_UNABLE;
			return false;
		}
	}
	if (m->given == NULL || m->given[0] == '\0' || optind == argc) {
		fputs(usage, stderr);
		return false;
	}
	return true;
}

/* The folder itself is replaced, not a link to it, and work and lock stand beside it. */
static bool
settle_output(struct merge *m)
{
	size_t len = strlen(m->given);

	m->out = realpath(m->given, NULL);
	if (m->out == NULL && errno == ENOENT) {
		while (len > 1 && m->given[len - 1] == '/')
			len--;
		m->out = strndup(m->given, len);
	}
	if (m->out == NULL)
		msg_error("%s: %s", m->given, strerror(errno));
	return m->out != NULL;
}

int
command_merge(int argc, char **argv)
{
	struct merge m = {0};
	int lock, status;
	bool ok;

	if (!options(&m, argc, argv, &status))
		return status;
	if (!settle_output(&m) || (lock = lock_archive(&m)) < 0) {
		free(m.out);
		return EXIT_UNABLE;
	}
	pool_init(&m.p);
	ok = limit_memory(&m) && run(&m, argv + optind, argc - optind);
	status = !ok ? EXIT_UNABLE : m.p.findings > 0 || m.ledger.conflicts > 0 ? EXIT_FOUND : EXIT_CLEAN;
	conflicts_clear(&m.conflicts);
	ledger_clear(&m.ledger);
	plan_clear(&m.plan);
	heal_clear(&m.heal);
	overlap_clear(&m.overlaps);
	manifest_clear(&m.manifest);
	pool_clear(&m.p);
	free(m.work);
	free(m.out);
	close(lock);
	return status;
}
