/* SPDX-License-Identifier: ISC
 *
 * Walks any bytes as a segment, open and sealed, and reads the events in it. Since checksums would turn
 * nearly every input away, the bytes are walked a second time with the checksums of their records put right.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "log/check.h"
#include "log/event.h"
#include "tests/fuzz/target.h"

static void
read_event(const struct record *r)
{
	struct event event;
	struct rd value;
	uint16_t key;

	if (!event_init(&event, r->body, r->len))
		return;
	(void)event_u64(&event, EVENT_KEY_COUNT, 0);
	while (event_next(&event, &key, &value))
		(void)rd_u64(&value);
}

/* The walk ends, and every step lies within the file. */
static void
walk(int fd, size_t len, bool open_name)
{
	struct check *c;
	struct record record;
	struct finding finding;
	struct check_result result;
	enum check_step step;
	size_t steps = 0;

	if (check_open(fd, open_name, true, &c) != ERR_OK)
		abort();
	while ((step = check_next(c, &record, &finding)) != CHECK_END) {
		if (step == CHECK_ERROR || check_offset(c) > len || ++steps > 3 * len + 16)
			abort();
		if (step == CHECK_RECORD && record.type == RECORD_EVENT)
			read_event(&record);
	}
	check_result(c, &result);
	if (result.tail > len || result.size != len)
		abort();
	check_close(c);
}

/* Puts the checksums of headers and bodies right, from record to record as far as lengths lead. */
static void
repair(uint8_t *bytes, size_t len)
{
	struct segment_header head;
	struct record r;
	size_t at = SEGMENT_RECORDS_AT, size;
	uint32_t seed;

	if (segment_header_read(bytes, len, &head) != ERR_OK)
		return;
	seed = record_seed(head.incarnation);
	while (at < len && len - at >= RECORD_HEADER_SIZE) {
		if (record_header_read(bytes + at, seed, &r) == ERR_MALFORMED)
			return;
		size = record_size(r.len);
		if (size > len - at)
			return;
		r.body_crc = record_body_crc(seed, bytes + at + RECORD_HEADER_SIZE, r.len);
		record_header_write(&r, seed, bytes + at);
		at += size;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static int fd = -1;
	uint8_t *copy = malloc(len > 0 ? len : 1);

	if (fd < 0)
		fd = memfd_create("segment", MFD_CLOEXEC);
	if (fd < 0 || copy == NULL)
		abort();
	if (len > 0)
		memcpy(copy, bytes, len);
	for (int round = 0; round < 2; round++) {
		if (ftruncate(fd, 0) != 0 || file_pwrite(fd, copy, len, 0, NULL) != ERR_OK)
			abort();
		walk(fd, len, false);
		walk(fd, len, true);
		repair(copy, len);
	}
	free(copy);
	return 0;
}
