/* SPDX-License-Identifier: ISC
 *
 * See monitor_check.h.
 */
#include "cluster/monitor_check.h"

#include <inttypes.h>

#include "cluster/monitor_document.h"

/* What was sent in the window, as far as the node that knows most of it tells. */
static uint64_t
sent(const struct view *v)
{
	uint64_t most = 0;

	for (uint32_t n = 0; n < v->node_count; n++) {
		uint64_t heard, missing;

		view_node_sums(v, n, v->window_ns, &heard, &missing);
		if (heard + missing > most)
			most = heard + missing;
	}
	return most;
}

/* A bar would begin the data, a newline the details. */
static void
put_line(struct buf *out, const struct buf *lines)
{
	for (size_t i = 0; i < lines->len; i++) {
		if (lines->data[i] == '\n')
			buf_text(out, "; ");
		else
			buf_u8(out, lines->data[i] == '|' ? '/' : lines->data[i]);
	}
}

/* A label in quotes; one within is doubled. */
static void
put_label(struct buf *out, const char *name, const char *what)
{
	buf_text(out, " '");
	for (; *name != '\0'; name++) {
		buf_u8(out, *name == '=' ? '_' : (uint8_t)*name);
		if (*name == '\'')
			buf_u8(out, '\'');
	}
	buf_printf(out, "_%s'=", what);
}

static void
put_data(const struct view *v, double max_loss, uint64_t residual, double percent, struct buf *out)
{
	uint32_t up = 0;

	for (uint32_t n = 0; n < v->node_count; n++)
		up += v->nodes[n].state == VIEW_UP;
	buf_printf(out,
	    " | nodes_up=%" PRIu32 ";%" PRIu32 ":;1:;0;%" PRIu32 " residual=%" PRIu64
	    ";0;;0 residual_percent=%.4f%%;0;%.4f;0;100",
	    up, v->node_count, v->node_count, residual, percent, max_loss);
	for (uint32_t n = 0; n < v->node_count; n++) {
		const struct view_node *node = &v->nodes[n];
		uint64_t heard, missing;

		view_node_sums(v, n, v->window_ns, &heard, &missing);
		put_label(out, node->name[0] != '\0' ? node->name : node->url, "missing");
		buf_printf(out, "%" PRIu64 ";;;0", missing);
	}
	buf_text(out, "\n");
}

enum check_state
monitor_check(const struct view *v, double max_loss, struct buf *out)
{
	static const char *const names[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
	uint64_t residual = view_residual(v, v->window_ns);
	double percent = monitor_percent(residual, sent(v));
	enum view_health health = view_health(v);
	struct buf reasons = BUF_INIT;
	enum check_state state = CHECK_OK;

	if (health == VIEW_BLIND || percent > max_loss)
		state = CHECK_CRITICAL;
	else if (health != VIEW_WHOLE || residual > 0)
		state = CHECK_WARNING;
	monitor_reasons(v, &reasons);
	buf_printf(out, "FLOWBRAID %s - ", names[state]);
	if (v->cluster[0] != '\0')
		buf_printf(out, "%s: ", v->cluster);
	if (health == VIEW_BLIND)
		buf_text(out, "no node answers; ");
	else
		buf_printf(out,
		    "%" PRIu64 " datagrams (%.4f %%) are missing on all nodes in %" PRIi64 " minutes%s",
		    residual, percent, (int64_t)(v->window_ns / NS_PER_SEC / 60),
		    reasons.len > 0 ? "; " : "");
	put_line(out, &reasons);
	put_data(v, max_loss, residual, percent, out);
	buf_clear(&reasons);
	return state;
}
