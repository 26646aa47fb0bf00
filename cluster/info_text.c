/* SPDX-License-Identifier: ISC
 *
 * flowbraid info for people, and what both forms share.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/info_report.h"

const char *
info_kind(const struct info_path *path)
{
	if (path->input->kind == INPUT_ARCHIVE)
		return "archive";
	if (path->kinds[SEGMENT_WINDOW] > 0)
		return "window";
	if (path->kinds[SEGMENT_COMMON] > 0)
		return "common file";
	return path->input->kind == INPUT_LOG ? "log" : "segment";
}

uint64_t
info_healed(const struct info *info, uint32_t node)
{
	uint64_t n = 0;

	for (size_t i = 0; i < info->heal.healed; i++)
		n += info->p.sources[info->heal.list[i].source].node == node;
	return n;
}

size_t
info_exporter_end(const struct census *c, size_t first, uint64_t *ret_datagrams, uint64_t *ret_bytes)
{
	const struct stream_key *key = c->streams[first].key;
	size_t i = first;

	for (*ret_datagrams = *ret_bytes = 0; i < c->stream_count; i++) {
		const struct census_stream *s = &c->streams[i];

		if (addr_cmp(&s->key->exporter, &key->exporter) != 0 || s->key->port != key->port)
			break;
		*ret_datagrams += s->datagrams;
		*ret_bytes += s->bytes;
	}
	return i;
}

static void
put_times(struct buf *out, int64_t first_ns, int64_t last_ns)
{
	char a[WALL_TEXT_SIZE], b[WALL_TEXT_SIZE];

	if (first_ns <= last_ns)
		buf_printf(out, ", %s to %s", wall_text((wall_t){first_ns}, 3, a),
		    wall_text((wall_t){last_ns}, 3, b));
}

static void
path_nodes(struct buf *out, const struct info_path *path)
{
	for (size_t i = 0, end; i < path->source_count; i = end) {
		const char *sep = " ";

		buf_printf(out, "    node %s, lanes", path->sources[i].node);
		for (end = i;
		     end < path->source_count && strcmp(path->sources[end].node, path->sources[i].node) == 0;
		     end++) {
			if (end == i || path->sources[end].lane != path->sources[end - 1].lane) {
				buf_printf(out, "%s%u", sep, path->sources[end].lane);
				sep = ", ";
			}
		}
		buf_printf(out, ", incarnations %zu\n", end - i);
	}
}

/* What of the whole an archive holds. */
static void
put_part(struct buf *out, const struct manifest *m)
{
	char text[WALL_TEXT_SIZE];

	if (m->limited && m->from_ns != INT64_MIN)
		buf_printf(out, ", from %s", wall_text((wall_t){m->from_ns}, 3, text));
	if (m->limited && m->to_ns != INT64_MAX)
		buf_printf(out, ", to %s", wall_text((wall_t){m->to_ns}, 3, text));
	if (m->shard.of > 0)
		buf_printf(out, ", shard %" PRIu32 "/%" PRIu32, m->shard.number, m->shard.of);
}

static void
put_path(struct buf *out, const struct info_path *path)
{
	buf_printf(out, "%s: %s of cluster %s", path->input->path, info_kind(path), path->cluster);
	put_times(out, path->first_ns, path->last_ns);
	if (path->input->kind == INPUT_ARCHIVE) {
		buf_printf(out, "\n    windows %" PRIu64 " of %g s, compression ",
		    path->kinds[SEGMENT_WINDOW],
		    (double)path->input->manifest.window_ns / (double)NS_PER_SEC);
		manifest_compression_text(&path->input->manifest.compression, out);
		if (path->input->manifest.policy.len > 0)
			buf_text(out, ", made with a policy");
		put_part(out, &path->input->manifest);
	} else {
		buf_printf(out,
		    "\n    segments %" PRIu64 ", sealed %" PRIu64 ", open %" PRIu64 ", torn %" PRIu64,
		    path->files, path->sealed, path->open, path->torn);
	}
	buf_printf(out, ", bytes %" PRIu64 ", records %" PRIu64 ", findings %" PRIu64 "\n", path->bytes,
	    path->records, path->findings);
	buf_printf(out,
	    "    datagrams %" PRIu64 " (payload bytes %" PRIu64 "), hearings %" PRIu64 ", events %" PRIu64
	    "\n",
	    path->datagrams, path->payload_bytes, path->hearings, path->events);
	if (path->selected > 0)
		buf_printf(
		    out, "    datagrams of which only selected flows are kept %" PRIu64 "\n", path->selected);
	path_nodes(out, path);
}

static void
put_seconds(struct buf *out, int64_t ns)
{
	uint64_t v = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;

	buf_printf(out, "%c%" PRIu64 ".%09" PRIu64 " s", ns < 0 ? '-' : '+', v / (uint64_t)NS_PER_SEC,
	    v % (uint64_t)NS_PER_SEC);
}

static void
put_lost(struct buf *out, const struct info *info, uint32_t node)
{
	const size_t most = 8;
	size_t n = 0;

	for (size_t i = 0; i < info->p.source_count; i++) {
		const struct pool_source *s = &info->p.sources[i];

		for (size_t k = 0; s->node == node && k < s->lost.count; k++, n++) {
			struct seq_range r = s->lost.ranges[k];

			if (n < most)
				buf_printf(out,
				    "    damaged: lane %u, life %" PRIu32 ", records %" PRId64 " to %" PRId64
				    "\n",
				    s->id.lane, info->heal.lives[i].number, r.from, r.to - 1);
		}
	}
	if (n > most)
		buf_printf(out, "    damaged: %zu more such places\n", n - most);
}

static void
put_node(struct buf *out, const struct info *info, uint32_t node)
{
	const struct census_node *n = &info->census.nodes[node];
	uint64_t all = info->census.datagrams, missed = all - n->datagrams;

	buf_printf(
	    out, "node %s: lanes %" PRIu32 ", lives %" PRIu32, info->p.nodes[node], n->lanes, n->lives);
	put_times(out, n->first_ns, n->last_ns);
	buf_printf(out, "\n    datagrams %" PRIu64 ", only here %" PRIu64 ", missed %" PRIu64 " (%.2f %%)\n",
	    n->datagrams, n->only_here, missed, all > 0 ? 100.0 * (double)missed / (double)all : 0);
	buf_printf(out,
	    "    hearings %" PRIu64 ": duplicates %" PRIu64 ", by another listener %" PRIu64
	    ", repeats %" PRIu64 "; events %" PRIu64 "\n",
	    n->hearings, n->duplicates, n->redundant, n->repeats, n->events);
	for (size_t i = 0; i < n->listener_count; i++)
		buf_printf(out, "    listener %u: hearings %" PRIu64 "\n", n->listeners[i].listener,
		    n->listeners[i].hearings);
	buf_printf(out, "    clock: ");
	if (info->skews.nodes[node].shared > 0) {
		put_seconds(out, info->skews.nodes[node].ns);
		buf_printf(out, " against the others (%" PRIu64 " shared datagrams)\n",
		    info->skews.nodes[node].shared);
	} else {
		buf_printf(out, "not known, no datagram is shared\n");
	}
	if (n->lost > 0) {
		buf_printf(out, "    damaged records %" PRIu64 ", healed %" PRIu64 "\n", n->lost,
		    info_healed(info, node));
		put_lost(out, info, node);
	}
}

static void
put_pairs(struct buf *out, const struct info *info)
{
	size_t n = info->p.node_count;

	for (size_t a = 0; info->skews.pairs != NULL && a < n; a++) {
		for (size_t b = a + 1; b < n; b++) {
			const struct skew *s = &info->skews.pairs[a * n + b];

			if (s->shared == 0)
				continue;
			buf_printf(out, "clock of %s against %s: ", info->p.nodes[a], info->p.nodes[b]);
			put_seconds(out, s->ns);
			buf_printf(out, " (%" PRIu64 " shared datagrams)\n", s->shared);
		}
	}
}

static void
put_exporters(struct buf *out, const struct census *c)
{
	char addr[ADDR_TEXT_SIZE];

	for (size_t i = 0, end; i < c->stream_count; i = end) {
		uint64_t datagrams, bytes;

		end = info_exporter_end(c, i, &datagrams, &bytes);
		buf_printf(out,
		    "exporter %s port %u: datagrams %" PRIu64 " (payload bytes %" PRIu64 "), streams %zu\n",
		    addr_text(&c->streams[i].key->exporter, addr), c->streams[i].key->port, datagrams, bytes,
		    end - i);
		for (size_t k = i; k < end; k++) {
			const struct census_stream *s = &c->streams[k];

			buf_printf(out, "    %s domain %" PRIu32, proto_name((enum proto)s->key->proto),
			    s->key->domain);
			if (s->key->proto == PROTO_SFLOW5)
				buf_printf(out, " agent %s", addr_text(&s->key->agent, addr));
			buf_printf(out, ": datagrams %" PRIu64, s->datagrams);
			put_times(out, s->first_ns, s->last_ns);
			buf_u8(out, '\n');
		}
	}
}

void
info_text(const struct info *info, struct buf *out)
{
	for (size_t i = 0; i < info->path_count; i++)
		put_path(out, &info->paths[i]);
	buf_printf(out,
	    "cluster %s: datagrams %" PRIu64 " (payload bytes %" PRIu64 "), hearings %" PRIu64 ", nodes %zu",
	    info->p.cluster, info->census.datagrams, info->census.bytes, info->census.hearings,
	    info->p.node_count);
	if (info->census.selected > 0)
		buf_printf(out, ", selected flows alone %" PRIu64, info->census.selected);
	put_times(out, info->census.first_ns, info->census.last_ns);
	buf_u8(out, '\n');
	for (uint32_t i = 0; i < info->p.node_count; i++)
		put_node(out, info, i);
	put_pairs(out, info);
	put_exporters(out, &info->census);
	if (info->heal.damaged > 0)
		buf_printf(out, "damaged records %" PRIu64 ", healed %" PRIu64 ", unattributed %" PRIu64 "\n",
		    info->heal.damaged, info->heal.healed, info->heal.damaged - info->heal.healed);
}
