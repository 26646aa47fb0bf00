/* SPDX-License-Identifier: ISC
 *
 * Exporters: what each of their streams sends, in the order in which it is sent. Lives, clocks, numberings and
 * templates are all decided here, so that the truth is known without looking into a datagram.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

#define IDS_MOST 3
#define CLOCKS_MOST 8
#define UPTIME_WRAP_NS (((int64_t)1 << 32) * NS_PER_MSEC)
#define PAUSE_NS (2500 * NS_PER_MSEC)

/* A stream while it is made. */
struct making {
	struct world *w;
	struct rng r;
	uint32_t stream;
	uint32_t planned;
	int64_t at_ns;               /* true time of the next datagram */
	int64_t boot_ns;             /* true time at which uptime was 0 */
	int64_t clocks[CLOCKS_MOST]; /* former values of the next */
	uint32_t clock_count;
	int64_t clock_ns; /* what the exporter's clock is ahead */
	uint32_t life;
	bool device;   /* boot time and clock are given: another stream has them already */
	uint64_t base; /* the number that the life began with */
	uint64_t units, datagrams;
	uint32_t ids, layout_of[IDS_MOST]; /* the layout that holds for each template id */
	bool told[IDS_MOST];
	uint32_t options_layout; /* NONE: the stream tells no sampling */
	uint32_t interval;
	uint32_t since_refresh, refresh;
	uint8_t aggregation;
};

static struct sim_stream *
stream_of(const struct making *m)
{
	return &m->w->streams[m->stream];
}

static bool
has_templates(const struct making *m)
{
	return stream_of(m)->proto == PROTO_V9 || stream_of(m)->proto == PROTO_IPFIX;
}

static uint32_t
add_layout(struct making *m, const struct layout *l)
{
	struct sim_stream *st = stream_of(m);

	for (uint32_t i = 0; i < st->layout_count; i++) {
		if (st->layouts[i].len == l->len && memcmp(st->layouts[i].bytes, l->bytes, l->len) == 0)
			return i;
	}
	GROW(st->layouts, st->layout_count);
	st->layouts[st->layout_count] = *l;
	return st->layout_count++;
}

static uint32_t
new_layout(struct making *m, uint16_t id, bool options)
{
	struct layout l;

	encode_layout(&m->r, stream_of(m)->proto, id, options, &l);
	return add_layout(m, &l);
}

/* What a datagram takes of the numbers. */
static uint32_t
step_of(enum counting c, uint32_t units, uint32_t templates, uint32_t options)
{
	if (c == COUNT_DATAGRAMS)
		return 1;
	if (c == COUNT_BEFORE_ALL || c == COUNT_AFTER_ALL)
		return units + templates;
	return units - (c == COUNT_BEFORE_FLOWS || c == COUNT_AFTER_FLOWS ? options : 0);
}

static bool
is_after(enum counting c)
{
	return c == COUNT_AFTER || c == COUNT_AFTER_ALL || c == COUNT_AFTER_FLOWS;
}

static uint64_t
number_of(const struct making *m, uint32_t units)
{
	switch (stream_of(m)->counting) {
	case COUNT_BEFORE:
	case COUNT_BEFORE_ALL:
	case COUNT_BEFORE_FLOWS:
		return m->base + m->units;
	case COUNT_AFTER:
	case COUNT_AFTER_ALL:
	case COUNT_AFTER_FLOWS:
		return m->base + m->units + units;
	case COUNT_DATAGRAMS:
		return m->base + m->datagrams;
	case COUNT_ZERO:
	case COUNTINGS:
		break;
	}
	return 0;
}

static bool
is_sent_already(const struct making *m, const struct sent *s)
{
	const struct sim_stream *st = stream_of(m);

	for (uint32_t i = 0; i < st->sent_count; i++) {
		const struct sent *o = &m->w->sent[st->sent[i]];

		if (o->len == s->len && memcmp(o->payload, s->payload, s->len) == 0)
			return true;
	}
	return false;
}

/* Sends one datagram of these parts. */
static void
send_parts(struct making *m, const struct part *given, uint32_t count)
{
	struct world *w = m->w;
	struct sim_stream *st = stream_of(m);
	struct part parts[8];
	uint32_t units = 0, options = 0, flows = w->flow_count;
	int64_t clock = SIM_START + m->at_ns + m->clock_ns;
	struct encode_head head = {.domain = st->domain, .agent = st->agent, .aggregation = m->aggregation};
	struct sent s = {.stream = m->stream, .life = m->life, .at_ns = m->at_ns};

	memcpy(parts, given, count * sizeof(*parts));
	for (uint32_t i = 0; i < count; i++)
		*(parts[i].defines ? &s.templates : &units) += parts[i].defines ? 1 : parts[i].flows;
	for (uint32_t i = 0; i < count; i++) {
		if (!parts[i].defines && parts[i].layout != NONE && st->layouts[parts[i].layout].options)
			options += parts[i].flows;
	}
	units = st->counting == COUNT_DATAGRAMS ? units : step_of(st->counting, units, s.templates, options);
	s.number = (int64_t)number_of(m, units);
	head.sequence = (uint32_t)s.number;
	head.uptime_ms = (uint32_t)((m->at_ns - m->boot_ns) / NS_PER_MSEC);
	head.export_ns = clock;
	s.export_ns = st->proto == PROTO_V9 || st->proto == PROTO_IPFIX ? clock - clock % NS_PER_SEC : clock;
	s.order = st->proto == PROTO_IPFIX ? s.export_ns / NS_PER_SEC : (m->at_ns - m->boot_ns) / NS_PER_MSEC;
	encode_datagram(w, &m->r, st, &head, parts, count, &s);
	if (is_sent_already(m, &s)) { /* definitions again, in one second: the same datagram to everybody */
		free(s.payload);
		w->flow_count = flows;
		return;
	}
	s.parts_at = w->part_count;
	s.parts = count;
	for (uint32_t i = 0; i < count; i++) {
		GROW(w->parts, w->part_count);
		w->parts[w->part_count++] = parts[i];
	}
	GROW(st->sent, st->sent_count);
	st->sent[st->sent_count++] = w->sent_count;
	GROW(w->sent, w->sent_count);
	w->sent[w->sent_count++] = s;
	m->units += units;
	m->datagrams++;
}

static void
begin_life(struct making *m)
{
	int64_t uptime_ms = 0;

	if (m->life > 0 && rng_chance(&m->r, 80)) /* it has rebooted, not only restarted its export */
		uptime_ms = rng_between(&m->r, 0, 2000);
	else if (rng_chance(&m->r, 30))
		uptime_ms = rng_between(&m->r, 1, 40LL * 86400 * 1000);
	else if (rng_chance(&m->r, 20)) /* it will wrap */
		uptime_ms = ((int64_t)1 << 32) - rng_between(&m->r, 1, m->w->length_ns / NS_PER_MSEC);
	else
		uptime_ms = rng_between(&m->r, 0, 10000);
	if (!m->device)
		m->boot_ns = m->at_ns - uptime_ms * NS_PER_MSEC;
	m->base = 0;
	if (rng_chance(&m->r, stream_of(m)->lives > 1 ? 5 : 25))
		m->base = ((uint64_t)1 << 32) - (uint64_t)rng_between(&m->r, 1, 200);
	else if (rng_chance(&m->r, m->life == 0 ? 25 : 10))
		m->base = rng_below(&m->r, UINT32_MAX);
	m->units = m->datagrams = 0;
	memset(m->told, 0, sizeof(m->told));
	m->since_refresh = 0;
	for (uint32_t i = 0; i < m->ids && has_templates(m); i++) {
		if (m->life == 0 || rng_chance(&m->r, 60))
			m->layout_of[i] = new_layout(m, (uint16_t)(256 + i), false);
	}
}

/* Orders by other things than the sequence have no way to tell what came first within an instant. */
static bool
needs_pause(const struct making *m)
{
	return stream_of(m)->proto == PROTO_IPFIX || stream_of(m)->counting != COUNT_DATAGRAMS;
}

static void
pause_if_needed(struct making *m)
{
	if (needs_pause(m))
		m->at_ns += PAUSE_NS;
}

static struct part
definition(uint32_t layout)
{
	return (struct part){.defines = true, .layout = layout};
}

/* All definitions, and the sampling interval, in one datagram or in two. */
static void
refresh(struct making *m)
{
	struct part parts[8];
	uint32_t n = 0;

	pause_if_needed(m);
	for (uint32_t i = 0; i < m->ids; i++) {
		parts[n++] = definition(m->layout_of[i]);
		m->told[i] = true;
	}
	if (m->options_layout != NONE) {
		parts[n++] = definition(m->options_layout);
		if (rng_chance(&m->r, 50)) {
			send_parts(m, parts, n);
			n = 0;
			pause_if_needed(m);
		}
		parts[n++] = (struct part){.layout = m->options_layout, .flows = 1, .interval = m->interval};
	}
	send_parts(m, parts, n);
	pause_if_needed(m);
	m->since_refresh = 0;
}

/* Another layout under the same id; told at once, or for IPFIX withdrawn first. */
static void
change_template(struct making *m)
{
	uint32_t i = (uint32_t)rng_below(&m->r, m->ids);
	struct part part;

	pause_if_needed(m);
	if (stream_of(m)->proto == PROTO_IPFIX && rng_chance(&m->r, 30)) {
		struct layout l;

		encode_withdrawal((uint16_t)(256 + i), &l);
		part = definition(add_layout(m, &l));
		send_parts(m, &part, 1);
		pause_if_needed(m);
	}
	m->layout_of[i] = new_layout(m, (uint16_t)(256 + i), false);
	part = definition(m->layout_of[i]);
	send_parts(m, &part, 1);
	m->told[i] = true;
	pause_if_needed(m);
}

/* Alone, or between the flows of one datagram, to all of which it applies. */
static void
change_interval(struct making *m)
{
	struct part parts[3];
	uint32_t n = 0, i = (uint32_t)rng_below(&m->r, m->ids);

	if (m->options_layout == NONE)
		return;
	pause_if_needed(m);
	m->interval = (uint32_t)rng_between(&m->r, 1, 60000);
	if (m->told[i] && rng_chance(&m->r, 50))
		parts[n++] = (struct part){.layout = m->layout_of[i], .flows = 2};
	parts[n++] = (struct part){.layout = m->options_layout, .flows = 1, .interval = m->interval};
	if (m->told[i] && rng_chance(&m->r, 50))
		parts[n++] = (struct part){.layout = m->layout_of[i], .flows = 1};
	send_parts(m, parts, n);
	pause_if_needed(m);
}

static void
send_data(struct making *m)
{
	struct part parts[8];
	uint32_t n = 0;

	if (has_templates(m)) {
		uint32_t sets = (uint32_t)rng_between(&m->r, 1, 2);

		for (uint32_t k = 0; k < sets; k++) {
			uint32_t i = (uint32_t)rng_below(&m->r, m->ids);

			if (!m->told[i] && rng_chance(&m->r, 80)) { /* else it comes later */
				parts[n++] = definition(m->layout_of[i]);
				m->told[i] = true;
			}
			parts[n++] = (struct part){
			    .layout = m->layout_of[i], .flows = (uint32_t)rng_between(&m->r, 1, 5)};
		}
	} else if (stream_of(m)->proto == PROTO_SFLOW5) {
		uint32_t runs = (uint32_t)rng_between(&m->r, 1, 3);

		for (uint32_t k = 0; k < runs; k++) {
			parts[n++] = (struct part){.layout = NONE,
			    .flows = (uint32_t)rng_between(&m->r, 1, 3),
			    .interval = rng_chance(&m->r, 25)};
		}
	} else {
		parts[n++] = (struct part){.layout = NONE, .flows = (uint32_t)rng_between(&m->r, 1, 6)};
	}
	send_parts(m, parts, n);
}

static void
wait_a_while(struct making *m, int64_t mean_ns)
{
	unsigned what = (unsigned)rng_below(&m->r, 100);

	if (what < 20)
		m->at_ns += rng_between(&m->r, 0, 2 * NS_PER_MSEC); /* a burst */
	else if (what < 22)
		m->at_ns += rng_between(&m->r, 10, 120) * NS_PER_SEC; /* silence */
	else
		m->at_ns += rng_between(&m->r, NS_PER_MSEC, 2 * mean_ns);
}

static void
step_clock(struct making *m)
{
	struct sim_stream *st = stream_of(m);
	int64_t uptime = m->at_ns - m->boot_ns;
	int64_t step = rng_between(&m->r, 2, 4000) * NS_PER_SEC;

	/* Where the exporter's own clock is all there is, a step back cannot be told from a late datagram; and a step
	 * beyond its life looks like another one. */
	if (st->proto == PROTO_IPFIX || st->lives > 1 || st->counting == COUNT_ZERO || st->shared)
		return;
	/* Nor can a step be told from a wrap of the uptime when both come at a time. */
	if (uptime < UPTIME_WRAP_NS && uptime + m->w->length_ns >= UPTIME_WRAP_NS)
		return;
	if (uptime >= UPTIME_WRAP_NS)
		return;
	if (rng_chance(&m->r, 50) && uptime > step + m->w->length_ns)
		step = -step;
	/* What came before a step and what comes after the one that takes it back has one boot time. */
	for (uint32_t i = 0; i < m->clock_count; i++) {
		if (llabs(m->clocks[i] - m->clock_ns - step) < 10 * NS_PER_SEC)
			return;
	}
	if (m->clock_count == CLOCKS_MOST)
		return;
	m->clocks[m->clock_count++] = m->clock_ns;
	m->clock_ns += step;
	st->clock_steps = true;
	m->at_ns += PAUSE_NS;
}

static void
make_stream(struct making *m)
{
	struct sim_stream *st = stream_of(m);
	int64_t mean = m->w->length_ns / (m->planned + 1);
	bool restarts = rng_chance(&m->r, 35) && !st->shared;

	m->ids = (uint32_t)rng_between(&m->r, 1, IDS_MOST);
	m->refresh = (uint32_t)rng_between(&m->r, 4, 25);
	m->aggregation = (uint8_t)rng_between(&m->r, 1, 5);
	m->options_layout = has_templates(m) && rng_chance(&m->r, 50) ? new_layout(m, 500, true) : NONE;
	m->interval = (uint32_t)rng_between(&m->r, 1, 60000);
	m->at_ns = rng_between(&m->r, 0, m->w->length_ns / 10);
	if (m->device && m->at_ns < m->boot_ns)
		m->at_ns = m->boot_ns;
	if (!m->device)
		m->clock_ns = rng_chance(&m->r, 20) ? rng_between(&m->r, -3600, 3600) * NS_PER_SEC : 0;
	st->lives = 1;
	begin_life(m);
	for (uint32_t i = 0; i < m->planned && m->at_ns < m->w->length_ns; i++) {
		unsigned what = (unsigned)rng_below(&m->r, 1000);

		if (has_templates(m) &&
		    ((m->datagrams == 0 && rng_chance(&m->r, 80)) || m->since_refresh++ >= m->refresh))
			refresh(m);
		else if (has_templates(m) && what < 40)
			change_template(m);
		else if (what < 55)
			change_interval(m);
		else if (what < 70 && !restarts)
			step_clock(m);
		else if (what < 90 && restarts) {
			m->at_ns += rng_between(&m->r, 4, 60) * NS_PER_SEC;
			m->life++;
			st->lives++;
			begin_life(m);
		}
		send_data(m);
		wait_a_while(m, mean);
	}
}

/* --- one counter for several streams --- */

static const struct world *sorting;

static int
by_time(const void *va, const void *vb)
{
	uint32_t a = *(const uint32_t *)va, b = *(const uint32_t *)vb;
	int64_t ta = sorting->sent[a].at_ns, tb = sorting->sent[b].at_ns;

	return ta != tb ? (ta < tb ? -1 : 1) : a < b ? -1 : a > b;
}

static uint32_t
sequence_at(enum proto proto)
{
	return proto == PROTO_V9 ? 12 : proto == PROTO_IPFIX ? 8 : 16;
}

/* The streams [from, to) are of one exporter, and were made as if each had a counter of its own. */
static void
share_counter(struct world *w, uint32_t from, uint32_t to, uint64_t number)
{
	const struct sim_stream *st = &w->streams[from];
	uint32_t *all = NULL, count = 0;

	for (uint32_t i = from; i < to; i++) {
		for (uint32_t k = 0; k < w->streams[i].sent_count; k++) {
			GROW(all, count);
			all[count++] = w->streams[i].sent[k];
		}
	}
	sorting = w;
	if (count > 0)
		qsort(all, count, sizeof(*all), by_time);
	for (uint32_t i = 0; i < count; i++) {
		struct sent *s = &w->sent[all[i]];
		uint32_t step = step_of(st->counting, s->units, s->templates, s->options);
		uint8_t *at = s->payload + sequence_at(st->proto);

		s->number = (int64_t)(number + (is_after(st->counting) ? step : 0));
		s->sequence = (uint32_t)s->number;
		for (unsigned k = 0; k < 4; k++)
			at[k] = (uint8_t)(s->sequence >> (24 - 8 * k));
		number += step;
	}
	free(all);
}

static enum counting
pick_counting(struct rng *r, enum proto proto)
{
	unsigned what = (unsigned)rng_below(r, 100);

	switch (proto) {
	case PROTO_V9:
	case PROTO_SFLOW5:
		return what < 92 ? COUNT_DATAGRAMS : COUNT_ZERO;
	case PROTO_V1:
		return COUNT_ZERO;
	default:
		if (proto == PROTO_IPFIX && what < 25)
			return (enum counting)(COUNT_BEFORE_ALL + what % 4);
		if (what < 65)
			return COUNT_BEFORE;
		return what < 78 ? COUNT_AFTER : what < 91 ? COUNT_DATAGRAMS : COUNT_ZERO;
	}
}

static struct addr
pick_address(struct rng *r, uint32_t k)
{
	struct addr a = addr_v4(0xc0000200 + k); /* 192.0.2.0/24 */

	if (rng_chance(r, 25)) {
		a = (struct addr){{0x20, 0x01, 0x0d, 0xb8}};
		a.b[15] = (uint8_t)(k + 1);
	}
	return a;
}

void
sim_export(struct world *w)
{
	static const enum proto protos[] = {PROTO_V1, PROTO_V5, PROTO_V5, PROTO_V7, PROTO_V8, PROTO_V9,
	    PROTO_V9, PROTO_V9, PROTO_IPFIX, PROTO_IPFIX, PROTO_IPFIX, PROTO_SFLOW5, PROTO_SFLOW5};
	struct rng r = rng_fork(&w->rng, 1);
	uint32_t exporters = (uint32_t)rng_between(&r, 1, 4);

	w->length_ns = rng_between(&r, 60, 1500) * NS_PER_SEC;
	w->next_marker = 0x5a000000 + (uint32_t)rng_below(&r, 1 << 20);
	for (uint32_t k = 0; k < exporters; k++) {
		uint32_t streams = (uint32_t)rng_between(&r, 1, 2), first = w->stream_count;
		struct rng shares = rng_fork(&w->rng, 50 + k);
		bool shared;
		struct making first_one = {.base = 0};
		enum proto proto = protos[rng_below(&r, sizeof(protos) / sizeof(protos[0]))];

		GROW(w->exporters, w->exporter_count);
		/* two exporters on one address, now and then */
		w->exporters[k] = (struct exporter){.port = (uint16_t)rng_between(&r, 1024, 65535)};
		w->exporters[k].addr = k > 0 && rng_chance(&r, 20) ? w->exporters[k - 1].addr
								   : pick_address(&r, k);
		w->exporter_count++;
		if (proto == PROTO_V1 || proto == PROTO_V7)
			streams = 1;
		shared = streams > 1 && rng_chance(&shares, 35);
		for (uint32_t i = 0; i < streams; i++) {
			struct making m = {
			    .w = w, .r = rng_fork(&w->rng, 100 + 10 * k + i), .stream = w->stream_count};

			GROW(w->streams, w->stream_count);
			w->streams[w->stream_count++] = (struct sim_stream){.exporter = k,
			    .proto = proto,
			    .domain = proto == PROTO_V1 || proto == PROTO_V7
				? 0
				: (uint32_t)rng_below(&r, 30000) * 2 + i,
			    .agent = proto == PROTO_SFLOW5 ? addr_v4(0xc6336401 + k) : (struct addr){{0}},
			    .counting = pick_counting(&r, proto)};
			m.planned = (uint32_t)rng_between(&r, 3, 70);
			if (shared && i > 0) { /* one device: one clock, one uptime, one way to count */
				w->streams[w->stream_count - 1].counting = w->streams[first].counting;
				m.boot_ns = first_one.boot_ns;
				m.clock_ns = first_one.clock_ns;
			}
			shared = shared && w->streams[first].counting != COUNT_ZERO;
			w->streams[w->stream_count - 1].shared = shared;
			m.device = shared && i > 0;
			make_stream(&m);
			if (i == 0)
				first_one = m;
		}
		if (shared)
			share_counter(w, first, w->stream_count, first_one.base);
	}
}
