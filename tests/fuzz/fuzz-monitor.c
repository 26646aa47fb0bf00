/* SPDX-License-Identifier: ISC
 *
 * What nodes tell a monitor: /gaps and /status, a zero byte between them. What is read is given to a view three times, by two nodes, and what
 * the view makes of it must be made.
 */
#include <stdlib.h>
#include <string.h>

#include "cluster/monitor_document.h"
#include "tests/fuzz/target.h"

static void
show(struct node_report *r)
{
	static const char *const urls[] = {"http://a", "http://b"};
	struct view *v;
	struct buf out = BUF_INIT;
	const char *why;

	if (view_new(urls, 2,
		&(struct view_options){
		    .window_ns = 360 * NS_PER_SEC, .silent_ns = NS_PER_SEC, .interval_ns = NS_PER_SEC},
		(wall_t){r->time_ns}, (mono_t){NS_PER_SEC}, &v) != ERR_OK)
		abort();
	for (int64_t i = 0; i < 6; i++) {
		wall_t now = {r->time_ns < INT64_MAX / 2 ? r->time_ns + i * NS_PER_SEC : r->time_ns};
		mono_t steady = {(i + 2) * NS_PER_SEC};

		r->node[0] = (char)('a' + i % 2);
		r->node[1] = '\0';
		for (size_t k = 0; k < r->stream_count && i >= 2; k++) {
			r->streams[k].next += i;
			r->streams[k].datagrams++;
			r->streams[k].epoch += i == 4;
		}
		if (view_answer(v, (uint32_t)i % 2, r, now, steady, &why) != ERR_OK ||
		    view_turn(v, now, steady) != ERR_OK)
			abort();
	}
	if (monitor_document(v, 10, &out) != ERR_OK || monitor_metrics(v, 100, &out) != ERR_OK)
		abort();
	buf_clear(&out);
	view_free(v);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *zero = memchr(data, 0, size);
	size_t len = zero != NULL ? (size_t)(zero - data) : size;
	const char *gaps = (const char *)data,
		   *status = zero != NULL ? gaps + len + 1 : "{\"version\":\"1\",\"lanes\":[]}";
	struct node_report r;
	const char *why;

	if (node_report_read(gaps, len, status, zero != NULL ? size - len - 1 : strlen(status), &r, &why) !=
	    ERR_OK)
		return 0;
	show(&r);
	node_report_clear(&r);
	return 0;
}
