/* SPDX-License-Identifier: ISC
 *
 * Between what reads a list of columns and finds their fields (columns.c) and what prints them (columns_print.c).
 */
#ifndef FLOWBRAID_FLOW_COLUMNS_PRIVATE_H
#define FLOWBRAID_FLOW_COLUMNS_PRIVATE_H

#include "flow/columns.h"
#include "flow/element.h"
#include "flow/format.h"

#define COLUMNS_NONE UINT16_MAX

enum column_what {
	COLUMN_EXPORTER, /* these are the same for all flows of a datagram */
	COLUMN_EXPORTER_PORT,
	COLUMN_VERSION,
	COLUMN_AGENT,
	COLUMN_DOMAIN,
	COLUMN_SEQUENCE,
	COLUMN_EXPORT_TIME,
	COLUMN_RECEIVED,
	COLUMN_WITNESSES,
	COLUMN_INDEX, /* from here on: the flow's own */
	COLUMN_OPTIONS,
	COLUMN_LATE,
	COLUMN_START,
	COLUMN_END,
	COLUMN_FIELD, /* its element, as often as the record has it */
	COLUMN_EITHER /* elements that tell the same: the first that is there, and not all zeros */
};

struct column {
	uint8_t what; /* enum column_what */
	uint8_t name_len;
	bool sampling;    /* the header or options records may tell it, when the record does not */
	uint16_t slot;    /* the first field of it in the template at hand, or COLUMNS_NONE */
	const char *name; /* in the owner's text, or static */
};

/* Which column asks for an element; others follow by next. */
struct want {
	uint32_t pen;
	uint16_t id;
	uint16_t column;               /* COLUMNS_TIMES: for the flow's begin and end */
	uint16_t next;                 /* of the same element, or COLUMNS_NONE */
	const struct element *element; /* NULL: nobody knows it */
};
#define COLUMNS_TIMES (UINT16_MAX - 1)
#define COLUMNS_V9_SCOPE UINT32_MAX /* in place of a pen: a v9 scope type */

/* How a value of this type and length is printed most quickly. */
enum slot_form { SLOT_ANY, SLOT_UNSIGNED, SLOT_IPV4 };

/* A field of the template at hand that a column asks for, in the template's order. */
struct slot {
	struct flow_value value; /* of the flow at hand; bytes NULL: none */
	const struct element *element;
	uint32_t offset;
	uint16_t field;
	uint16_t column;
	uint16_t next; /* of the same column */
	uint8_t form;  /* enum slot_form */
};

#define COLUMNS_IDS 512 /* elements that are found by their number */

struct columns {
	char *text;             /* owned: the names */
	const char *header;     /* NULL: the names as they were given */
	struct column *columns; /* owned */
	uint16_t count;
	bool shows_options, wants_times;
	struct want *wants; /* owned */
	size_t want_count, want_room;
	uint16_t want_of[COLUMNS_IDS]; /* IANA's, by id */
	uint16_t want_other;           /* all others */

	const struct tmpl *placed; /* slots are for its records; NULL: for none */
	enum proto placed_proto;
	struct slot *slots; /* owned */
	size_t slot_count, slot_room;

	/* Neighbours that are the same for all flows of a datagram are printed once: the text of each such run. */
	struct buf heads;
	bool has_heads;
	uint16_t *head_end;           /* owned: by the run's first column */
	uint32_t *head_at, *head_len; /* owned */
};

/* Finds the flow's fields: the values in slots. False: memory is out. */
bool columns_place(struct columns *c, const struct flow *f);

#endif
