/* SPDX-License-Identifier: ISC
 *
 * make-log [-s SEGMENT-BYTES] [-k] FOLDER CLUSTER NODE INCARNATION: writes a node's log of what standard input
 * says, through the code that the node uses. A line a record:
 *
 *	d NANOSECONDS ADDRESS PORT HEX      a datagram
 *	e NANOSECONDS KIND                  an event record of that kind (a number)
 *	r                                   rotate
 *
 * -k: end as if killed: the last segment stays open.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/append.h"
#include "log/event.h"
#include "log/store.h"

struct making {
	struct store *store;
	struct block *free;
	struct appender a;
};

static void
die(const char *what)
{
	fprintf(stderr, "make-log: %s\n", what);
	exit(2);
}

static struct block *
take(void *ctx)
{
	struct making *m = ctx;
	struct block *b = m->free;

	if (b == NULL)
		return block_new();
	m->free = b->next;
	return b;
}

static void
give(void *ctx, struct block *b, uint32_t upto, bool complete)
{
	struct making *m = ctx;

	if (store_write(m->store, b, upto, complete) != ERR_OK)
		die("store_write");
	if (complete) {
		b->next = m->free;
		m->free = b;
	}
}

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
add_line(struct making *m, char *line)
{
	static uint8_t payload[65536];
	static struct buf event;
	struct record r = {0};
	char addr[64], *hex = NULL;
	unsigned number;
	int at = 0;

	if (line[0] == 'r') {
		appender_rotate(&m->a, (wall_t){0});
		return;
	}
	if (sscanf(line, "d %" SCNd64 " %63s %u %n", &r.time.ns, addr, &number, &at) == 3) {
		hex = line + at;
		if (!addr_parse(addr, &r.addr))
			die("bad address");
		r.type = RECORD_DATAGRAM;
		r.port = (uint16_t)number;
		r.body = payload;
		r.len = (uint32_t)read_hex(hex, payload, sizeof(payload));
	} else if (sscanf(line, "e %" SCNd64 " %u", &r.time.ns, &number) == 2) {
		buf_reset(&event);
		event_begin(&event, (enum event_kind)number);
		r.type = RECORD_EVENT;
		r.body = event.data;
		r.len = (uint32_t)event.len;
	} else {
		die("bad line");
	}
	if (appender_record(&m->a, &r, r.time, NULL) != ERR_OK)
		die("appender_record");
}

int
main(int argc, char **argv)
{
	struct making m = {0};
	struct segment_header head = {.kind = SEGMENT_NODE, .first_sequence = 1};
	struct store_recovery recovery[4];
	size_t recovered, room = 0, size = 0;
	bool killed = false;
	char *line = NULL;
	int dirfd, c;

	while ((c = getopt(argc, argv, "s:k")) != -1) {
		if (c == 's')
			size = strtoul(optarg, NULL, 10);
		else
			killed = true;
	}
	if (argc - optind != 4)
		die("usage: make-log [-s BYTES] [-k] FOLDER CLUSTER NODE INCARNATION");
	mkdir(argv[optind], 0755);
	dirfd = open(argv[optind], O_RDONLY | O_DIRECTORY);
	snprintf(head.cluster, sizeof(head.cluster), "%s", argv[optind + 1]);
	snprintf(head.node, sizeof(head.node), "%s", argv[optind + 2]);
	head.incarnation = strtoull(argv[optind + 3], NULL, 0);
	if (dirfd < 0 || store_open(dirfd, head.cluster, head.node, 0, (wall_t){0}, &m.store, recovery, 4, &recovered) != ERR_OK)
		die("cannot open the folder");
	head.number = store_next_number(m.store);
	appender_init(&m.a, &head, (struct block_sink){&m, take, give});
	m.a.size_limit = size;
	while (getline(&line, &room, stdin) > 0)
		add_line(&m, line);
	free(line);
	if (killed)
		appender_flush(&m.a);
	else
		appender_end(&m.a, (wall_t){0});
	if (!killed)
		store_close(m.store);
	return 0;
}
