/* SPDX-License-Identifier: ISC
 *
 * flowbraid info: what each path is, and what the nodes have to do with the union of all: who heard what alone,
 * who missed what, whose clock is off, what is damaged and healed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/msg.h"
#include "cluster/command.h"
#include "cluster/info_report.h"

static const char usage[] =
    "usage: flowbraid info [--from TIME] [--to TIME] [--memory SIZE] [--json] [-q] PATH...\n"
    "Says what each path is, and over all of them what each node heard and missed, how\n"
    "far its clock is off, and what was damaged. Exits 1 when an input is damaged.\n";

/* Paths stand as the pool's inputs do. */
static struct info_path *
path_of(struct info *info, const struct input *in)
{
	size_t i = 0;

	while (info->p.inputs[i] != in)
		i++;
	return &info->paths[i];
}

static enum err
note_sources(const struct pool *p, struct info_path *path, const struct pool_tally *t)
{
	for (size_t i = 0; i < t->source_count; i++) {
		const struct source *id = &p->sources[t->sources[i]].id;
		size_t k = 0;

		while (k < path->source_count && source_cmp(&path->sources[k], id) != 0)
			k++;
		if (k < path->source_count)
			continue;
		if (array_grow(path->sources, path->source_room, path->source_count) != ERR_OK)
			return ERR_MEMORY;
		path->sources[path->source_count++] = *id;
	}
	return ERR_OK;
}

static void
on_file(void *ctx, const struct pool_file *f, const struct pool_tally *t)
{
	struct info *info = ctx;
	struct info_path *path = path_of(info, f->input);

	if (t->head != NULL) {
		path->kinds[t->head->kind]++;
		memcpy(path->cluster, t->head->cluster, sizeof(path->cluster));
	}
	path->files++;
	path->sealed += t->result.sealed;
	path->open += f->file->open_name;
	path->torn += t->result.torn;
	path->findings += t->result.findings;
	path->records += t->result.records;
	path->bytes += t->result.size;
	path->datagrams += t->datagrams;
	path->hearings += t->hearings;
	path->selected += t->selected;
	path->events += t->events;
	path->payload_bytes += t->payload_bytes;
	if (t->first_ns < path->first_ns)
		path->first_ns = t->first_ns;
	if (t->last_ns > path->last_ns)
		path->last_ns = t->last_ns;
	if (note_sources(&info->p, path, t) != ERR_OK)
		info->out_of_memory = true;
}

static int
by_source(const void *a, const void *b)
{
	return source_cmp(a, b);
}

static void
settle_paths(struct info *info)
{
	for (size_t i = 0; i < info->path_count; i++) {
		struct info_path *path = &info->paths[i];

		path->input = info->p.inputs[i];
		if (path->input->kind == INPUT_ARCHIVE)
			memcpy(path->cluster, path->input->manifest.cluster, sizeof(path->cluster));
		if (path->source_count > 0)
			qsort(path->sources, path->source_count, sizeof(*path->sources), by_source);
	}
}

static bool
look(struct info *info)
{
	enum err e = info->out_of_memory ? ERR_MEMORY : census_make(&info->p, &info->census);

	settle_paths(info);
	if (e == ERR_OK)
		e = skew_find(&info->p, &info->skews);
	if (e == ERR_OK)
		e = heal_look(&info->p, &info->heal);
	if (e != ERR_OK)
		msg_error("info: %s", err_text(e));
	return e == ERR_OK;
}

static bool
print(struct info *info, const struct command_options *o)
{
	struct buf out = BUF_INIT;
	bool ok;

	if (o->json)
		info_json(info, &out);
	else
		info_text(info, &out);
	ok = command_output(&out);
	buf_clear(&out);
	return ok;
}

static void
info_clear(struct info *info)
{
	for (size_t i = 0; info->paths != NULL && i < info->path_count; i++)
		free(info->paths[i].sources);
	free(info->paths);
	census_clear(&info->census);
	skew_clear(&info->skews);
	heal_clear(&info->heal);
	pool_clear(&info->p);
}

int
command_info(int argc, char **argv)
{
	struct command_options o = {.heals = true};
	struct info info = {.path_count = 0};
	bool ok, found;
	int status;

	if (!command_report_options(&o, usage, argc, argv, &status))
		return status;
	pool_init(&info.p);
	info.path_count = (size_t)(argc - optind);
	info.paths = calloc(info.path_count, sizeof(*info.paths));
	if (info.paths == NULL)
		msg_error("info: %s", err_text(ERR_MEMORY));
	for (size_t i = 0; info.paths != NULL && i < info.path_count; i++)
		info.paths[i] = (struct info_path){.first_ns = INT64_MAX, .last_ns = INT64_MIN};
	ok = info.paths != NULL &&
	    command_read_files(&info.p, argv + optind, argc - optind, &o, on_file, &info) && look(&info) &&
	    print(&info, &o);
	found = info.p.findings > 0;
	info_clear(&info);
	return !ok ? EXIT_UNABLE : found ? EXIT_FOUND : EXIT_CLEAN;
}
