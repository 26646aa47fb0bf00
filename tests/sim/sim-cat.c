/* SPDX-License-Identifier: ISC
 *
 * The archive's flows as cat prints them: each marker once, with its datagram's time, witnesses and sampling. A set that
 * was decoded with another layout shows, because its markers are read from another place.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/command.h"
#include "tests/sim/sim.h"

struct catting {
	struct world *w;
	const struct expect *e;
	bool *lives_known; /* by stream */
	uint8_t *seen;     /* by flow */
	uint64_t unknown;  /* flows with markers that nobody sent */
};

/* Where a member's value begins in a line; NULL: there is none. */
static const char *
value_of(const char *line, const char *key)
{
	char text[64];
	const char *at;

	snprintf(text, sizeof(text), "\"%s\":", key);
	at = strstr(line, text);
	return at != NULL ? at + strlen(text) : NULL;
}

static uint64_t
number_of(const char *line, const char *key)
{
	const char *at = value_of(line, key);

	return at != NULL ? strtoull(at, NULL, 10) : UINT64_MAX;
}

/* The line has the member with a value of that text. */
static bool
has_text(const char *line, const char *key, const char *text)
{
	const char *at = value_of(line, key);

	return at != NULL && strncmp(at, text, strlen(text)) == 0;
}

static void
witnesses_text(const struct world *w, const struct expect_datagram *d, char *ret, size_t size)
{
	size_t n = (size_t)snprintf(ret, size, "[");

	for (uint32_t node = 0; node < w->node_count; node++) { /* names are in order */
		if (((d->nodes >> node) & 1) != 0)
			n += (size_t)snprintf(
			    ret + n, size - n, "%s\"%s\"", n > 1 ? "," : "", w->nodes[node].name);
	}
	snprintf(ret + n, size - n, "]");
}

static const struct part *
part_of(const struct world *w, const struct sent *s, uint32_t flow)
{
	for (uint32_t p = s->parts_at; p < s->parts_at + s->parts; p++) {
		if (!w->parts[p].defines && flow >= w->parts[p].flows_at &&
		    flow < w->parts[p].flows_at + w->parts[p].flows)
			return &w->parts[p];
	}
	return NULL;
}

static bool
has_layouts(const struct sim_stream *st)
{
	return st->proto == PROTO_V9 || st->proto == PROTO_IPFIX;
}

static void
check_flow(struct catting *c, const char *line, uint32_t flow)
{
	struct world *w = c->w;
	const struct flow_truth *f = &w->flows[flow];
	const struct sent *s = &w->sent[f->sent];
	const struct sim_stream *st = &w->streams[s->stream];
	const struct expect_datagram *d;
	char received[WALL_TEXT_SIZE + 2], text[128];
	bool whole = !has_layouts(st) || c->lives_known[s->stream];

	c->seen[flow]++;
	if (!CHECK(
		w, c->e->of_sent[f->sent] != NONE, "cat: flow %x of a datagram that is not there", f->marker))
		return;
	d = &c->e->datagrams[c->e->of_sent[f->sent]];
	CHECK(w,
	    number_of(line, "sequence") == s->sequence && number_of(line, "domain") == st->domain &&
		number_of(line, "exporterPort") == w->exporters[st->exporter].port,
	    "cat: flow %x: header is not that of datagram %u", f->marker, f->sent);
	received[0] = '"';
	(void)wall_text((wall_t){d->time_ns}, 9, received + 1);
	CHECK(w, has_text(line, "received", received), "cat: flow %x: received is not %s", f->marker,
	    received + 1);
	witnesses_text(w, d, text, sizeof(text));
	CHECK(w, has_text(line, "witnesses", text), "cat: flow %x: witnesses are not %s", f->marker, text);
	for (uint32_t p = s->parts_at; p < s->parts_at + s->parts && has_layouts(st) && d->whole; p++)
		whole &= w->parts[p].defines || c->e->sets[p].layout == w->parts[p].layout;
	if (d->whole ? whole : !d->odd)
		CHECK(w, number_of(line, "index") == f->index, "cat: flow %x: index is not %u", f->marker,
		    f->index);
	if (has_layouts(st) && c->lives_known[s->stream]) {
		uint64_t interval = number_of(line, "samplingInterval");
		uint32_t want = c->e->interval[f->sent];

		CHECK(w, want != 0 ? interval == want : interval == UINT64_MAX,
		    "cat: flow %x: sampling interval %" PRIu64 ", not %u", f->marker, interval, want);
	}
}

static void
check_line(struct catting *c, const char *line)
{
	uint64_t marker;
	uint32_t base = c->w->flow_count > 0 ? c->w->flows[0].marker : 0;

	if (has_text(line, "options", "true"))
		return;
	marker = number_of(line,
	    has_text(line, "version", "\"sflow5\"") ? "selectorIdTotalPktsObserved" : "octetDeltaCount");
	if (marker < base || marker - base >= c->w->flow_count) {
		c->unknown++;
		return;
	}
	check_flow(c, line, (uint32_t)(marker - base));
}

/* True when the set's flows have to stand there as they were sent; *ret_any: nobody can know what is read. */
static bool
is_decoded(const struct catting *c, const struct sent *s, uint32_t part, bool *ret_any)
{
	const struct sim_stream *st = &c->w->streams[s->stream];
	const struct expect_set *set = &c->e->sets[part];

	*ret_any = false;
	if (!has_layouts(st))
		return true;
	*ret_any = !c->lives_known[s->stream] ||
	    (set->layout != NONE && set->layout != c->w->parts[part].layout);
	return !*ret_any && set->layout != NONE;
}

static void
check_flows(struct catting *c)
{
	struct world *w = c->w;
	bool any_unknowable = false;

	for (uint32_t i = 0; i < w->flow_count; i++) {
		const struct flow_truth *f = &w->flows[i];
		const struct sent *s = &w->sent[f->sent];
		const struct part *p = part_of(w, s, i);
		bool any = false, decoded;

		if (p == NULL || c->e->of_sent[f->sent] == NONE)
			continue;
		if (c->e->datagrams[c->e->of_sent[f->sent]].whole) {
			decoded = is_decoded(c, s, (uint32_t)(p - w->parts), &any);
		} else {
			decoded = policy_kept(&c->e->datagrams[c->e->of_sent[f->sent]], i);
			any = c->e->datagrams[c->e->of_sent[f->sent]].odd;
		}
		any_unknowable |= any;
		if (any)
			continue;
		w->decoded += decoded;
		CHECK(w, c->seen[i] == decoded, "cat: flow %x of datagram %u is printed %u times%s",
		    f->marker, f->sent, c->seen[i], decoded ? "" : ", and has no template");
	}
	CHECK(w, any_unknowable || c->unknown == 0, "cat: %" PRIu64 " flows that nobody sent", c->unknown);
}

void
check_cat(struct world *w, const struct expect *e, const char *archive)
{
	const char *const argv[] = {"cat", "-q", "-F", "json", archive, NULL};
	struct catting c = {.w = w,
	    .e = e,
	    .lives_known = sim_alloc(w->stream_count + 1),
	    .seen = sim_alloc(w->flow_count + 1)};
	size_t len = 0;
	char *out = NULL;
	int status = sim_command(w, argv, &out, &len);

	CHECK(w, status == EXIT_CLEAN, "cat: exit %d", status);
	for (uint32_t i = 0; i < w->stream_count; i++)
		c.lives_known[i] = sim_lives_known(w, e, &w->streams[i]);
	for (char *line = out, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		check_line(&c, line);
	}
	check_flows(&c);
	free(out);
	free(c.lives_known);
	free(c.seen);
}
