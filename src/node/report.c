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
read_board(const struct report *r, unsigned lane, struct buf *bytes, struct snapshot *ret)
{
	return report_read_board(r->boards[lane], bytes) &&
	    snapshot_open(bytes->data, bytes->len, ret) == ERR_OK;
}

/* --- status --- */

static void
put_listeners(struct json *j, const struct snapshot *s)
{
	json_key(j, "listeners");
	json_array(j);
	for (uint16_t i = 0; i < s->listener_count; i++) {
		struct snapshot again = *s;
		enum metric m;
		uint16_t listener;
		uint64_t value;

		json_object(j);
		json_put_text(j, "name", s->listeners[i]);
		while (snapshot_next(&again, &m, &listener, &value)) {
			if (listener == i && metric_info(m)->of_listener)
				json_put_u64(j, metric_info(m)->key, value);
		}
		json_end(j);
	}
	json_end(j);
}

static void
put_lane(struct json *j, const struct report *r, unsigned lane)
{
	struct buf bytes = BUF_INIT;
	struct snapshot s, values;
	char text[WALL_TEXT_SIZE];
	enum metric m;
	uint16_t listener;
	uint64_t value;

	json_object(j);
	json_put_u64(j, "lane", lane);
	if (read_board(r, lane, &bytes, &s)) {
		json_put_text(j, "time", wall_text(s.time, 3, text));
		values = s;
		while (snapshot_next(&values, &m, &listener, &value)) {
			if (!metric_info(m)->of_listener)
				json_put_u64(j, metric_info(m)->key, value);
		}
		put_listeners(j, &s);
		snapshot_close(&s);
	}
	json_end(j);
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
	json_key(&j, "reporter");
	json_object(&j);
	json_put_u64(&j, "restarts", r->restarts);
	json_put_u64(&j, "requests", r->requests);
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

	buf_printf(out, ",%s=\"", name);
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

static void
put_sample(
    struct buf *out, const struct metric_info *info, unsigned lane, const char *listener, uint64_t value)
{
	buf_printf(out, "%s{lane=\"%u\"", info->name, lane);
	if (info->of_listener)
		report_put_label(out, "listener", listener);
	buf_printf(out, "} %" PRIu64 "\n", value);
}

void
report_put_head(struct buf *out, const char *name, const char *help, bool counter)
{
	buf_printf(out, "# HELP %s %s.\n# TYPE %s %s\n", name, help, name, counter ? "counter" : "gauge");
}

static void
put_metric(struct buf *out, enum metric m, const struct snapshot *lanes, const bool *there, unsigned count)
{
	const struct metric_info *info = metric_info(m);

	report_put_head(out, info->name, info->help, info->counter);
	for (unsigned lane = 0; lane < count; lane++) {
		struct snapshot s = lanes[lane];
		enum metric found;
		uint16_t listener;
		uint64_t value;

		while (there[lane] && snapshot_next(&s, &found, &listener, &value)) {
			if (found == m)
				put_sample(
				    out, info, lane, info->of_listener ? s.listeners[listener] : "", value);
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
	struct buf bytes[CONF_LANES_MOST];
	struct snapshot lanes[CONF_LANES_MOST];
	bool there[CONF_LANES_MOST];

	buf_printf(out,
	    "# HELP flowbraid_build_info What runs here.\n# TYPE flowbraid_build_info gauge\n"
	    "flowbraid_build_info{version=\"%s\",cluster=\"%s\",node=\"%s\"} 1\n",
	    FLOWBRAID_VERSION, r->conf->cluster, r->conf->node);
	for (unsigned i = 0; i < r->lanes; i++) {
		bytes[i] = (struct buf)BUF_INIT;
		there[i] = read_board(r, i, &bytes[i], &lanes[i]);
	}
	for (unsigned m = 0; m < METRIC_COUNT; m++)
		put_metric(out, (enum metric)m, lanes, there, r->lanes);
	report_put_streams(r, out);
	put_own(out, "flowbraid_reporter_restarts_total",
	    "Lives of the reporter that ended before their time", r->restarts);
	put_own(out, "flowbraid_status_requests_total", "Requests that the reporter answered", r->requests);
	put_own(out, "flowbraid_status_ended_connections_total",
	    "Connections that lasted too long, or had to make room for others", r->ended);
	for (unsigned i = 0; i < r->lanes; i++) {
		if (there[i])
			snapshot_close(&lanes[i]);
		buf_clear(&bytes[i]);
	}
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

	if (!read_board(r, lane, &bytes, &s)) {
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
			    s.listeners[listener]);
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

bool
report_health(const struct report *r, struct buf *out)
{
	uint64_t silent = UINT64_MAX;
	bool good = true;

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
