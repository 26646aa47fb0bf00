/* SPDX-License-Identifier: ISC
 *
 * See window_check.h.
 */
#include "archive/window_check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "flow/sampling.h"
#include "wire/template.h"

static bool wrong(struct finding *f, const char *what, const char *expected, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static bool
wrong(struct finding *f, const char *what, const char *expected, const char *fmt, ...)
{
	va_list ap;

	*f = (struct finding){.what = what, .lost_first = 1, .lost_last = 0};
	(void)snprintf(f->expected, sizeof(f->expected), "%s", expected);
	va_start(ap, fmt);
	(void)vsnprintf(f->found, sizeof(f->found), fmt, ap);
	va_end(ap);
	return false;
}

/* The archive's order; equal digests need not be of equal payloads. */
static bool
in_order(const struct entry *a, const struct entry *b)
{
	int c = (a->time_ns > b->time_ns) - (a->time_ns < b->time_ns);

	if (c == 0)
		c = addr_cmp(&a->addr, &b->addr);
	if (c == 0)
		c = (a->port > b->port) - (a->port < b->port);
	return c != 0 ? c < 0 : digest128_cmp(&a->digest, &b->digest) <= 0;
}

/* Everything that an entry names stands in the file's tables. */
static bool
names_stand(const struct window_check *w, const struct entry *en)
{
	struct rd sets = en->sets, definitions = en->definitions, witnesses = en->witnesses;
	struct entry_definition d;
	struct entry_set s;
	struct witness one;

	if (en->sampling != REF_NONE && en->sampling >= w->tables.got.states)
		return false;
	for (uint32_t i = 0; i < en->set_count; i++) {
		entry_read_set(&sets, &s);
		if (s.ref != REF_NONE && (s.ref & ~REF_LATE) >= w->tables.got.definitions)
			return false;
	}
	for (uint32_t i = 0; i < en->definition_count; i++) {
		entry_read_definition(&definitions, &d);
		if (d.at >= w->tables.got.definitions)
			return false;
	}
	for (uint32_t i = 0; i < en->witness_count; i++) {
		witness_read(&witnesses, &one);
		if (one.source >= w->tables.got.sources)
			return false;
	}
	return true;
}

static bool
check_entries(struct window_check *w, const struct record *r, struct finding *f, enum err *ret_error)
{
	struct rd in;
	struct entry en;

	*ret_error = pair_take(&w->pair, r->body, r->len);
	w->skip = true;
	if (*ret_error == ERR_MEMORY)
		return false;
	if (*ret_error != ERR_OK)
		return wrong(f, "record body", "entries of datagrams", "%s", err_text(*ret_error));
	in = rd_init(w->pair.entries.data, w->pair.entries.len);
	while (entry_read(&in, &en) == ERR_OK) {
		if (!w->tables.broken && !names_stand(w, &en)) {
			pair_drop(&w->pair);
			return wrong(f, "record body", "entries that name what stands in the file's tables",
			    "another place");
		}
		if (en.more) {
			if (w->has_last && digest128_cmp(&en.digest, &w->last.digest) != 0)
				return wrong(f, "record body", "more witnesses of the entry before",
				    "those of another datagram");
			continue;
		}
		if (w->has_last && !in_order(&w->last, &en))
			return wrong(
			    f, "record body", "datagrams in order", "one that belongs before the last");
		w->last = en;
		w->has_last = true;
		w->got.datagrams++;
	}
	w->skip = false;
	return true;
}

static bool
check_payloads(struct window_check *w, const struct record *r, struct finding *f, enum err *ret_error)
{
	struct rd in = rd_init(w->pair.entries.data, w->pair.entries.len);
	struct chunk chunk;
	struct entry en;
	size_t at = 0;

	if (!pair_waits(&w->pair) && w->skip) /* their entries were told of */
		return true;
	*ret_error = pair_match(&w->pair, r->body, r->len, &chunk);
	if (*ret_error == ERR_OK && !w->quick)
		*ret_error = pair_open(&w->pair, &chunk);
	if (*ret_error == ERR_UNKNOWN || *ret_error == ERR_MEMORY)
		return false;
	if (*ret_error != ERR_OK)
		return wrong(
		    f, "record body", "payloads of the entries before them", "%s", err_text(*ret_error));
	while (!w->quick && entry_read(&in, &en) == ERR_OK) {
		const uint8_t *payload = w->pair.bytes.data + at;
		struct digest128 d = identity_digest(&en.addr, en.port, payload, entry_bytes(&en));

		if (en.more)
			continue;
		if (en.selected && w->reader == NULL && (w->reader = selected_reader_new()) == NULL) {
			*ret_error = ERR_MEMORY;
			return false;
		}
		if (digest128_cmp(&d, &en.digest) != 0) {
			char expected[40];

			(void)snprintf(expected, sizeof(expected), "%016" PRIx64 "%016" PRIx64, en.digest.hi,
			    en.digest.lo);
			return wrong(
			    f, "digest of a payload", expected, "%016" PRIx64 "%016" PRIx64, d.hi, d.lo);
		}
		if (!entry_fits(&en, payload, w->reader))
			return wrong(f, "entry of a datagram", "what the payload's header and sets say",
			    "something else");
		at += entry_bytes(&en);
	}
	pair_drop(&w->pair);
	return true;
}

/* Counts the elements of a table. False: it has another form. */
static bool
count_table(struct window_check *w, const struct record *r)
{
	struct rd in = rd_init(r->body, r->len);
	struct sampling_state state;
	struct source source;
	struct tmpl_def def;
	enum err e = ERR_OK;

	while (e == ERR_OK && rd_left(&in) > 0) {
		if (r->type == RECORD_SOURCES) {
			e = source_read(&in, &source);
			w->tables.got.sources++;
		} else if (r->type == RECORD_TEMPLATES) {
			e = tmpl_def_read(&in, &def);
			w->tables.got.definitions++;
		} else {
			e = sampling_state_read(&in, &state);
			if (e == ERR_OK)
				sampling_clear(&state);
			w->tables.got.states++;
		}
	}
	return e == ERR_OK;
}

static bool
is_complete(struct window_check *w, struct finding *f)
{
	const struct contents *want = &w->tables.want, *tables = &w->tables.got;

	if (w->damaged || !w->tables.known)
		return true;
	if (want->sources == tables->sources && want->definitions == tables->definitions &&
	    want->states == tables->states && want->events == w->got.events &&
	    want->datagrams == w->got.datagrams)
		return true;
	wrong(f, "contents", "", "%" PRIu32 ", %" PRIu32 ", %" PRIu32 ", %" PRIu64 ", %" PRIu64,
	    tables->sources, tables->definitions, tables->states, w->got.events, w->got.datagrams);
	(void)snprintf(f->expected, sizeof(f->expected),
	    "%" PRIu32 " sources, %" PRIu32 " definitions, %" PRIu32 " states, %" PRIu64 " events, %" PRIu64
	    " datagrams",
	    want->sources, want->definitions, want->states, want->events, want->datagrams);
	return false;
}

bool
window_check_record(struct window_check *w, enum segment_kind kind, const struct record *r,
    struct finding *ret_finding, enum err *ret_error)
{
	*ret_error = ERR_OK;
	if (kind == SEGMENT_NODE)
		return true;
	if (tables_record(&w->tables, r) != ERR_OK)
		return wrong(ret_finding, "record body", "numbers of what the file holds",
		    "%" PRIu32 " bytes", r->len);
	if (pair_waits(&w->pair) && r->type != RECORD_PAYLOADS) {
		pair_drop(&w->pair);
		return wrong(ret_finding, "record type", "payloads of the entries before", "type %u",
		    (unsigned)r->type);
	}
	switch (r->type) {
	case RECORD_SOURCES:
	case RECORD_TEMPLATES:
	case RECORD_SAMPLING:
		return count_table(w, r) ||
		    wrong(ret_finding, "record body", "a table", "%" PRIu32 " bytes of another form", r->len);
	case RECORD_ARCHIVED_EVENT:
		w->got.events++;
		return true;
	case RECORD_ENTRIES:
		return check_entries(w, r, ret_finding, ret_error);
	case RECORD_PAYLOADS:
		return check_payloads(w, r, ret_finding, ret_error);
	case RECORD_SEAL:
		return is_complete(w, ret_finding);
	default:
		return true;
	}
}

void
window_check_damage(struct window_check *w, const struct finding *f)
{
	tables_finding(&w->tables, f);
	w->damaged = true;
	w->skip = true;
	w->has_last = false;
	pair_drop(&w->pair);
}

void
window_check_clear(struct window_check *w)
{
	pair_clear(&w->pair);
	selected_reader_free(w->reader);
}
