/* SPDX-License-Identifier: ISC
 *
 * Flows as rows of an SQLite database: elements that many flows have are columns, the others JSON. One transaction, so a database
 * that is added to has all of it or is as it was.
 */
#include <stddef.h>

#include "base/msg.h"
#include "cluster/export_private.h"
#include "config.h"

#ifdef HAVE_SQLITE

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/hash.h"
#include "base/json.h"
#include "flow/element.h"
#include "flow/sampling.h"
#include "flow/value.h"
#include "wire/stream.h"

#define APPLICATION_ID 0x666c6272 /* "flbr" */
#define SCHEMA_VERSION 1
#define IE_SAMPLING_INTERVAL 34
#define VALUE_TEXT_SIZE 48

/* Elements with a column of their own; all numbers, addresses or MACs. */
static const uint16_t columns[] = {IE_SRC_IPV4, IE_DST_IPV4, IE_SRC_IPV6, IE_DST_IPV6, IE_SRC_PORT,
    IE_DST_PORT, IE_PROTOCOL, IE_TOS, IE_TCP_FLAGS, IE_OCTETS, IE_PACKETS, IE_OCTETS_TOTAL, IE_PACKETS_TOTAL,
    IE_IN_INTERFACE, IE_OUT_INTERFACE, IE_NEXT_HOP_IPV4, IE_NEXT_HOP_IPV6, IE_SRC_AS, IE_DST_AS,
    IE_SRC_MASK_IPV4, IE_DST_MASK_IPV4, IE_SRC_MASK_IPV6, IE_DST_MASK_IPV6, 32 /* icmpTypeCodeIPv4 */,
    139 /* icmpTypeCodeIPv6 */, 56 /* sourceMacAddress */, 80 /* destinationMacAddress */, 58 /* vlanId */,
    61 /* flowDirection */, 136 /* flowEndReason */, IE_SAMPLING_INTERVAL};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))
#define ELEMENTS_MOST 140 /* above the highest of them */

/* Parameters of the statement, before the columns. */
enum {
	P_EXPORTER = 1,
	P_SEQUENCE,
	P_INDEX,
	P_RECEIVED,
	P_EXPORT_TIME,
	P_START,
	P_END,
	P_WITNESSES,
	P_OTHERS,
	P_COLUMNS
};

struct database {
	struct export_place place;
	const char *path;
	bool fresh; /* made here */
	sqlite3 *db;
	sqlite3_stmt *add_flow, *add_exporter, *find_exporter;
	uint8_t column_of[ELEMENTS_MOST]; /* plus 1; 0: none */
	struct exporter {
		struct stream_key key;
		int64_t id;
	} * exporters; /* owned */
	size_t exporter_count, exporter_room;
	struct hash by_stream;
	int64_t exporter;     /* of the datagram at hand */
	struct buf witnesses; /* owned; likewise, JSON */
	struct buf others;    /* owned */
	char texts[COLUMNS][VALUE_TEXT_SIZE];
	const struct flow *flow; /* at hand */
	uint64_t rows, beyond;
};

static bool
fail(struct database *b)
{
	msg_error("%s: %s", b->path, b->db != NULL ? sqlite3_errmsg(b->db) : err_text(ERR_MEMORY));
	return false;
}

static bool
execute(struct database *b, const char *sql)
{
	return sqlite3_exec(b->db, sql, NULL, NULL, NULL) == SQLITE_OK || fail(b);
}

static bool
prepare(struct database *b, const char *sql, sqlite3_stmt **ret)
{
	return sqlite3_prepare_v2(b->db, sql, -1, ret, NULL) == SQLITE_OK || fail(b);
}

/* --- schema --- */

static const char *
column_type(const struct element *e)
{
	return e->type == ELEMENT_UNSIGNED ? "INTEGER" : "TEXT";
}

static bool
make_tables(struct database *b)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_printf(&sql,
	    "PRAGMA application_id = %d; PRAGMA user_version = %d;"
	    "CREATE TABLE exporters (id INTEGER PRIMARY KEY, address TEXT NOT NULL, port INTEGER NOT NULL,"
	    " version TEXT NOT NULL, agent TEXT NOT NULL, domain INTEGER NOT NULL,"
	    " UNIQUE (address, port, version, agent, domain));"
	    "CREATE TABLE flows (exporter INTEGER NOT NULL REFERENCES exporters (id), sequence INTEGER,"
	    " \"index\" INTEGER NOT NULL, received INTEGER NOT NULL, exportTime INTEGER, flowStart INTEGER,"
	    " flowEnd INTEGER, witnesses TEXT, others TEXT",
	    APPLICATION_ID, SCHEMA_VERSION);
	for (size_t i = 0; i < COLUMNS; i++) {
		const struct element *e = element_find(0, columns[i]);

		buf_printf(&sql, ", %s %s", e->name, column_type(e));
	}
	buf_text(&sql, ");");
	buf_u8(&sql, 0);
	ok = buf_ok(&sql) ? execute(b, (const char *)sql.data) : fail(b);
	buf_clear(&sql);
	return ok;
}

/* Once all rows are there: that is faster. */
static bool
make_indexes(struct database *b)
{
	return execute(b,
	    "CREATE INDEX IF NOT EXISTS flowsByReceived ON flows (received);"
	    "CREATE INDEX IF NOT EXISTS flowsByStart ON flows (flowStart);"
	    "CREATE INDEX IF NOT EXISTS flowsBySourceIPv4 ON flows (sourceIPv4Address)"
	    " WHERE sourceIPv4Address IS NOT NULL;"
	    "CREATE INDEX IF NOT EXISTS flowsByDestinationIPv4 ON flows (destinationIPv4Address)"
	    " WHERE destinationIPv4Address IS NOT NULL;"
	    "CREATE INDEX IF NOT EXISTS flowsBySourceIPv6 ON flows (sourceIPv6Address)"
	    " WHERE sourceIPv6Address IS NOT NULL;"
	    "CREATE INDEX IF NOT EXISTS flowsByDestinationIPv6 ON flows (destinationIPv6Address)"
	    " WHERE destinationIPv6Address IS NOT NULL;");
}

static bool
prepare_all(struct database *b)
{
	struct buf sql = BUF_INIT;
	bool ok;

	buf_text(&sql,
	    "INSERT INTO flows (exporter, sequence, \"index\", received, exportTime, flowStart, flowEnd, witnesses, others");
	for (size_t i = 0; i < COLUMNS; i++)
		buf_printf(&sql, ", %s", element_find(0, columns[i])->name);
	buf_text(&sql, ") VALUES (?");
	for (size_t i = 1; i < P_COLUMNS - 1 + COLUMNS; i++)
		buf_text(&sql, ", ?");
	buf_text(&sql, ")");
	buf_u8(&sql, 0);
	ok = buf_ok(&sql) ? prepare(b, (const char *)sql.data, &b->add_flow) : fail(b);
	buf_clear(&sql);
	return ok &&
	    prepare(b,
		"INSERT OR IGNORE INTO exporters (address, port, version, agent, domain) VALUES (?, ?, ?, ?, ?)",
		&b->add_exporter) &&
	    prepare(b,
		"SELECT id FROM exporters WHERE address = ? AND port = ? AND version = ? AND agent = ? AND domain = ?",
		&b->find_exporter);
}

/* --- opening and closing --- */

static int64_t
pragma(struct database *b, const char *sql)
{
	sqlite3_stmt *s = NULL;
	int64_t v = -1;

	if (sqlite3_prepare_v2(b->db, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
		v = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return v;
}

static bool
is_ours(struct database *b)
{
	int64_t application = pragma(b, "PRAGMA application_id"), version = pragma(b, "PRAGMA user_version");

	if (application == APPLICATION_ID && version == SCHEMA_VERSION)
		return true;
	if (application < 0)
		return fail(b);
	if (application != APPLICATION_ID)
		msg_error("%s: is no database of flowbraid export", b->path);
	else
		msg_error("%s: expected schema version %d, found %" PRId64, b->path, SCHEMA_VERSION, version);
	return false;
}

static bool
open_database(struct database *b, bool append)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;

	if (append && sqlite3_open_v2(b->path, &b->db, flags, NULL) == SQLITE_OK)
		return is_ours(b) && execute(b, "BEGIN IMMEDIATE") && prepare_all(b);
	if (append && sqlite3_system_errno(b->db) != ENOENT)
		return fail(b);
	sqlite3_close(b->db);
	b->db = NULL;
	b->fresh = true;
	if (!export_place_init(&b->place, b->path))
		return false;
	if (sqlite3_open_v2(b->place.temporary, &b->db, flags | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
		return fail(b);
	/* Until it has its name nobody misses it, so it needs no journal. */
	return execute(b,
		   "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE") &&
	    execute(b, "BEGIN") && make_tables(b) && prepare_all(b);
}

static bool
close_database(struct database *b)
{
	int status;

	sqlite3_finalize(b->add_flow);
	sqlite3_finalize(b->add_exporter);
	sqlite3_finalize(b->find_exporter);
	b->add_flow = b->add_exporter = b->find_exporter = NULL;
	status = sqlite3_close(b->db);
	b->db = NULL;
	return status == SQLITE_OK;
}

/* What is not committed is rolled back. */
static void
drop(void *to)
{
	struct database *b = to;

	(void)close_database(b);
	export_place_clear(&b->place);
	free(b->exporters);
	hash_clear(&b->by_stream);
	buf_clear(&b->witnesses);
	buf_clear(&b->others);
	free(b);
}

void *
export_sqlite_open(const char *path, bool append)
{
	struct database *b = calloc(1, sizeof(*b));

	if (b == NULL) {
		msg_error("%s: %s", path, err_text(ERR_MEMORY));
		return NULL;
	}
	b->path = path;
	for (size_t i = 0; i < COLUMNS; i++)
		b->column_of[columns[i]] = (uint8_t)(i + 1);
	if (!open_database(b, append)) {
		drop(b);
		return NULL;
	}
	return b;
}

static bool
finish(void *to, bool quiet)
{
	struct database *b = to;

	if (!make_indexes(b) || !execute(b, "COMMIT"))
		return false;
	if (!close_database(b)) {
		msg_error("%s: cannot be closed", b->path);
		return false;
	}
	if (b->fresh && !export_place_finish(&b->place))
		return false;
	if (b->beyond > 0)
		msg_notice("%" PRIu64
			   " values are above SQLite's largest integer, and stand in the column others",
		    b->beyond);
	if (!quiet)
		msg_notice("%" PRIu64 " flows, from %zu exporters", b->rows, b->exporter_count);
	return true;
}

/* --- rows --- */

static bool
step(struct database *b, sqlite3_stmt *s)
{
	int status = sqlite3_step(s);

	if (status != SQLITE_DONE && status != SQLITE_ROW)
		return fail(b);
	return true;
}

static void
bind_exporter(sqlite3_stmt *s, const struct stream_key *k)
{
	char address[ADDR_TEXT_SIZE], agent[ADDR_TEXT_SIZE] = "";

	if (k->proto == PROTO_SFLOW5)
		addr_text(&k->agent, agent);
	sqlite3_bind_text(s, 1, addr_text(&k->exporter, address), -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(s, 2, k->port);
	if (k->proto == PROTO_SFLOW5)
		sqlite3_bind_text(s, 3, "sflow5", -1, SQLITE_STATIC);
	else
		sqlite3_bind_text(s, 3, proto_version_json((enum proto)k->proto), -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 4, agent, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int64(s, 5, k->domain);
}

/* A database that is added to may know it already. */
static bool
number_exporter(struct database *b, const struct stream_key *k, int64_t *ret)
{
	bool ok;

	bind_exporter(b->add_exporter, k);
	ok = step(b, b->add_exporter);
	sqlite3_reset(b->add_exporter);
	bind_exporter(b->find_exporter, k);
	ok = ok && step(b, b->find_exporter);
	*ret = sqlite3_column_int64(b->find_exporter, 0);
	sqlite3_reset(b->find_exporter);
	return ok;
}

static bool
find_exporter(struct database *b, const struct stream_key *k)
{
	uint64_t hv = stream_key_hash(k, 0);
	struct hash_probe p;
	int64_t id;

	for (uint32_t v = hash_first(&b->by_stream, hv, &p); v != HASH_NONE;
	     v = hash_next(&b->by_stream, &p)) {
		if (stream_key_cmp(&b->exporters[v].key, k) == 0) {
			b->exporter = b->exporters[v].id;
			return true;
		}
	}
	if (!number_exporter(b, k, &id))
		return false;
	if (array_grow(b->exporters, b->exporter_room, b->exporter_count) != ERR_OK ||
	    hash_add(&b->by_stream, hv, (uint32_t)b->exporter_count) != ERR_OK) {
		msg_error("%s: %s", b->path, err_text(ERR_MEMORY));
		return false;
	}
	b->exporters[b->exporter_count++] = (struct exporter){*k, id};
	b->exporter = id;
	return true;
}

static bool
take_datagram(void *to, const struct reader_datagram *d)
{
	struct stream_key k = stream_key_of(&d->exporter, d->port, d->info);
	struct database *b = to;
	struct json j;

	buf_reset(&b->witnesses);
	if (d->witnesses != NULL) {
		json_init(&j, &b->witnesses);
		json_array(&j);
		for (size_t i = 0; i < d->witness_count; i++)
			json_text(&j, d->witnesses[i]);
		json_end(&j);
	}
	return find_exporter(b, &k);
}

/* The column of a field; COLUMNS: it has none, or not for this value. */
static size_t
column_for(struct database *b, const struct flow_value *v)
{
	size_t column = v->field->pen == 0 && !v->field->scope && v->field->id < ELEMENTS_MOST
	    ? b->column_of[v->field->id]
	    : 0;
	bool fits = v->len >= 1 && v->len <= 8;

	if (column == 0 || !v->field->first || v->field->again != TMPL_NO_FIELD)
		return COLUMNS;
	switch (element_find(0, v->field->id)->type) {
	case ELEMENT_UNSIGNED:
		fits = fits && value_u64(v->bytes, v->len) <= INT64_MAX;
		break;
	case ELEMENT_IPV4:
		fits = v->len == 4;
		break;
	case ELEMENT_IPV6:
		fits = v->len == 16;
		break;
	default:
		fits = v->len == 6;
	}
	return fits ? column - 1 : COLUMNS;
}

static bool
has_column(void *ctx, const struct flow_value *v)
{
	return column_for(ctx, v) < COLUMNS;
}

static void
bind_value(struct database *b, size_t column, const struct flow_value *v)
{
	char *text = b->texts[column];
	int at = P_COLUMNS + (int)column;

	switch (element_find(0, v->field->id)->type) {
	case ELEMENT_UNSIGNED:
		sqlite3_bind_int64(b->add_flow, at, (int64_t)value_u64(v->bytes, v->len));
		return;
	case ELEMENT_IPV4:
	case ELEMENT_IPV6:
		inet_ntop(v->len == 4 ? AF_INET : AF_INET6, v->bytes, text, VALUE_TEXT_SIZE);
		break;
	default:
		(void)snprintf(text, VALUE_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", v->bytes[0],
		    v->bytes[1], v->bytes[2], v->bytes[3], v->bytes[4], v->bytes[5]);
	}
	sqlite3_bind_text(b->add_flow, at, text, -1, SQLITE_STATIC);
}

static void
bind_fields(struct database *b, const struct flow *f, struct flow_context *c)
{
	struct moment start = {.rank = 0}, end = {.rank = 0};
	bool others = false;
	struct flow_walk w;
	struct flow_value v;

	flow_walk_init(&w, f);
	while (flow_walk_next(&w, &v)) {
		size_t column = column_for(b, &v);

		moment_note(f->info, &v, &start, &end);
		if (column < COLUMNS) {
			bind_value(b, column, &v);
			continue;
		}
		others = true;
		b->beyond += v.field->pen == 0 && v.field->id < ELEMENTS_MOST &&
		    b->column_of[v.field->id] > 0 && v.len == 8 && value_u64(v.bytes, 8) > INT64_MAX;
	}
	moments_finish(&start, &end);
	if (start.rank > 0)
		sqlite3_bind_int64(b->add_flow, P_START, start.time.ns);
	if (end.rank > 0)
		sqlite3_bind_int64(b->add_flow, P_END, end.time.ns);
	buf_reset(&b->others);
	if (others && flow_json_others(f, has_column, b, c, &b->others))
		sqlite3_bind_text(
		    b->add_flow, P_OTHERS, (const char *)b->others.data, (int)b->others.len, SQLITE_STATIC);
}

/* What the header or options records tell of it; a record that tells it itself needs no help. */
static void
bind_sampling(struct database *b, const struct flow *f, const struct flow_context *c)
{
	uint32_t interval = f->info->sampling & 0x3fff;

	if (interval == 0 && c->sampling != NULL && !sampling_stands_in(f))
		interval = sampling_of(c->sampling, f);
	if (interval != 0)
		sqlite3_bind_int64(b->add_flow, P_COLUMNS + b->column_of[IE_SAMPLING_INTERVAL] - 1, interval);
}

static bool
take_flow(void *to, const struct flow *f, struct flow_context *c)
{
	struct database *b = to;
	sqlite3_stmt *s = b->add_flow;
	bool ok;

	if (f->options)
		return true;
	sqlite3_clear_bindings(s);
	sqlite3_bind_int64(s, P_EXPORTER, b->exporter);
	if (f->info->has_sequence)
		sqlite3_bind_int64(s, P_SEQUENCE, f->info->sequence);
	sqlite3_bind_int64(s, P_INDEX, f->index);
	sqlite3_bind_int64(s, P_RECEIVED, c->received.ns);
	if (f->info->has_time)
		sqlite3_bind_int64(s, P_EXPORT_TIME, f->info->export_time.ns);
	if (b->witnesses.len > 0)
		sqlite3_bind_text(
		    s, P_WITNESSES, (const char *)b->witnesses.data, (int)b->witnesses.len, SQLITE_STATIC);
	bind_sampling(b, f, c);
	bind_fields(b, f, c);
	if (!buf_ok(&b->others) || !buf_ok(&b->witnesses)) {
		msg_error("%s: %s", b->path, err_text(ERR_MEMORY));
		return false;
	}
	ok = step(b, s);
	sqlite3_reset(s);
	b->rows++;
	return ok;
}

const struct export_form export_sqlite = {take_datagram, take_flow, finish, drop};

#else

void *
export_sqlite_open(const char *path, bool append)
{
	(void)append;
	msg_error("%s: this flowbraid was built without SQLite", path);
	return NULL;
}

const struct export_form export_sqlite = {NULL, NULL, NULL, NULL};

#endif
