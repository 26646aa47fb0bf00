/* SPDX-License-Identifier: ISC
 *
 * flowbraid merge: one archive of any logs and archives.
 *
 * An archive that stands at -o is read without its payloads, as far as these are not needed, and windows of it that do not
 * change are linked into the new one. Where it turns out to be damaged all is done again, and all of it is read.
 */
#include <getopt.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/chunks.h"
#include "archive/write.h"
#include "base/json.h"
#include "base/msg.h"
#include "base/spill.h"
#include "cluster/command.h"
#include "cluster/conflicts.h"
#include "cluster/heal.h"
#include "cluster/ledger.h"
#include "cluster/merge_options.h"
#include "cluster/merge_place.h"
#include "cluster/overlap.h"
#include "cluster/policy_file.h"

static const char usage[] =
    "usage: flowbraid merge -o ARCHIVE [--window 5m] [--compression none|zstd[:LEVEL]] [--memory 1G] [--full]\n"
    "                       [--policy FILE] [--shard K/N] [--from TIME] [--to TIME] [--wait] [--dry-run] [--json] [-q] PATH...\n"
    "Writes one archive of all that the paths hold; an ARCHIVE that exists takes part in the merge.\n"
    "Exits 1 when an input is damaged, or two datagrams contradict each other.\n";

struct merge {
	struct command_options o;
	const char *given; /* -o */
	struct place place;
	struct merge_options asked, options; /* as given; as they hold */
	bool full, dry_run, wait;
	struct pool p;
	struct plan plan;
	struct ledger ledger;
	struct conflicts conflicts;
	struct heal_report heal;
	struct overlaps overlaps;
	struct manifest manifest;
	size_t windows, fates[3], gone; /* windows: in all; gone: of the former archive's */
	struct buf list;                /* of a dry run: a line, or a JSON object, for each window */
	struct json list_json;
	int64_t hash_ns;
};

static const char *const fate_names[] = {"new", "changed", "unchanged"};

/* The archive that stands at -o, when it was read lazily: the pool's first input. */
static const struct input *
former(const struct merge *m)
{
	return m->place.archive && m->p.input_count > 0 ? m->p.inputs[0] : NULL;
}

static void
list_window(struct merge *m, const char *name, const char *fate)
{
	if (m->o.json) {
		json_object(&m->list_json);
		json_put_text(&m->list_json, "window", name);
		json_put_text(&m->list_json, "fate", fate);
		json_end(&m->list_json);
	} else {
		buf_printf(&m->list, "    %-9s %s\n", fate, name);
	}
}

/* All windows, in order of time. ERR_END: that was the last one. */
static enum err
do_windows(struct merge *m, struct archive_writer *w)
{
	char name[MANIFEST_NAME_SIZE];
	enum window_fate fate;
	enum err e = ERR_OK;

	while (e == ERR_OK) {
		command_progress(&m->o, "window %zu", m->windows + 1);
		e = archive_write_window(w, !m->dry_run, name, &fate);
		if (e != ERR_OK)
			break;
		m->windows++;
		m->fates[fate]++;
		if (m->dry_run)
			list_window(m, name, fate_names[fate]);
	}
	command_progress(&m->o, "%s", "");
	return e;
}

/* Windows of the former archive that are none of the new one's. */
static void
count_gone(struct merge *m)
{
	const struct input *in = former(m);
	size_t had = 0;

	for (size_t i = 0; in != NULL && i < in->manifest.count; i++) {
		size_t len = strlen(in->manifest.files[i].name);

		had += len > 4 && strcmp(in->manifest.files[i].name + len - 4, ".fbw") == 0;
	}
	m->gone = had - m->fates[WINDOW_CHANGED] - m->fates[WINDOW_UNCHANGED];
}

static enum err
write_files(struct merge *m, int dirfd)
{
	struct archive_writer *w = NULL;
	struct buf ledger = BUF_INIT;
	enum err e = archive_writer_new(&m->p, &m->plan, dirfd, &m->manifest, &w);

	if (e == ERR_OK)
		e = archive_write_common(w);
	if (e == ERR_OK && former(m) != NULL)
		archive_write_former(w, former(m));
	if (e == ERR_OK)
		e = do_windows(m, w);
	if (e == ERR_END && m->options.shard.of > 0) {
		e = ERR_OK; /* a part has no ledger */
	} else if (e == ERR_END) {
		ledger_json(&m->ledger, &m->p, NULL, &ledger);
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

/* What does not fit into memory lies beside the archive, where it must fit too. */
static bool
limit_memory(const struct merge *m)
{
	char *parent = strdup(m->place.out);
	bool ok = parent != NULL && command_limit_memory(&m->o, m->dry_run ? NULL : dirname(parent));

	free(parent);
	return ok;
}

static enum err
write_archive(struct merge *m)
{
	int dirfd;
	enum err e;

	if (!place_begin(&m->place, &dirfd))
		return ERR_BUSY; /* it was told */
	e = write_files(m, dirfd);
	close(dirfd);
	if (e == ERR_OK && !place_swap(&m->place))
		e = ERR_BUSY;
	if (e != ERR_OK)
		place_give_up(&m->place);
	return e;
}

/* What would be written. */
static enum err
look_at_windows(struct merge *m)
{
	struct archive_writer *w = NULL;
	enum err e = archive_writer_new(&m->p, &m->plan, -1, &m->manifest, &w);

	if (m->o.json) {
		json_init(&m->list_json, &m->list);
		json_array(&m->list_json);
	}
	if (e == ERR_OK && former(m) != NULL)
		archive_write_former(w, former(m));
	if (e == ERR_OK)
		e = do_windows(m, w);
	archive_writer_free(w);
	if (m->o.json)
		json_end(&m->list_json);
	return e == ERR_END ? ERR_OK : e;
}

struct node_count {
	uint64_t datagrams, only_here;
};

static void
count_nodes(const struct pool *p, struct node_count *counts)
{
	for (size_t i = p->first; i < p->end; i++) {
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

static uint64_t
count_hearings(const struct pool *p)
{
	uint64_t n = 0;

	for (size_t i = p->first; i < p->end; i++)
		n += p->datagrams[i].hearings;
	return n;
}

/* Datagrams of which only selected flows are kept. */
static uint64_t
count_selected(const struct pool *p)
{
	uint64_t n = 0;

	for (size_t i = p->first; i < p->end && p->selected_count > 0; i++)
		n += p->datagrams[i].selected != POOL_NONE;
	return n;
}

static void
report_json(const struct merge *m, const struct node_count *counts, struct buf *out)
{
	uint64_t hearings = count_hearings(&m->p);
	struct json j;

	json_init(&j, out);
	json_object(&j);
	json_put_text(&j, "cluster", m->p.cluster);
	json_put_u64(&j, "datagrams_in", hearings);
	json_put_u64(&j, "datagrams_out", m->p.end - m->p.first);
	json_put_u64(&j, "duplicates", hearings - (m->p.end - m->p.first));
	json_put_u64(&j, "conflicts", m->ledger.conflicts);
	json_put_u64(&j, "selected", count_selected(&m->p));
	json_put_u64(&j, "selected_conflicts", m->p.selected_conflicts);
	json_put_u64(&j, "damaged_records", m->heal.damaged);
	json_put_u64(&j, "healed_records", m->heal.healed);
	json_put_u64(&j, "unattributed_records", m->heal.damaged - m->heal.healed);
	json_put_u64(&j, "findings", m->p.findings);
	json_put_u64(&j, "residual_missing", m->ledger.residual);
	json_put_u64(&j, "windows", m->windows);
	for (unsigned i = 0; i < 3; i++) {
		char key[32];

		(void)snprintf(key, sizeof(key), "windows_%s", fate_names[i]);
		json_put_u64(&j, key, m->fates[i]);
	}
	json_put_u64(&j, "windows_gone", m->gone);
	json_put_u64(&j, "chunks_read", m->p.chunks != NULL ? m->p.chunks->reads : 0);
	json_put_bool(&j, "dry_run", m->dry_run);
	if (m->dry_run) {
		json_key(&j, "window_list");
		json_raw(&j, m->list.data, m->list.len);
	}
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
	buf_printf(out, "%s: %zu datagrams in %zu windows, of %" PRIu64 " heard\n", m->given,
	    m->p.end - m->p.first, m->windows, count_hearings(&m->p));
	for (size_t i = 0; i < m->p.node_count; i++) {
		buf_printf(out, "    node %-16s heard %10" PRIu64 "   alone %10" PRIu64 "\n", m->p.nodes[i],
		    counts[i].datagrams, counts[i].only_here);
	}
	if (count_selected(&m->p) > 0)
		buf_printf(out, "    selected flows alone are kept of %" PRIu64 " datagrams\n",
		    count_selected(&m->p));
	if (m->p.selected_conflicts > 0)
		buf_printf(out, "    conflicts: of %" PRIu64 " datagrams, nodes kept flows that differ\n",
		    m->p.selected_conflicts);
	if (m->ledger.conflicts > 0)
		buf_printf(out, "    conflicts: %" PRIu64 "\n", m->ledger.conflicts);
	conflicts_text(&m->conflicts, &m->p, out);
	heal_text(&m->heal, &m->p, out);
	if (former(m) != NULL || m->dry_run)
		buf_printf(out, "    windows: %zu new, %zu changed, %zu unchanged, %zu gone%s\n",
		    m->fates[WINDOW_NEW], m->fates[WINDOW_CHANGED], m->fates[WINDOW_UNCHANGED], m->gone,
		    m->dry_run ? " (nothing was written)" : "");
	if (m->list.len > 0)
		buf_bytes(out, m->list.data, m->list.len);
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

static void
on_finding(void *ctx, const char *path, const struct finding *f)
{
	(void)ctx;
	command_finding(path, f);
}

/* The former archive, lazily, then the paths. */
static enum err
read_inputs(struct merge *m, char **paths, int count, struct buf *why)
{
	struct pool_report report = {.finding = on_finding};
	enum err e = ERR_OK;

	command_choose(&m->p, &m->o, count == 1 && !m->place.archive);
	m->p.shard = m->asked.shard;
	if (m->place.archive) {
		command_progress(&m->o, "reading %s", m->given);
		m->p.lazy = !m->full;
		e = pool_add(&m->p, m->given, &report, why);
		m->p.lazy = false;
	}
	for (int i = 0; i < count && e == ERR_OK; i++) {
		if (place_is(&m->place, paths[i]))
			continue;
		command_progress(&m->o, "reading %s (%d of %d)", paths[i], i + 1, count);
		e = pool_add(&m->p, paths[i], &report, why);
	}
	if (e == ERR_OK)
		e = command_add_rest(&m->p, &m->o, &report, why);
	command_progress(&m->o, "%s", "");
	if (e == ERR_OK) {
		if (!merge_options_policy(&m->asked, &m->p, former(m)))
			return ERR_BUSY;
		m->p.policy = m->asked.policy;
		e = pool_close(&m->p);
	}
	return e;
}

/* What was healed was looked for among whole datagrams, whose places change. */
static enum err
apply_policy(struct merge *m)
{
	uint32_t *moved;
	enum err e = pool_apply_policy(&m->p, &m->plan, &moved);

	if (e != ERR_OK)
		return e;
	heal_moved(&m->heal, moved);
	spill_free(moved);
	plan_clear(&m->plan);
	return plan_make(&m->p, &m->plan);
}

/* ERR_BUSY: what is wrong was told. */
static enum err
work_out(struct merge *m)
{
	enum err e;

	m->options = m->asked;
	if (!merge_options_settle(&m->options, &m->p))
		return ERR_BUSY;
	if (m->p.cluster[0] == '\0') {
		msg_error("merge: no input holds a sound segment; nothing was written");
		return ERR_BUSY;
	}
	e = plan_make(&m->p, &m->plan);
	if (e == ERR_OK)
		e = heal_look(&m->p, &m->heal);
	if (e == ERR_OK && m->p.policy != NULL)
		e = apply_policy(m);
	if (e == ERR_OK && m->options.shard.of == 0) /* of a part they mean nothing */
		e = ledger_make(&m->p, &m->plan, &m->ledger);
	if (e == ERR_OK && m->options.shard.of == 0)
		e = conflicts_find(&m->p, &m->plan, &m->ledger, &m->conflicts);
	if (e == ERR_OK)
		e = overlap_find(&m->p, &m->overlaps);
	return e;
}

static enum err
write_out(struct merge *m)
{
	enum err e;

	m->manifest.window_ns = m->options.window_ns;
	m->manifest.limited = command_limited(&m->o);
	m->manifest.from_ns = m->p.span.from_ns;
	m->manifest.to_ns = m->p.span.to_ns;
	m->manifest.compression = m->options.compression;
	m->manifest.shard = m->options.shard;
	if (m->p.policy != NULL)
		policy_print(m->p.policy, 0, &m->manifest.policy);
	memcpy(m->manifest.cluster, m->p.cluster, sizeof(m->manifest.cluster));
	e = m->dry_run ? look_at_windows(m) : write_archive(m);
	count_gone(m);
	return e;
}

static void
forget(struct merge *m)
{
	conflicts_clear(&m->conflicts);
	ledger_clear(&m->ledger);
	plan_clear(&m->plan);
	heal_clear(&m->heal);
	overlap_clear(&m->overlaps);
	manifest_clear(&m->manifest);
	pool_clear(&m->p);
	buf_clear(&m->list);
	m->windows = 0;
	memset(m->fates, 0, sizeof(m->fates));
}

static bool
run(struct merge *m, char **paths, int count)
{
	struct buf why = BUF_INIT;
	enum err e;

	if (m->place.archive && command_limited(&m->o)) { /* it would be cut, or was cut otherwise */
		msg_error("%s: exists; with --from or --to a merge writes a new archive only", m->given);
		return false;
	}
	e = read_inputs(m, paths, count, &why);

	if (e == ERR_OK)
		e = work_out(m);
	if (e == ERR_OK) {
		overlap_warn(&m->overlaps);
		e = write_out(m);
	}
	if (e != ERR_OK && e != ERR_BUSY && !m->full && m->p.chunks != NULL && m->p.chunks->failed) {
		msg_warn("%s: payloads of it are damaged; all of it is read", m->given);
		buf_clear(&why);
		forget(m);
		m->full = true;
		return run(m, paths, count);
	}
	if (e != ERR_OK && e != ERR_BUSY) {
		if (why.len > 0)
			msg_error("%.*s", (int)why.len, (char *)why.data);
		else
			msg_error("%s: %s%s", m->given, err_text(e),
			    e == ERR_CHECKSUM ? " (an input changed while it was read)" : "");
	}
	buf_clear(&why);
	return e == ERR_OK && report(m);
}

static bool
options(struct merge *m, int argc, char **argv, int *ret_exit)
{
	static const struct option longs[] = {{"json", no_argument, NULL, 'j'},
	    {"window", required_argument, NULL, 'w'}, {"compression", required_argument, NULL, 'c'},
	    {"shard", required_argument, NULL, 's'}, {"policy", required_argument, NULL, 'p'},
	    {"full", no_argument, NULL, 'f'}, {"dry-run", no_argument, NULL, 'n'},
	    {"memory", required_argument, NULL, 'm'}, COMMAND_TIMES, {"wait", no_argument, NULL, 'W'},
	    {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int c;

	*ret_exit = EXIT_UNABLE;
	merge_options_init(&m->asked);
	while ((c = getopt_long(argc, argv, "o:qh", longs, NULL)) != -1) {
		switch (c) {
		case 'o':
			m->given = optarg;
			break;
		case 'w':
			if (!command_duration(optarg, &m->asked.window_ns)) {
				msg_error("--window %s: expected a duration such as 5m, 300s or 1h", optarg);
				return false;
			}
			break;
		case 'm':
			if (!command_memory(optarg, &m->o.memory))
				return false;
			break;
		case 'c':
			if (!merge_options_compression(&m->asked, optarg))
				return false;
			break;
		case 's':
			if (!manifest_shard_read(optarg, &m->asked.shard)) {
				msg_error("--shard %s: expected K/N, such as 0/8 to 7/8", optarg);
				return false;
			}
			break;
		case 'p':
			policy_free(m->asked.policy);
			if ((m->asked.policy = policy_file_load(optarg)) == NULL)
				return false;
			break;
		case 'f':
			m->full = true;
			break;
		case 'n':
			m->dry_run = true;
			break;
		case 'W':
			m->wait = true;
			break;
		case COMMAND_OPTION_FROM:
		case COMMAND_OPTION_TO:
			if (!command_time(&m->o, c, optarg))
				return false;
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
	if (m->asked.shard.of > 0 && command_limited(&m->o)) {
		msg_error(
		    "--shard makes a part that others join; what --from and --to cut out joins nothing");
		return false;
	}
	return true;
}

int
command_merge(int argc, char **argv)
{
	struct merge m = {.o = {.heals = true, .decodes = true}, .list = BUF_INIT};
	int status;
	bool ok;

	if (!options(&m, argc, argv, &status)) {
		merge_options_clear(&m.asked);
		return status;
	}
	pool_init(&m.p);
	ok = place_open(&m.place, m.given, !m.dry_run, m.wait) && limit_memory(&m) &&
	    run(&m, argv + optind, argc - optind);
	status = !ok                                                                   ? EXIT_UNABLE
	    : m.p.findings > 0 || m.ledger.conflicts > 0 || m.p.selected_conflicts > 0 ? EXIT_FOUND
										       : EXIT_CLEAN;
	forget(&m);
	place_close(&m.place);
	merge_options_clear(&m.asked);
	return status;
}
