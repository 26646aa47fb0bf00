/* SPDX-License-Identifier: ISC
 *
 * Names become columns, and columns the fields of a template.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "flow/columns_private.h"
#include "flow/element_table.h"
#include "flow/value.h"

#define OWN_ELEMENTS_MOST 2

/* What is no element's name, and where it is said. */
static const struct own {
	const char *name;
	uint8_t what;
	uint16_t ids[OWN_ELEMENTS_MOST]; /* IANA's, for COLUMN_EITHER; 0: none */
} owns[] = {
    {"exporter", COLUMN_EXPORTER, {0}},
    {"exporterPort", COLUMN_EXPORTER_PORT, {0}},
    {"version", COLUMN_VERSION, {0}},
    {"agent", COLUMN_AGENT, {0}},
    {"domain", COLUMN_DOMAIN, {0}},
    {"sequence", COLUMN_SEQUENCE, {0}},
    {"exportTime", COLUMN_EXPORT_TIME, {0}},
    {"received", COLUMN_RECEIVED, {0}},
    {"witnesses", COLUMN_WITNESSES, {0}},
    {"index", COLUMN_INDEX, {0}},
    {"options", COLUMN_OPTIONS, {0}},
    {"lateTemplate", COLUMN_LATE, {0}},
    {"flowStart", COLUMN_START, {0}},
    {"flowEnd", COLUMN_END, {0}},
    {"sourceAddress", COLUMN_EITHER, {IE_SRC_IPV4, IE_SRC_IPV6}},
    {"destinationAddress", COLUMN_EITHER, {IE_DST_IPV4, IE_DST_IPV6}},
    {"nextHopAddress", COLUMN_EITHER, {IE_NEXT_HOP_IPV4, IE_NEXT_HOP_IPV6}},
    {"sourcePrefixLength", COLUMN_EITHER, {IE_SRC_MASK_IPV4, IE_SRC_MASK_IPV6}},
    {"destinationPrefixLength", COLUMN_EITHER, {IE_DST_MASK_IPV4, IE_DST_MASK_IPV6}},
    {"octets", COLUMN_EITHER, {IE_OCTETS, IE_OCTETS_TOTAL}},
    {"packets", COLUMN_EITHER, {IE_PACKETS, IE_PACKETS_TOTAL}},
};
#define OWN_COUNT (sizeof(owns) / sizeof(owns[0]))

#define ADDRESSES "sourceAddress,destinationAddress,sourceTransportPort,destinationTransportPort,"
#define BEGINNING \
	"exporter,exporterPort,version,domain,sequence,received,index,flowStart,flowEnd," ADDRESSES \
	"protocolIdentifier,tcpControlBits,ipClassOfService,"
#define END \
	",ingressInterface,egressInterface,nextHopAddress,bgpSourceAsNumber,bgpDestinationAsNumber," \
	"sourcePrefixLength,destinationPrefixLength"
static const char standard[] = BEGINNING "octets,packets" END;
static const char standard_header[] = BEGINNING "octetDeltaCount,packetDeltaCount" END;

/* --- names --- */

static const struct own *
find_own(const char *name)
{
	for (size_t i = 0; i < OWN_COUNT; i++) {
		if (strcmp(owns[i].name, name) == 0)
			return &owns[i];
	}
	return NULL;
}

/* "9/12235" */
static bool
parse_number(const char *name, uint32_t *ret_pen, uint16_t *ret_id)
{
	unsigned long long pen, id;
	char *end;

	if (name[0] < '0' || name[0] > '9')
		return false;
	pen = strtoull(name, &end, 10);
	if (*end != '/' || end[1] < '0' || end[1] > '9' || pen >= UINT32_MAX)
		return false;
	id = strtoull(end + 1, &end, 10);
	if (*end != '\0' || id > UINT16_MAX)
		return false;
	*ret_pen = (uint32_t)pen;
	*ret_id = (uint16_t)id;
	return true;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* How many letters have to be put in, left out or changed; case does not count. */
static unsigned
distance(const char *a, const char *b)
{
	size_t len = strlen(b);
	unsigned row[ELEMENT_NAME_SIZE + 1];

	if (len > ELEMENT_NAME_SIZE)
		return UINT32_MAX;
	for (size_t j = 0; j <= len; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= len; j++) {
			unsigned change = diagonal + (lower(a[i - 1]) != lower(b[j - 1])), other;

			diagonal = row[j];
			other = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
			row[j] = change < other ? change : other;
		}
	}
	return row[len];
}

/* The names that are nearest to one that nobody knows. */
static void
say_near(const char *name, char *out, size_t size)
{
	const char *best[3] = {NULL, NULL, NULL};
	unsigned how[3] = {UINT32_MAX, UINT32_MAX, UINT32_MAX}, limit = (unsigned)strlen(name) / 3 + 1;
	size_t at = 0;

	if (strlen(name) > ELEMENT_NAME_SIZE)
		return;
	for (size_t i = 0; i < OWN_COUNT + element_count; i++) {
		const char *other = i < OWN_COUNT ? owns[i].name : element_list[i - OWN_COUNT].name;
		unsigned d = distance(name, other), place = 3;

		while (place > 0 && d < how[place - 1])
			place--;
		if (d > limit || place == 3)
			continue;
		memmove(&best[place + 1], &best[place], (2 - place) * sizeof(best[0]));
		memmove(&how[place + 1], &how[place], (2 - place) * sizeof(how[0]));
		best[place] = other;
		how[place] = d;
	}
	for (unsigned i = 0; i < 3 && best[i] != NULL && at < size; i++)
		at += (size_t)snprintf(
		    out + at, size - at, "%s%s", i == 0 ? "; near to it: " : ", ", best[i]);
}

/* --- what each asks for --- */

static enum err
add_want(struct columns *c, uint32_t pen, uint16_t id, uint16_t column)
{
	uint16_t *head = pen == 0 && id < COLUMNS_IDS ? &c->want_of[id] : &c->want_other;
	enum err e = array_grow(c->wants, c->want_room, c->want_count);

	if (e != ERR_OK)
		return e;
	c->wants[c->want_count] = (struct want){.pen = pen,
	    .id = id,
	    .column = column,
	    .next = *head,
	    .element = pen == COLUMNS_V9_SCOPE ? element_scope_v9(id) : element_find(pen, id)};
	*head = (uint16_t)c->want_count;
	c->want_count++;
	return ERR_OK;
}

/* A v9 scope has a type, which is no element but has a name. */
static uint16_t
find_scope(const char *name)
{
	for (uint16_t id = 1; id <= 5; id++) {
		if (strcmp(element_scope_v9(id)->name, name) == 0)
			return id;
	}
	return 0;
}

static enum err
add_own(struct columns *c, const struct own *own, struct column *col)
{
	enum err e = ERR_OK;

	col->what = own->what;
	c->shows_options |= own->what == COLUMN_OPTIONS;
	c->wants_times |= own->what == COLUMN_START || own->what == COLUMN_END;
	for (unsigned i = 0; i < OWN_ELEMENTS_MOST && own->ids[i] != 0 && e == ERR_OK; i++)
		e = add_want(c, 0, own->ids[i], c->count);
	return e;
}

/* ERR_UNKNOWN: there is no such name. */
static enum err
add_column(struct columns *c, const char *name)
{
	struct column *col = &c->columns[c->count];
	const struct element *element;
	const struct own *own;
	uint32_t pen = 0;
	uint16_t id;
	enum err e;

	*col = (struct column){
	    .what = COLUMN_FIELD, .name = name, .name_len = (uint8_t)strlen(name), .slot = COLUMNS_NONE};
	if ((own = find_own(name)) != NULL) {
		e = add_own(c, own, col);
	} else if ((element = element_by_name(name)) != NULL) {
		col->sampling = element->pen == 0 &&
		    (element->id == IE_SAMPLING_INTERVAL || element->id == IE_SAMPLING_ALGORITHM);
		e = add_want(c, element->pen, element->id, c->count);
	} else if ((id = find_scope(name)) != 0) {
		e = add_want(c, COLUMNS_V9_SCOPE, id, c->count);
	} else if (parse_number(name, &pen, &id)) {
		e = add_want(c, pen, id, c->count);
	} else {
		return ERR_UNKNOWN;
	}
	if (e == ERR_OK)
		c->count++;
	return e;
}

static enum err
add_times(struct columns *c)
{
	enum err e = ERR_OK;

	for (uint16_t id = IE_END_UPTIME; id <= IE_DURATION_MICROSECONDS && e == ERR_OK; id++) {
		if (id <= IE_START_UPTIME || id >= IE_START_SECONDS)
			e = add_want(c, 0, id, COLUMNS_TIMES);
	}
	return e;
}

static bool
is_there(const struct columns *c, const char *name)
{
	for (uint16_t i = 0; i < c->count; i++) {
		if (strcmp(c->columns[i].name, name) == 0)
			return true;
	}
	return false;
}

/* The name that begins at *at, which goes behind it. */
static enum err
take_name(struct columns *c, char **at, struct expr_error *error)
{
	char *name = *at, near[160] = "";
	size_t len = strcspn(name, ",");
	enum err e = ERR_MALFORMED;

	*at = name[len] == ',' ? name + len + 1 : NULL;
	name[len] = '\0';
	error->column = (size_t)(name - c->text) + 1;
	if (len == 0) {
		(void)snprintf(error->message, sizeof(error->message), "expected a name");
	} else if (c->count == COLUMNS_MOST) {
		(void)snprintf(
		    error->message, sizeof(error->message), "expected %d names at most", COLUMNS_MOST);
		e = ERR_LIMIT;
	} else if (is_there(c, name)) {
		(void)snprintf(error->message, sizeof(error->message), "\"%.80s\" stands there twice", name);
	} else if (len > ELEMENT_NAME_SIZE || (e = add_column(c, name)) == ERR_UNKNOWN) {
		say_near(name, near, sizeof(near));
		(void)snprintf(error->message, sizeof(error->message),
		    "expected an information element or PEN/ID, found \"%.72s\"%s", name, near);
		e = ERR_MALFORMED;
	}
	return e;
}

enum err
columns_parse(const char *names, struct columns **ret, struct expr_error *ret_error)
{
	struct columns *c = calloc(1, sizeof(*c));
	enum err e = ERR_OK;
	char *at;

	ret_error->message[0] = '\0';
	ret_error->column = 1;
	if (c == NULL)
		return ERR_MEMORY;
	memset(c->want_of, 0xff, sizeof(c->want_of));
	c->want_other = COLUMNS_NONE;
	c->text = at = strdup(names != NULL ? names : standard);
	c->header = names == NULL ? standard_header : NULL;
	c->columns = calloc(COLUMNS_MOST, sizeof(*c->columns));
	c->head_end = calloc(COLUMNS_MOST, sizeof(*c->head_end));
	c->head_at = calloc(COLUMNS_MOST, sizeof(*c->head_at));
	c->head_len = calloc(COLUMNS_MOST, sizeof(*c->head_len));
	if (c->text == NULL || c->columns == NULL || c->head_end == NULL || c->head_at == NULL ||
	    c->head_len == NULL)
		e = ERR_MEMORY;
	while (e == ERR_OK && at != NULL)
		e = take_name(c, &at, ret_error);
	if (e == ERR_OK && c->wants_times)
		e = add_times(c);
	if (e != ERR_OK) {
		columns_free(c);
		return e;
	}
	*ret = c;
	return ERR_OK;
}

void
columns_free(struct columns *c)
{
	if (c == NULL)
		return;
	buf_clear(&c->heads);
	free(c->slots);
	free(c->wants);
	free(c->head_end);
	free(c->head_at);
	free(c->head_len);
	free(c->columns);
	free(c->text);
	free(c);
}

bool
columns_show_options(const struct columns *c)
{
	return c->shows_options;
}

/* --- where they stand --- */

void
columns_datagram(struct columns *c)
{
	c->has_heads = false;
	/* A built-in template stays where it is. */
	if (c->placed != NULL && tmpl_static(c->placed_proto) != c->placed)
		c->placed = NULL;
}

static uint8_t
form_of(const struct element *e, uint16_t len)
{
	if (e != NULL && e->type == ELEMENT_UNSIGNED && len >= 1 && len <= 8)
		return SLOT_UNSIGNED;
	return e != NULL && e->type == ELEMENT_IPV4 && len == 4 ? SLOT_IPV4 : SLOT_ANY;
}

static enum err
add_slot(struct columns *c, const struct tmpl *t, uint16_t field, const struct want *want)
{
	enum err e = array_grow(c->slots, c->slot_room, c->slot_count);
	uint16_t *last;

	if (e != ERR_OK)
		return e;
	c->slots[c->slot_count] = (struct slot){.value = {.field = &t->fields[field]},
	    .element = want->element,
	    .offset = t->fields[field].offset,
	    .field = field,
	    .column = want->column,
	    .next = COLUMNS_NONE,
	    .form = form_of(want->element, t->fields[field].len)};
	if (want->column != COLUMNS_TIMES) {
		last = &c->columns[want->column].slot;
		while (*last != COLUMNS_NONE)
			last = &c->slots[*last].next;
		*last = (uint16_t)c->slot_count;
	}
	c->slot_count++;
	return ERR_OK;
}

/* Cisco's elements have other numbers in v9: an element is one however it is numbered. */
static bool
is_wanted(const struct want *w, uint32_t pen, const struct tmpl_field *f, const struct element *element)
{
	return (w->pen == pen && w->id == f->id) ||
	    (element != NULL && w->element == element && pen != COLUMNS_V9_SCOPE);
}

static enum err
place_fields(struct columns *c, const struct tmpl *t)
{
	enum err e = ERR_OK;

	c->slot_count = 0;
	for (uint16_t i = 0; i < c->count; i++)
		c->columns[i].slot = COLUMNS_NONE;
	for (uint16_t i = 0; i < t->field_count && e == ERR_OK && c->slot_count < COLUMNS_TIMES; i++) {
		const struct tmpl_field *f = &t->fields[i];
		bool scope = f->scope && t->proto == PROTO_V9 && f->id >= 1 && f->id <= 5;
		uint32_t pen = scope ? COLUMNS_V9_SCOPE : f->pen;
		bool listed = pen == 0 && f->id < COLUMNS_IDS;
		uint16_t at = listed ? c->want_of[f->id] : c->want_other;
		const struct element *element = at == COLUMNS_NONE || listed || scope
		    ? NULL
		    : element_find(f->pen, f->id);

		for (; at != COLUMNS_NONE && e == ERR_OK; at = c->wants[at].next) {
			if (listed || is_wanted(&c->wants[at], pen, f, element))
				e = add_slot(c, t, i, &c->wants[at]);
		}
	}
	return e;
}

/* Values are behind one another, some of a length that each record says. */
static void
walk_record(struct columns *c, const struct flow *f)
{
	struct flow_walk w;
	struct flow_value v;
	size_t slot = 0;

	flow_walk_init(&w, f);
	while (slot < c->slot_count && flow_walk_next(&w, &v)) {
		for (; slot < c->slot_count && c->slots[slot].field == w.at - 1; slot++) {
			c->slots[slot].value = v;
			c->slots[slot].form = form_of(c->slots[slot].element, v.len);
		}
	}
	for (; slot < c->slot_count; slot++)
		c->slots[slot].value.bytes = NULL;
}

bool
columns_place(struct columns *c, const struct flow *f)
{
	const struct tmpl *t = f->tmpl;

	/* of sFlow each sample has its own, at one place */
	if (c->placed != t || t->proto == PROTO_SFLOW5) {
		c->placed = NULL;
		if (place_fields(c, t) != ERR_OK)
			return false;
		c->placed = t;
		c->placed_proto = t->proto;
	}
	if (t->variable) {
		walk_record(c, f);
		return true;
	}
	for (size_t i = 0; i < c->slot_count; i++) {
		struct slot *s = &c->slots[i];
		struct rd r = f->record;

		rd_skip(&r, s->offset);
		s->value.len = s->value.field->len;
		s->value.bytes = rd_bytes(&r, s->value.len);
	}
	return true;
}
