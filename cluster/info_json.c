/* SPDX-License-Identifier: ISC
 *
 * flowbraid info --json; flowbraid(1) tells the keys.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cluster/info_report.h"

static void
put_time(struct json *j, const char *key, int64_t ns, bool known)
{
	char text[WALL_TEXT_SIZE];

	json_key(j, key);
	if (known)
		json_text(j, wall_text((wall_t){ns}, 9, text));
	else
		json_null(j);
}

static void
put_times(struct json *j, int64_t first_ns, int64_t last_ns)
{
	put_time(j, "first", first_ns, first_ns <= last_ns);
	put_time(j, "last", last_ns, first_ns <= last_ns);
}

/* Lanes and lives by node; sources are sorted. */
static void
path_nodes(struct json *j, const struct info_path *path)
{
	json_key(j, "nodes");
	json_array(j);
	for (size_t i = 0, end; i < path->source_count; i = end) {
		const struct source *s = &path->sources[i];

		json_object(j);
		json_put_text(j, "node", s->node);
		json_key(j, "lanes");
		json_array(j);
		for (end = i; end < path->source_count && strcmp(path->sources[end].node, s->node) == 0;
		     end++) {
			if (end == i || path->sources[end].lane != path->sources[end - 1].lane)
				json_u64(j, path->sources[end].lane);
		}
		json_end(j);
		json_put_u64(j, "incarnations", end - i);
		json_end(j);
	}
	json_end(j);
}

/* What of the whole an archive holds. */
static void
put_part(struct json *j, const struct manifest *m)
{
	if (m->limited) {
		json_key(j, "part");
		json_object(j);
		put_time(j, "from", m->from_ns, m->from_ns != INT64_MIN);
		put_time(j, "to", m->to_ns, m->to_ns != INT64_MAX);
		json_end(j);
	}
	if (m->shard.of > 0) {
		json_key(j, "shard");
		json_array(j);
		json_u64(j, m->shard.number);
		json_u64(j, m->shard.of);
		json_end(j);
	}
}

static void
put_path(struct json *j, const struct info_path *path)
{
	struct buf text = BUF_INIT;

	json_object(j);
	json_put_text(j, "path", path->input->path);
	json_put_text(j, "kind", info_kind(path));
	json_put_text(j, "cluster", path->cluster);
	json_put_u64(j, "bytes", path->bytes);
	json_put_u64(j, "records", path->records);
	json_put_u64(j, "findings", path->findings);
	put_times(j, path->first_ns, path->last_ns);
	json_put_u64(j, "datagrams", path->datagrams);
	json_put_u64(j, "selected", path->selected);
	json_put_u64(j, "hearings", path->hearings);
	json_put_u64(j, "events", path->events);
	json_put_u64(j, "payload_bytes", path->payload_bytes);
	if (path->input->kind == INPUT_ARCHIVE) {
		json_key(j, "window_ns");
		json_i64(j, path->input->manifest.window_ns);
		buf_reset(&text);
		manifest_compression_text(&path->input->manifest.compression, &text);
		json_key(j, "compression");
		json_text_len(j, text.data, text.len);
		json_put_u64(j, "windows", path->kinds[SEGMENT_WINDOW]);
		if (path->input->manifest.policy.len > 0) {
			json_key(j, "policy");
			json_text_len(j, path->input->manifest.policy.data, path->input->manifest.policy.len);
		}
		put_part(j, &path->input->manifest);
	} else {
		json_put_u64(j, "segments", path->files);
		json_put_u64(j, "sealed", path->sealed);
		json_put_u64(j, "open", path->open);
		json_put_u64(j, "torn", path->torn);
	}
	path_nodes(j, path);
	json_end(j);
	buf_clear(&text);
}

static void
put_skew(struct json *j, const struct skew *s)
{
	json_key(j, "skew_ns");
	if (s->shared > 0)
		json_i64(j, s->ns);
	else
		json_null(j);
	json_put_u64(j, "shared", s->shared);
}

static void
put_lost(struct json *j, const struct info *info, uint32_t node)
{
	json_key(j, "lost");
	json_array(j);
	for (size_t i = 0; i < info->p.source_count; i++) {
		const struct pool_source *s = &info->p.sources[i];

		for (size_t k = 0; s->node == node && k < s->lost.count; k++) {
			json_object(j);
			json_put_u64(j, "lane", s->id.lane);
			json_put_u64(j, "life", info->heal.lives[i].number);
			json_put_u64(j, "from", (uint64_t)s->lost.ranges[k].from);
			json_put_u64(j, "to", (uint64_t)s->lost.ranges[k].to - 1);
			json_end(j);
		}
	}
	json_end(j);
}

static void
put_node(struct json *j, const struct info *info, uint32_t node)
{
	const struct census_node *n = &info->census.nodes[node];

	json_object(j);
	json_put_text(j, "node", info->p.nodes[node]);
	json_put_u64(j, "lanes", n->lanes);
	json_put_u64(j, "lives", n->lives);
	put_times(j, n->first_ns, n->last_ns);
	json_put_u64(j, "datagrams", n->datagrams);
	json_put_u64(j, "only_here", n->only_here);
	json_put_u64(j, "missed", info->census.datagrams - n->datagrams);
	json_put_u64(j, "hearings", n->hearings);
	json_put_u64(j, "duplicates", n->duplicates);
	json_put_u64(j, "redundant", n->redundant);
	json_put_u64(j, "repeats", n->repeats);
	json_put_u64(j, "events", n->events);
	json_put_u64(j, "records", n->records);
	json_put_u64(j, "damaged_records", n->lost);
	json_put_u64(j, "healed_records", info_healed(info, node));
	put_lost(j, info, node);
	put_skew(j, &info->skews.nodes[node]);
	json_key(j, "listeners");
	json_array(j);
	for (size_t i = 0; i < n->listener_count; i++) {
		json_object(j);
		json_put_u64(j, "listener", n->listeners[i].listener);
		json_put_u64(j, "hearings", n->listeners[i].hearings);
		json_end(j);
	}
	json_end(j);
	json_end(j);
}

static void
put_pairs(struct json *j, const struct info *info)
{
	size_t n = info->p.node_count;

	json_key(j, "skews");
	json_array(j);
	for (size_t a = 0; info->skews.pairs != NULL && a < n; a++) {
		for (size_t b = a + 1; b < n; b++) {
			json_object(j);
			json_put_text(j, "node", info->p.nodes[a]);
			json_put_text(j, "other", info->p.nodes[b]);
			put_skew(j, &info->skews.pairs[a * n + b]);
			json_end(j);
		}
	}
	json_end(j);
}

static void
put_stream(struct json *j, const struct census_stream *s)
{
	char addr[ADDR_TEXT_SIZE];
	const char *version = proto_version_json((enum proto)s->key->proto);

	json_object(j);
	json_key(j, "version");
	json_raw(j, version, strlen(version));
	json_put_u64(j, "domain", s->key->domain);
	if (s->key->proto == PROTO_SFLOW5)
		json_put_text(j, "agent", addr_text(&s->key->agent, addr));
	json_put_u64(j, "datagrams", s->datagrams);
	json_put_u64(j, "payload_bytes", s->bytes);
	put_times(j, s->first_ns, s->last_ns);
	json_end(j);
}

static void
put_exporters(struct json *j, const struct census *c)
{
	char addr[ADDR_TEXT_SIZE];

	json_key(j, "exporters");
	json_array(j);
	for (size_t i = 0, end; i < c->stream_count; i = end) {
		uint64_t datagrams = 0, bytes = 0;

		end = info_exporter_end(c, i, &datagrams, &bytes);
		json_object(j);
		json_put_text(j, "exporter", addr_text(&c->streams[i].key->exporter, addr));
		json_put_u64(j, "exporterPort", c->streams[i].key->port);
		json_put_u64(j, "datagrams", datagrams);
		json_put_u64(j, "payload_bytes", bytes);
		json_key(j, "streams");
		json_array(j);
		for (size_t k = i; k < end; k++)
			put_stream(j, &c->streams[k]);
		json_end(j);
		json_end(j);
	}
	json_end(j);
}

void
info_json(const struct info *info, struct buf *out)
{
	struct json j;

	json_init(&j, out);
	json_object(&j);
	json_put_text(&j, "cluster", info->p.cluster);
	json_put_u64(&j, "datagrams", info->census.datagrams);
	json_put_u64(&j, "selected", info->census.selected);
	json_put_u64(&j, "hearings", info->census.hearings);
	json_put_u64(&j, "payload_bytes", info->census.bytes);
	put_times(&j, info->census.first_ns, info->census.last_ns);
	json_put_u64(&j, "findings", info->p.findings);
	json_put_u64(&j, "damaged_records", info->heal.damaged);
	json_put_u64(&j, "healed_records", info->heal.healed);
	json_put_u64(&j, "unattributed_records", info->heal.damaged - info->heal.healed);
	json_key(&j, "paths");
	json_array(&j);
	for (size_t i = 0; i < info->path_count; i++)
		put_path(&j, &info->paths[i]);
	json_end(&j);
	json_key(&j, "nodes");
	json_array(&j);
	for (uint32_t i = 0; i < info->p.node_count; i++)
		put_node(&j, info, i);
	json_end(&j);
	put_pairs(&j, info);
	put_exporters(&j, &info->census);
	json_end(&j);
	buf_u8(out, '\n');
}
