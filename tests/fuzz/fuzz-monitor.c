/* SPDX-License-Identifier: ISC
 *
 * What nodes tell a monitor: an answer to /gaps?since=, and /status, a zero byte between them; behind another zero byte the next answer, which
 * may tell the difference. What is read is given to a view, the first again and again by two nodes, and what the view makes of it must be made.
 */
#include <stdlib.h>
#include <string.h>

#include "cluster/monitor_document.h"
#include "tests/fuzz/target.h"

static void
give(struct view *v, struct node_report *r, int64_t i)
{
	wall_t now = {r->time_ns < INT64_MAX / 2 ? r->time_ns + i * NS_PER_SEC : r->time_ns};
	mono_t steady = {(i + 2) * NS_PER_SEC};
	const char *why;

	r->node[0] = (char)('a' + i % 2);
	r->node[1] = '\0';
	if (view_answer(v, (uint32_t)i % 2, r, now, steady, &why) == ERR_MEMORY ||
	    view_turn(v, now, steady) != ERR_OK)
		abort();
	(void)view_wants_all(v, (uint32_t)i % 2, steady);
}

static void
show(struct node_report *r, struct node_report *next)
{
	static const char *const urls[] = {"http://a", "http://b"};
	struct view *v;
	struct buf out = BUF_INIT;

	if (view_new(urls, 2,
		&(struct view_options){
		    .window_ns = 360 * NS_PER_SEC, .silent_ns = NS_PER_SEC, .interval_ns = NS_PER_SEC},
		(wall_t){r->time_ns}, (mono_t){NS_PER_SEC}, &v) != ERR_OK)
		abort();
	for (int64_t i = 0; i < 6; i++) {
		for (size_t k = 0; k < r->stream_count && i >= 2; k++) {
			r->streams[k].next += i;
			r->streams[k].datagrams++;
			r->streams[k].epoch += i == 4;
		}
		give(v, r, i);
		if (i > 2 && next != NULL)
			give(v, next, i);
	}
	if (monitor_document(v, 10, &out) != ERR_OK || monitor_metrics(v, 100, &out) != ERR_OK)
		abort();
	buf_clear(&out);
	view_free(v);
}

/* Up to a zero byte. */
static const char *
part(const uint8_t **data, size_t *size, size_t *ret_len)
{
	const uint8_t *begin = *data, *zero = memchr(begin, 0, *size);

	*ret_len = zero != NULL ? (size_t)(zero - begin) : *size;
	*data = begin + *ret_len + (zero != NULL);
	*size -= *ret_len + (zero != NULL);
	return (const char *)begin;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len, status_len, next_len;
	const char *gaps = part(&data, &size, &len), *status = part(&data, &size, &status_len),
		   *next = part(&data, &size, &next_len), *why;
	struct node_told told = {.streams = NULL};
	struct node_report r, n;
	bool more;

	if (status_len == 0) {
		status = "{\"version\":\"1\",\"lanes\":[]}";
		status_len = strlen(status);
	}
	if (node_report_read(&told, gaps, len, status, status_len, &r, &why) != ERR_OK)
		return 0;
	more = next_len > 0 &&
	    node_report_read(&told, next, next_len, status, status_len, &n, &why) == ERR_OK;
	show(&r, more ? &n : NULL);
	node_report_clear(&r);
	if (more)
		node_report_clear(&n);
	node_told_forget(&told);
	return 0;
}
