/* SPDX-License-Identifier: ISC
 *
 * One walk over the values of a lane's snapshot for JSON; one for each metric for Prometheus, which wants the samples
 * of a metric together.
 */
#include "node/report_private.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "flowbraid/version.h"
#include "node/snapshot.h"

#define TRIES 3 /* for a notice that is being replaced */

bool
report_read_board(const struct board *b, struct buf *bytes)
{
	enum err e = ERR_CHECKSUM;

	for (int i = 0; i < TRIES && e == ERR_CHECKSUM; i++)
		e = board_get(b, bytes);
	return e == ERR_OK;
}

/* False when there is none. The bytes stand in *bytes, to be cleared in any case. */
static bool
read_board(const struct board *board, struct buf *bytes, struct snapshot *ret)
{
	return report_read_board(board, bytes) && snapshot_open(bytes->data, bytes->len, ret) == ERR_OK;
}

/* --- status --- */

/* The values of one name, of metrics of a kind. False: there are none. */
static bool
put_values(struct json *j, const struct snapshot *s, enum metric_of of, uint16_t name)
{
	struct snapshot again = *s;
	enum metric m;
	uint16_t found;
	uint64_t value;
	bool any = false;

	while (snapshot_next(&again, &m, &found, &value)) {
		if (metric_info(m)->of != of || found != name)
			continue;
		if (!any && name != SNAPSHOT_ALL) {
			json_object(j);
			json_put_text(j, "name", s->names[name]);
		}
		any = true;
		json_put_u64(j, metric_info(m)->key, value);
	}
	if (any && name != SNAPSHOT_ALL)
		json_end(j);
	return any;
}

static void
put_named(struct json *j, const char *key, const struct snapshot *s, enum metric_of of)
{
	json_key(j, key);
	json_array(j);
	for (uint16_t i = 0; i < s->name_count; i++)
		(void)put_values(j, s, of, i);
	json_end(j);
}

/* Their values stand together, rule by rule. */
static void
put_rules(struct json *j, const struct snapshot *s)
{
	struct snapshot again = *s;
	enum metric m;
	uint16_t rule, last = 0;
	uint64_t value;

	while (snapshot_next(&again, &m, &rule, &value)) {
		if (metric_info(m)->of != METRIC_OF_RULE)
			continue;
		if (last == 0) {
			json_key(j, "policy_rules");
			json_array(j);
		} else if (rule != last) {
			json_end(j);
		}
		if (rule != last) {
			json_object(j);
			json_put_u64(j, "rule", rule);
		}
		last = rule;
		json_put_u64(j, metric_info(m)->key, value);
	}
	if (last != 0) {
		json_end(j);
		json_end(j);
	}
}

static void
put_lane(struct json *j, const struct report *r, unsigned lane)
{
	struct buf bytes = BUF_INIT;
	char text[WALL_TEXT_SIZE];
	struct snapshot s;

	json_object(j);
	json_put_u64(j, "lane", lane);
	if (read_board(r->boards[lane], &bytes, &s)) {
		json_put_text(j, "time", wall_text(s.time, 3, text));
		(void)put_values(j, &s, METRIC_OF_LANE, SNAPSHOT_ALL);
		put_rules(j, &s);
		put_named(j, "listeners", &s, METRIC_OF_LISTENER);
		snapshot_close(&s);
	}
	json_end(j);
	buf_clear(&bytes);
}

static void
put_relay(struct json *j, const struct report *r)
{
	struct buf bytes = BUF_INIT;
	char text[WALL_TEXT_SIZE];
	struct snapshot s;

	if (read_board(r->relay, &bytes, &s)) {
		json_key(j, "relay");
		json_object(j);
		json_put_text(j, "time", wall_text(s.time, 3, text));
		(void)put_values(j, &s, METRIC_OF_RELAY, SNAPSHOT_ALL);
		put_named(j, "forward", &s, METRIC_OF_FORWARD);
		put_named(j, "feed", &s, METRIC_OF_FEED);
		json_end(j);
		snapshot_close(&s);
	}
	buf_clear(&bytes);
}

void
report_status(const struct report *r, struct buf *out)
{
	char text[WALL_TEXT_SIZE];
	struct json j;

	json_init(&j, out);
	json_object(&j);
	json_put_text(&j, "version", FLOWBRAID_VERSION);
	json_put_text(&j, "cluster", r->conf->cluster);
	json_put_text(&j, "node", r->conf->node);
	json_put_text(&j, "time", wall_text(r->now, 3, text));
	json_key(&j, "lanes");
	json_array(&j);
	for (unsigned i = 0; i < r->lanes; i++)
		put_lane(&j, r, i);
	json_end(&j);
	put_relay(&j, r);
	json_key(&j, "reporter");
	json_object(&j);
	json_put_u64(&j, "restarts", r->restarts);
	json_put_u64(&j, "requests", r->requests);
	json_put_u64(&j, "refused", r->refused);
	json_put_u64(&j, "ended", r->ended);
	json_end(&j);
	json_end(&j);
	buf_text(out, "\n");
}

/* --- metrics --- */

/* Names of interfaces may be any bytes. */
void
report_put_label(struct buf *out, const char *name, const char *value)
{
	bool utf8 = json_is_utf8(value, strlen(value));

	buf_printf(out, "%s=\"", name);
	for (const char *c = value; *c != '\0'; c++) {
		if (*c == '\n')
			buf_text(out, "\\n");
		else if (*c == '"' || *c == '\\')
			buf_printf(out, "\\%c", *c);
		else if (!utf8 && (*c & 0x80) != 0)
			buf_u8(out, '?');
		else
			buf_u8(out, (uint8_t)*c);
	}
	buf_u8(out, '"');
}

/* whose: index of a listener, or number of a rule. */
static void
put_sample(
    struct buf *out, const struct metric_info *info, const struct snapshot *s, uint16_t name, uint64_t value)
{
	static const char *const labels[] = {[METRIC_OF_LISTENER] = "listener",
	    [METRIC_OF_FORWARD] = "target",
	    [METRIC_OF_FEED] = "path",
	    [METRIC_OF_RELAY] = NULL,
	    [METRIC_OF_RULE] = NULL};

	buf_text(out, info->name);
	if (info->of == METRIC_OF_RULE)
		buf_printf(out, "{lane=\"%u\",rule=\"%u\"}", s->lane, name);
	else if (info->of == METRIC_OF_LANE || info->of == METRIC_OF_LISTENER)
		buf_printf(out, "{lane=\"%u\"%s", s->lane, info->of == METRIC_OF_LISTENER ? "," : "}");
	else if (info->of != METRIC_OF_RELAY)
		buf_u8(out, '{');
	if (labels[info->of] != NULL) {
		report_put_label(out, labels[info->of], s->names[name]);
		buf_u8(out, '}');
	}
	buf_printf(out, " %" PRIu64 "\n", value);
}

void
report_put_head(struct buf *out, const char *name, const char *help, bool counter)
{
	buf_printf(out, "# HELP %s %s.\n# TYPE %s %s\n", name, help, name, counter ? "counter" : "gauge");
}

/* Of all boards together, since samples of a metric stand together. */
static void
put_metric(struct buf *out, enum metric m, const struct snapshot *all, unsigned count)
{
	const struct metric_info *info = metric_info(m);

	report_put_head(out, info->name, info->help, info->counter);
	for (unsigned i = 0; i < count; i++) {
		struct snapshot s = all[i];
		enum metric found;
		uint16_t name;
		uint64_t value;

		while (snapshot_next(&s, &found, &name, &value)) {
			if (found == m)
				put_sample(out, info, &s, name, value);
		}
	}
}

static void
put_own(struct buf *out, const char *name, const char *help, uint64_t value)
{
	report_put_head(out, name, help, true);
	buf_printf(out, "%s %" PRIu64 "\n", name, value);
}

void
report_metrics(const struct report *r, struct buf *out)
{
	struct buf bytes[CONF_LANES_MOST + 1];
	struct snapshot all[CONF_LANES_MOST + 1];
	unsigned count = 0;

	buf_printf(out,
	    "# HELP flowbraid_build_info What runs here.\n# TYPE flowbraid_build_info gauge\n"
	    "flowbraid_build_info{version=\"%s\",cluster=\"%s\",node=\"%s\"} 1\n",
	    FLOWBRAID_VERSION, r->conf->cluster, r->conf->node);
	for (unsigned i = 0; i <= r->lanes; i++) {
		bytes[i] = (struct buf)BUF_INIT;
		count += read_board(i < r->lanes ? r->boards[i] : r->relay, &bytes[i], &all[count]);
	}
	for (unsigned m = 0; m < METRIC_COUNT; m++)
		put_metric(out, (enum metric)m, all, count);
	report_put_streams(r, out);
	put_own(out, "flowbraid_reporter_restarts_total",
	    "Lives of the reporter that ended before their time", r->restarts);
	put_own(out, "flowbraid_status_requests_total", "Requests that the reporter answered", r->requests);
	put_own(out, "flowbraid_status_refused_requests_total", "Those of them that had no right password",
	    r->refused);
	put_own(out, "flowbraid_status_ended_connections_total",
	    "Connections that lasted too long, or had to make room for others", r->ended);
	for (unsigned i = 0; i < count; i++)
		snapshot_close(&all[i]);
	for (unsigned i = 0; i <= r->lanes; i++)
		buf_clear(&bytes[i]);
}

/* --- health --- */

/* *silent: the shortest time, in seconds, that a lane has heard nothing for. */
static bool
lane_is_well(const struct report *r, unsigned lane, uint64_t *silent, struct buf *out)
{
	struct buf bytes = BUF_INIT;
	struct snapshot s;
	enum metric m;
	uint16_t listener;
	uint64_t value;
	bool good = true;

	if (!read_board(r->boards[lane], &bytes, &s)) {
		buf_printf(out, "collector %u: has not begun\n", lane);
		buf_clear(&bytes);
		return false;
	}
	if (r->mono.ns - s.mono.ns > REPORT_SILENT_NS) {
		buf_printf(out, "collector %u: silent for %" PRId64 " s\n", lane,
		    (int64_t)((r->mono.ns - s.mono.ns) / NS_PER_SEC));
		good = false;
	}
	while (snapshot_next(&s, &m, &listener, &value)) {
		if (m == METRIC_LISTENER_OPEN && value == 0) {
			buf_printf(out, "collector %u: listener %s: waits for its interface\n", lane,
			    s.names[listener]);
			good = false;
		}
		if (m == METRIC_LOG_FAILING && value != 0) {
			buf_printf(out, "collector %u: the log cannot be written\n", lane);
			good = false;
		}
		if (m == METRIC_LOG_REFUSING && value != 0) {
			buf_printf(out, "collector %u: memory is used up, what comes is lost\n", lane);
			good = false;
		}
		if (m == METRIC_BEHIND && value != 0) {
			buf_printf(out,
			    "collector %u: falling behind: datagrams were dropped in the last 10 s, or a receive "
			    "buffer is nearly full\n",
			    lane);
			good = false;
		}
		if (m == METRIC_SILENT && value < *silent)
			*silent = value;
	}
	snapshot_close(&s);
	buf_clear(&bytes);
	return good;
}

static bool
relay_is_well(const struct report *r, struct buf *out)
{
	struct buf bytes = BUF_INIT;
	struct snapshot s;
	bool good = true;

	if (read_board(r->relay, &bytes, &s)) {
		good = r->mono.ns - s.mono.ns <= REPORT_SILENT_NS;
		if (!good)
			buf_printf(out, "relay: silent for %" PRId64 " s\n",
			    (int64_t)((r->mono.ns - s.mono.ns) / NS_PER_SEC));
		snapshot_close(&s);
	}
	buf_clear(&bytes);
	return good;
}

bool
report_health(const struct report *r, struct buf *out)
{
	uint64_t silent = UINT64_MAX;
	bool good = relay_is_well(r, out);

	for (unsigned i = 0; i < r->lanes; i++)
		good &= lane_is_well(r, i, &silent, out);
	if (r->conf->status_silence_ns > 0 && silent != UINT64_MAX &&
	    silent >= (uint64_t)(r->conf->status_silence_ns / NS_PER_SEC)) {
		buf_printf(out, "no datagram for %" PRIu64 " s\n", silent);
		good = false;
	}
	if (good)
		buf_text(out, "ok\n");
	return good;
}
