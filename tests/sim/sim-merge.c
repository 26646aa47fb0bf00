/* SPDX-License-Identifier: ISC
 *
 * Runs the real commands in this process, and merges the same inputs in many ways: each has to give the same files
 * with the same bytes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/command.h"
#include "tests/sim/sim.h"

#define PATHS_MOST 512

/* --- commands --- */

static int
run(const char *name, int argc, char **argv)
{
	if (strcmp(name, "merge") == 0)
		return command_merge(argc, argv);
	if (strcmp(name, "verify") == 0)
		return command_verify(argc, argv);
	if (strcmp(name, "gaps") == 0)
		return command_gaps(argc, argv);
	if (strcmp(name, "cat") == 0)
		return command_cat(argc, argv);
	abort();
}

static void
read_back(int fd, char **ret_out, size_t *ret_len)
{
	off_t len = lseek(fd, 0, SEEK_END);
	char *out = sim_alloc((size_t)len + 1);

	if (len < 0 || pread(fd, out, (size_t)len, 0) != len)
		abort();
	*ret_out = out;
	*ret_len = (size_t)len;
}

/* argv[0] is the command's name. Standard output goes to *ret_out when asked for; messages to a file in the folder. */
int
sim_command(struct world *w, const char *const *argv, char **ret_out, size_t *ret_len)
{
	char *copy[PATHS_MOST + 16], messages[160];
	int argc = 0, status, out, err, saved_out = dup(STDOUT_FILENO), saved_err = dup(STDERR_FILENO);

	for (; argv[argc] != NULL; argc++)
		copy[argc] = (char *)(uintptr_t)
		    argv[argc]; /* getopt sorts the pointers, and leaves the texts */
	copy[argc] = NULL;
	snprintf(messages, sizeof(messages), "%.120s/messages", w->folder);
	out = memfd_create("out", MFD_CLOEXEC);
	err = open(messages, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (out < 0 || err < 0 || saved_out < 0 || saved_err < 0)
		abort();
	fflush(stdout);
	fflush(stderr);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	optind = 0;
	status = run(argv[0], argc, copy);
	fflush(stdout);
	fflush(stderr);
	dup2(saved_out, STDOUT_FILENO);
	dup2(saved_err, STDERR_FILENO);
	if (ret_out != NULL)
		read_back(out, ret_out, ret_len);
	close(saved_out);
	close(saved_err);
	close(out);
	close(err);
	return status;
}

/* --- inputs --- */

struct paths {
	const char *list[PATHS_MOST];
	size_t count;
	bool finding; /* one of them is damaged */
};

static void
add_path(struct paths *p, const char *path, bool finding)
{
	if (p->count == PATHS_MOST)
		abort();
	p->list[p->count++] = path;
	p->finding |= finding;
}

static bool
folder_has_finding(const struct world *w, const struct folder_input *in)
{
	bool found = false;

	for (uint32_t i = in->first; i < in->first + in->count; i++)
		found |= w->files[i].damaged;
	return found;
}

static bool
folder_has_file(const struct world *w, const struct folder_input *in)
{
	for (uint32_t i = in->first; i < in->first + in->count; i++) {
		if (w->files[i].path[0] != '\0')
			return true;
	}
	return false;
}

static bool
can_stand_alone(const struct seg_file *f)
{
	return f->path[0] != '\0' && f->size >= 1024;
}

static void
shuffle(struct paths *p, struct rng *r)
{
	for (size_t i = p->count; i > 1; i--) {
		size_t k = rng_below(r, i);
		const char *t = p->list[i - 1];

		p->list[i - 1] = p->list[k];
		p->list[k] = t;
	}
}

/* One folder as it is, or its segments one by one, where each of them can be told to be one. */
static void
add_folder(const struct world *w, struct paths *p, const struct folder_input *in, bool segments)
{
	for (uint32_t i = in->first; i < in->first + in->count; i++)
		segments &= w->files[i].path[0] == '\0' || can_stand_alone(&w->files[i]);
	if (!segments) {
		if (folder_has_file(w, in))
			add_path(p, in->path, folder_has_finding(w, in));
		return;
	}
	for (uint32_t i = in->first; i < in->first + in->count; i++) {
		if (w->files[i].path[0] != '\0')
			add_path(p, w->files[i].path, w->files[i].damaged);
	}
}

/* Whether something can be read of a file that is the path, or below it. */
static bool
is_sound(const struct world *w, const char *path)
{
	for (uint32_t i = 0; i < w->file_count; i++) {
		const struct seg_file *f = &w->files[i];
		bool some = f->damaged;

		for (size_t k = 0; k < f->count; k++)
			some |= !f->records[k].gone;
		if (f->path[0] != '\0' && !f->header_bad && some && strncmp(f->path, path, strlen(path)) == 0)
			return true;
	}
	return false;
}

/* Without one sound segment there is no cluster, and no archive: then one is added. */
static void
add_sound(const struct world *w, struct paths *p, bool have)
{
	for (size_t i = 0; i < p->count; i++)
		have |= is_sound(w, p->list[i]);
	for (uint32_t i = 0; i < w->file_count && !have; i++) {
		if (w->files[i].path[0] != '\0' && is_sound(w, w->files[i].path)) {
			add_path(p, w->files[i].path, w->files[i].damaged);
			have = true;
		}
	}
}

/* --- options --- */

/* Options that must not matter for the result; those that the command does not have are left out. */
static const char *const indifferent[][2] = {{"--memory", "32M"}, {"--memory", "64M"}, {"--full", NULL}};

static bool
has_option(struct world *w, const char *option)
{
	static char *help;
	size_t len;
	const char *const argv[] = {"merge", "--help", NULL};

	if (help == NULL)
		sim_command(w, argv, &help, &len);
	return strstr(help, option) != NULL;
}

/* --- merging --- */

static int
merge_with(struct world *w, struct rng *r, const char *archive, const struct paths *p, bool into,
    const char *shard, char **ret_json, size_t *ret_len)
{
	const char *argv[PATHS_MOST + 16] = {"merge", "-q", "-o", archive};
	size_t n = 4, k = rng_below(r, 2 * sizeof(indifferent) / sizeof(indifferent[0]));
	int status;

	if (!into || rng_chance(r, 50)) {
		argv[n++] = "--window";
		argv[n++] = w->window_text;
		argv[n++] = "--compression";
		argv[n++] = w->compression;
	}
	if (k < sizeof(indifferent) / sizeof(indifferent[0]) && has_option(w, indifferent[k][0])) {
		argv[n++] = indifferent[k][0];
		if (indifferent[k][1] != NULL)
			argv[n++] = indifferent[k][1];
	}
	if (ret_json != NULL)
		argv[n++] = "--json";
	if (shard != NULL) {
		argv[n++] = "--shard";
		argv[n++] = shard;
	}
	for (size_t i = 0; i < p->count; i++)
		argv[n++] = p->list[i];
	argv[n] = NULL;
	if (ret_json == NULL && rng_chance(r, 15))
		status = sim_stopped_merge(w, r, archive, argv);
	else
		status = sim_command(w, argv, ret_json, ret_len);
	CHECK(w, status == EXIT_CLEAN || status == EXIT_FOUND, "merge -o %s: exit %d", archive, status);
	CHECK(w, status == EXIT_FOUND || !p->finding, "merge -o %s: exit %d, and an input is damaged",
	    archive, status);
	return status;
}

static int
merge(struct world *w, struct rng *r, const char *archive, const struct paths *p, bool into, char **ret_json,
    size_t *ret_len)
{
	return merge_with(w, r, archive, p, into, NULL, ret_json, ret_len);
}

static char *
slurp_file(int dirfd, const char *name, size_t *ret_len)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	char *bytes = NULL;

	if (fd >= 0) {
		read_back(fd, &bytes, ret_len);
		close(fd);
	}
	return bytes;
}

/* Every file of a stands in b with the same bytes. */
static void
check_files(struct world *w, const char *a, const char *b, const char *what)
{
	DIR *da = opendir(a), *db = opendir(b);
	struct dirent *de;

	if (!CHECK(w, da != NULL && db != NULL, "%s: no archive %s", what, da == NULL ? a : b))
		return;
	while ((de = readdir(da)) != NULL) {
		size_t len_a = 0, len_b = 0, at = 0;
		char *bytes_a, *bytes_b;

		if (de->d_name[0] == '.')
			continue;
		bytes_a = slurp_file(dirfd(da), de->d_name, &len_a);
		bytes_b = slurp_file(dirfd(db), de->d_name, &len_b);
		while (bytes_b != NULL && at < len_a && at < len_b && bytes_a[at] == bytes_b[at])
			at++;
		CHECK(w, bytes_b != NULL && len_a == len_b && at == len_a,
		    "%s: %s of %s and %s differ at byte %zu%s", what, de->d_name, a, b, at,
		    bytes_b == NULL ? " (no such file)" : "");
		free(bytes_a);
		free(bytes_b);
	}
	closedir(da);
	closedir(db);
}

static void
check_same(struct world *w, const char *a, const char *b, const char *what)
{
	check_files(w, a, b, what);
	check_files(w, b, a, what);
}

static void
all_paths(struct world *w, struct rng *r, unsigned segments_percent, struct paths *ret)
{
	ret->count = 0;
	ret->finding = false;
	for (uint32_t i = 0; i < w->folder_count; i++)
		add_folder(w, ret, &w->folders[i], rng_chance(r, segments_percent));
}

static void
name_archive(const struct world *w, const char *name, char *ret, size_t size)
{
	snprintf(ret, size, "%.120s/%s", w->folder, name);
}

/* Into one archive, some paths at a time, in any order, a path perhaps twice. */
static void
merge_in_steps(struct world *w, struct rng *r, const char *reference)
{
	struct paths all, some;
	char archive[160];
	size_t at = 0;
	bool into = false;

	name_archive(w, "steps", archive, sizeof(archive));
	all_paths(w, r, 40, &all);
	shuffle(&all, r);
	while (at < all.count) {
		size_t n = 1 + rng_below(r, all.count / 2 + 1);

		some = (struct paths){.finding = false};
		for (; n > 0 && at < all.count; n--)
			add_path(&some, all.list[at++], false);
		add_sound(w, &some, into);
		if (rng_chance(r, 30))
			add_path(&some, all.list[rng_below(r, all.count)], false);
		merge(w, r, archive, &some, into, NULL, NULL);
		into = true;
	}
	check_same(w, reference, archive, "merge in steps");
}

/* Parts to archives of their own, and these, perhaps with some of the logs again, to one. */
static void
merge_groups(struct world *w, struct rng *r, const char *reference)
{
	struct paths all, some, archives = {.count = 0};
	char archive[160], group[4][160];
	size_t groups = 2 + rng_below(r, 3);

	all_paths(w, r, 30, &all);
	shuffle(&all, r);
	for (size_t g = 0; g < groups; g++) {
		char name[16];

		some = (struct paths){.finding = false};
		for (size_t i = g; i < all.count; i += groups)
			add_path(&some, all.list[i], false);
		if (some.count == 0)
			continue;
		add_sound(w, &some, false);
		snprintf(name, sizeof(name), "group-%zu", g);
		name_archive(w, name, group[g], sizeof(group[g]));
		merge(w, r, group[g], &some, false, NULL, NULL);
		if (access(group[g], F_OK) == 0)
			add_path(&archives, group[g], false);
	}
	if (rng_chance(r, 50))
		add_path(&archives, all.list[rng_below(r, all.count)], false);
	shuffle(&archives, r);
	name_archive(w, "grouped", archive, sizeof(archive));
	merge(w, r, archive, &archives, false, NULL, NULL);
	check_same(w, reference, archive, "merge of archives");
}

/* Once more into the reference itself: nothing counts twice. */
static void
merge_again(struct world *w, struct rng *r, const char *reference)
{
	struct paths all;
	char archive[160];

	all_paths(w, r, 50, &all);
	shuffle(&all, r);
	name_archive(w, "again", archive, sizeof(archive));
	merge(w, r, archive, &all, false, NULL, NULL);
	check_same(w, reference, archive, "merge in another order");
	all.count = 1;
	all.finding = false;
	if (rng_chance(r, 50))
		all.list[0] = reference;
	merge(w, r, archive, &all, true, NULL, NULL);
	check_same(w, reference, archive, "merge again");
}

/* Parts of the archive, each made of all inputs at once or in two steps; and these to one. */
static void
merge_shards(struct world *w, struct rng *r, const char *reference)
{
	struct paths all, first = {.count = 0}, parts = {.count = 0};
	char archive[160], part[4][160];
	size_t n = 2 + rng_below(r, 3);

	if (!has_option(w, "--shard"))
		return;
	for (size_t k = 0; k < n; k++) {
		char name[16], shard[16];
		bool into = rng_chance(r, 30);

		snprintf(name, sizeof(name), "part-%zu", k);
		snprintf(shard, sizeof(shard), "%zu/%zu", k, n);
		name_archive(w, name, part[k], sizeof(part[k]));
		all_paths(w, r, 20, &all);
		shuffle(&all, r);
		first = (struct paths){.finding = false};
		add_path(&first, all.list[0], false);
		add_sound(w, &first, false);
		if (into)
			merge_with(w, r, part[k], &first, false, shard, NULL, NULL);
		merge_with(w, r, part[k], &all, into, shard, NULL, NULL);
		add_path(&parts, part[k], false);
	}
	shuffle(&parts, r);
	name_archive(w, "joined", archive, sizeof(archive));
	merge(w, r, archive, &parts, false, NULL, NULL);
	check_same(w, reference, archive, "merge of parts");
}

/* A damaged archive together with the logs: all of it is there again. What is in its manifest would be refused. */
static void
merge_damaged(struct world *w, struct rng *r, const char *reference)
{
	struct paths all;
	char archive[160], healed[160], path[512];
	struct dirent **list;
	struct stat st;
	uint8_t byte;
	int n, fd;

	all_paths(w, r, 0, &all);
	name_archive(w, "rotten", archive, sizeof(archive));
	name_archive(w, "healed", healed, sizeof(healed));
	merge(w, r, archive, &all, false, NULL, NULL);
	n = scandir(archive, &list, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		if (strstr(list[i]->d_name, ".fb") != NULL && rng_chance(r, 50)) {
			snprintf(path, sizeof(path), "%s/%s", archive, list[i]->d_name);
			fd = open(path, O_RDWR | O_CLOEXEC);
			if (fd < 0 || fstat(fd, &st) != 0)
				abort();
			for (int64_t k = rng_between(r, 1, 3); k > 0; k--) {
				off_t at = (off_t)rng_below(r, (uint64_t)st.st_size);

				if (pread(fd, &byte, 1, at) != 1)
					abort();
				byte ^= (uint8_t)rng_between(r, 1, 255);
				if (pwrite(fd, &byte, 1, at) != 1)
					abort();
			}
			close(fd);
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	if (rng_chance(r, 50)) {
		merge(w, r, archive, &all, true, NULL, NULL);
		check_same(w, reference, archive, "merge of logs into a damaged archive");
		return;
	}
	add_path(&all, archive, false);
	shuffle(&all, r);
	merge(w, r, healed, &all, false, NULL, NULL);
	check_same(w, reference, healed, "merge of logs and a damaged archive");
}

void
sim_merges(struct world *w, const struct expect *e, char *ret_archive, size_t size)
{
	char *json = NULL;
	size_t len = 0;
	struct rng r = rng_fork(&w->rng, 5000);
	struct paths all;

	name_archive(w, "archive", ret_archive, size);
	all_paths(w, &r, 0, &all);
	if (all.count == 0 || !is_sound(w, w->folder)) {
		ret_archive[0] = '\0';
		return;
	}
	shuffle(&all, &r);
	merge(w, &r, ret_archive, &all, false, &json, &len);
	if (access(ret_archive, F_OK) == 0)
		check_report(w, e, json);
	free(json);
	if (access(ret_archive, F_OK) != 0) {
		CHECK(w, w->failed, "merge wrote nothing");
		return;
	}
	merge_again(w, &r, ret_archive);
	merge_in_steps(w, &r, ret_archive);
	merge_groups(w, &r, ret_archive);
	if (rng_chance(&r, 25))
		merge_shards(w, &r, ret_archive);
	if (rng_chance(&r, 30))
		merge_damaged(w, &r, ret_archive);
}
