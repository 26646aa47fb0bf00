/* SPDX-License-Identifier: ISC
 *
 * make-log [-s SEGMENT-BYTES] [-k] FOLDER CLUSTER NODE INCARNATION: writes a node's log of what standard input
 * says, through the code that the node uses. A line a record:
 *
 *	d NANOSECONDS ADDRESS PORT HEX      a datagram
 *	e NANOSECONDS KIND                  an event record of that kind (a number)
 *	l LISTENER                          the datagrams that follow come by that listener
 *	r                                   rotate
 *
 * -k: end as if killed: the last segment stays open.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log/event.h"
#include "tests/log-folder.h"

static size_t
read_hex(const char *text, uint8_t *out, size_t size)
{
	size_t n = 0;
	unsigned v;

	while (n < size && sscanf(text, "%2x", &v) == 1) {
		out[n++] = (uint8_t)v;
		text += 2;
	}
	return n;
}

static void
add_line(struct log_folder *f, char *line)
{
	static uint8_t payload[65536];
	static struct buf event;
	static unsigned listener;
	struct record r = {0};
	char addr[64], *hex = NULL;
	unsigned number;
	int at = 0;

	if (line[0] == 'r') {
		appender_rotate(&f->a, (wall_t){0});
		return;
	}
	if (sscanf(line, "l %u", &listener) == 1)
		return;
	if (sscanf(line, "d %" SCNd64 " %63s %u %n", &r.time.ns, addr, &number, &at) == 3) {
		hex = line + at;
		if (!addr_parse(addr, &r.addr))
			give_up("bad address");
		r.type = RECORD_DATAGRAM;
		r.port = (uint16_t)number;
		r.listener = (uint16_t)listener;
		r.body = payload;
		r.len = (uint32_t)read_hex(hex, payload, sizeof(payload));
	} else if (sscanf(line, "e %" SCNd64 " %u", &r.time.ns, &number) == 2) {
		buf_reset(&event);
		event_begin(&event, (enum event_kind)number);
		r.type = RECORD_EVENT;
		r.body = event.data;
		r.len = (uint32_t)event.len;
	} else {
		give_up("bad line");
	}
	log_folder_add(f, &r);
}

int
main(int argc, char **argv)
{
	struct log_folder f;
	size_t room = 0, size = 0;
	bool killed = false;
	char *line = NULL;
	int c;

	while ((c = getopt(argc, argv, "s:k")) != -1) {
		if (c == 's')
			size = strtoul(optarg, NULL, 10);
		else
			killed = true;
	}
	if (argc - optind != 4)
		give_up("usage: make-log [-s BYTES] [-k] FOLDER CLUSTER NODE INCARNATION");
	log_folder_open(
	    &f, argv[optind], argv[optind + 1], argv[optind + 2], strtoull(argv[optind + 3], NULL, 0));
	f.a.size_limit = size;
	while (getline(&line, &room, stdin) > 0)
		add_line(&f, line);
	free(line);
	log_folder_close(&f, !killed);
	return 0;
}
