/* SPDX-License-Identifier: ISC
 *
 * Prints what stands in segments, one line a record or finding, for tests of the daemon. With -x first, of
 * datagrams all bytes; with -f, of selected flows each as a line of JSON:
 *
 *	FILE datagram SEQUENCE TIME-NS ADDRESS PORT LISTENER FLAGS LENGTH HEX-OF-THE-FIRST-24-BYTES
 *	FILE selected SEQUENCE TIME-NS ADDRESS PORT LISTENER FLAGS LENGTH-OF-PAYLOAD SHA-256 FLAGS RECORDS FLOWS OPTIONS
 *	FILE event SEQUENCE TIME-NS KIND KEY=VALUE...
 *	FILE templates SEQUENCE TIME-NS LENGTH
 *	FILE seal SEQUENCE TIME-NS COUNT
 *	FILE finding OFFSET WHAT
 *	FILE torn OFFSET
 *	FILE header NUMBER INCARNATION FIRST-SEQUENCE
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "flow/decode.h"
#include "log/check.h"
#include "log/event.h"

static uint32_t most = 24; /* bytes of a datagram */
static bool show_flows;
static struct selected_reader *reader;

/* On one line. */
static void
put_text(unsigned key, const uint8_t *text, size_t len)
{
	printf(" %u=", key);
	for (size_t i = 0; text != NULL && i < len; i++)
		putchar(text[i] < 0x20 ? ' ' : text[i]);
}

static void
print_event(const struct record *r)
{
	struct event e;
	struct rd value;
	uint16_t key;

	if (!event_init(&e, r->body, r->len))
		return;
	for (const char *c = event_kind_name(e.kind); *c != '\0'; c++)
		putchar(*c == ' ' ? '-' : *c);
	while (event_next(&e, &key, &value)) {
		size_t len = rd_left(&value);

		if (key == EVENT_KEY_TEXT)
			put_text(key, rd_bytes(&value, len), len);
		else if (len == 8)
			printf(" %u=%" PRIu64, key, rd_u64(&value));
		else
			printf(" %u=%zu-bytes", key, len);
	}
}

static void
print_flows(const struct record *r)
{
	struct flow_context context = {.exporter = r->addr, .port = r->port, .received = r->time};
	struct buf text = BUF_INIT;
	struct decode d;
	struct flow f;

	decode_init_selected(&d, reader, NULL, NULL);
	while (decode_next(&d, &f) == ERR_OK)
		flow_json(&f, &context, &text);
	printf("\n%.*s", (int)text.len - 1, (const char *)text.data);
	buf_clear(&text);
}

static void
print_selected(const char *file, const struct record *r)
{
	char addr[ADDR_TEXT_SIZE], digest[SHA256_TEXT_SIZE];
	const struct selected_head *h;

	if (selected_open(reader, r->body, r->len) != ERR_OK) {
		printf("%s bad-selected %" PRIu64, file, r->sequence);
		return;
	}
	h = selected_head(reader);
	printf("%s selected %" PRIu64 " %" PRId64 " %s %u %u %u %u %s %u %" PRIu32 " %" PRIu32 " %" PRIu32,
	    file, r->sequence, r->time.ns, addr_text(&r->addr, addr), r->port, r->listener, r->flags, h->len,
	    sha256_text(&h->digest, digest), h->flags, h->records, selected_count(reader, false),
	    selected_count(reader, true));
	if (show_flows && selected_count(reader, false) + selected_count(reader, true) > 0)
		print_flows(r);
}

static void
print_record(const char *file, const struct record *r)
{
	char addr[ADDR_TEXT_SIZE];
	struct seal seal;

	switch (r->type) {
	case RECORD_DATAGRAM:
		printf("%s datagram %" PRIu64 " %" PRId64 " %s %u %u %u %" PRIu32 " ", file, r->sequence,
		    r->time.ns, addr_text(&r->addr, addr), r->port, r->listener, r->flags, r->len);
		for (uint32_t i = 0; i < r->len && i < most; i++)
			printf("%02x", r->body[i]);
		break;
	case RECORD_SELECTED:
		print_selected(file, r);
		break;
	case RECORD_EVENT:
		printf("%s event %" PRIu64 " %" PRId64 " ", file, r->sequence, r->time.ns);
		print_event(r);
		break;
	case RECORD_TEMPLATES:
		printf(
		    "%s templates %" PRIu64 " %" PRId64 " %" PRIu32, file, r->sequence, r->time.ns, r->len);
		break;
	case RECORD_SEAL:
		printf("%s seal %" PRIu64 " %" PRId64, file, r->sequence, r->time.ns);
		if (seal_read(r->body, r->len, &seal) == ERR_OK)
			printf(" %" PRIu64, seal.count);
		break;
	default:
		printf("%s type-%u %" PRIu64, file, (unsigned)r->type, r->sequence);
		break;
	}
	putchar('\n');
}

static bool
print_segment(const char *path)
{
	const char *file = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
	size_t len = strlen(path);
	bool open_name = len > 5 && strcmp(path + len - 5, ".open") == 0, header_shown = false;
	int fd = open(path, O_RDONLY);
	struct check_result result;
	struct finding finding;
	enum check_step step;
	struct record r;
	struct check *c;

	if (fd < 0 || check_open(fd, open_name, true, &c) != ERR_OK) {
		perror(path);
		return false;
	}
	do {
		const struct segment_header *h;

		step = check_next(c, &r, &finding);
		h = check_header(c);
		if (!header_shown && h != NULL)
			printf("%s header %" PRIu64 " %" PRIx64 " %" PRIu64 "\n", file, h->number,
			    h->incarnation, h->first_sequence);
		header_shown = true;
		if (step == CHECK_RECORD)
			print_record(file, &r);
		else if (step == CHECK_FINDING)
			printf("%s finding %" PRIu64 " %s: expected %s, found %s\n", file, finding.offset,
			    finding.what, finding.expected, finding.found);
	} while (step == CHECK_RECORD || step == CHECK_FINDING);
	check_result(c, &result);
	if (result.torn)
		printf("%s torn %" PRIu64 "\n", file, result.tail);
	check_close(c);
	(void)close(fd);
	return step == CHECK_END;
}

int
main(int argc, char **argv)
{
	bool good = true;
	int first = 1;

	reader = selected_reader_new();
	if (reader == NULL)
		return 2;
	if (argc > 1 && strcmp(argv[1], "-x") == 0) {
		most = UINT32_MAX;
		first = 2;
	} else if (argc > 1 && strcmp(argv[1], "-f") == 0) {
		show_flows = true;
		first = 2;
	}
	for (int i = first; i < argc; i++)
		good &= print_segment(argv[i]);
	selected_reader_free(reader);
	return good ? 0 : 2;
}
