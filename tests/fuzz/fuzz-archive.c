/* SPDX-License-Identifier: ISC
 *
 * Reads any bytes into a pool and plans it. The first byte says as what:
 *
 *	0            a manifest, which when it is read is written again the same
 *	1, 2, 3      records of a node's segment, a window, a common file: each type (1), flags (1), time in seconds
 *	             (1), length (2), body; they get sound headers and checksums, so that bodies are reached
 *	others       a whole file
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "archive/plan.h"
#include "archive/pool.h"
#include "archive/window_check.h"
#include "base/file.h"
#include "tests/fuzz/target.h"

static void
read_manifest(const uint8_t *bytes, size_t len)
{
	struct buf again = BUF_INIT;
	struct manifest m;
	unsigned line = 0;

	if (manifest_read((const char *)bytes, len, &m, &line) != ERR_OK) {
		if (line == 0)
			abort();
		return;
	}
	manifest_write(&m, &again);
	if (again.len != len || memcmp(again.data, bytes, len) != 0)
		abort();
	buf_clear(&again);
	manifest_clear(&m);
}

/* A segment of the records that the bytes tell. */
static void
compose(struct buf *out, enum segment_kind kind, const uint8_t *bytes, size_t len)
{
	static const uint8_t zeros[8];
	struct segment_header head = {
	    .kind = kind, .cluster = "lab", .incarnation = 1, .first_sequence = 1, .time = {0}};
	uint8_t header[SEGMENT_RECORDS_AT];
	struct rd in = rd_init(bytes, len);

	if (kind == SEGMENT_NODE)
		head.node[0] = 'a';
	segment_header_write(&head, header);
	buf_bytes(out, header, sizeof(header));
	for (uint64_t sequence = 1; rd_left(&in) >= 5; sequence++) {
		struct record r = {.type = rd_u8(&in), .flags = rd_u8(&in), .sequence = sequence};

		r.time.ns = rd_u8(&in) * NS_PER_SEC;
		r.len = rd_u16(&in);
		if (r.len > rd_left(&in))
			r.len = (uint32_t)rd_left(&in);
		r.body = rd_bytes(&in, r.len);
		r.type += r.type == 0;
		if (r.type == RECORD_DATAGRAM)
			r.addr = addr_v4(0xc0000201);
		r.body_crc = record_body_crc(record_seed(1), r.body, r.len);
		record_header_write(&r, record_seed(1), header);
		buf_bytes(out, header, RECORD_HEADER_SIZE);
		buf_bytes(out, r.body, r.len);
		buf_bytes(out, zeros, record_size(r.len) - RECORD_HEADER_SIZE - r.len);
	}
}

/* Everything that was taken has witnesses and can be planned, and its payload is what was taken; or, when an archive's
 * entry lies, not. */
static void
use(struct pool *p)
{
	struct plan plan;
	bool lies = false;

	if (pool_close(p) != ERR_OK)
		abort();
	for (size_t i = 0; i < p->datagram_count; i++) {
		const uint8_t *payload;
		enum err e = pool_payload(p, &p->datagrams[i], &payload);

		if (p->datagrams[i].hearings == 0 || (e != ERR_OK && p->datagrams[i].within == POOL_NONE))
			abort();
		lies |= e != ERR_OK;
	}
	if (plan_make(p, &plan) == ERR_OK)
		plan_clear(&plan);
	else if (!lies)
		abort();
}

/* The same bytes as verify sees them. */
static void
check_bodies(const uint8_t *bytes, size_t len)
{
	struct window_check w = {.quick = false};
	struct check *c;
	struct record r;
	struct finding f;
	enum check_step step;
	int fd = memfd_create("window", MFD_CLOEXEC);
	enum err e;

	if (fd < 0 || file_pwrite(fd, bytes, len, 0, NULL) != ERR_OK ||
	    check_open(fd, false, false, &c) != ERR_OK)
		abort();
	while ((step = check_next(c, &r, &f)) == CHECK_RECORD || step == CHECK_FINDING) {
		if (step == CHECK_FINDING)
			window_check_damage(&w, &f);
		else if (!window_check_record(&w, check_header(c)->kind, &r, &f, &e) && e == ERR_MEMORY)
			abort();
	}
	check_close(c);
	window_check_clear(&w);
	close(fd);
}

static void
read_file(const uint8_t *bytes, size_t len)
{
	static int fd = -1;
	char path[64];
	struct buf why = BUF_INIT;
	struct pool p;
	enum err e = ERR_OK;

	if (fd < 0)
		fd = memfd_create("archive", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) != 0 || file_pwrite(fd, bytes, len, 0, NULL) != ERR_OK)
		abort();
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	pool_init(&p);
	for (int round = 0; round < 2 && e == ERR_OK; round++) /* the second time nothing is new */
		e = pool_add(&p, path, NULL, &why);
	if (e == ERR_OK)
		use(&p);
	else if (why.len == 0)
		abort();
	pool_clear(&p);
	buf_clear(&why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct buf file = BUF_INIT;

	if (len == 0)
		return 0;
	if (bytes[0] == 0) {
		read_manifest(bytes + 1, len - 1);
	} else if (bytes[0] <= SEGMENT_COMMON) {
		compose(&file, (enum segment_kind)bytes[0], bytes + 1, len - 1);
		read_file(file.data, file.len);
		check_bodies(file.data, file.len);
	} else {
		read_file(bytes + 1, len - 1);
		check_bodies(bytes + 1, len - 1);
	}
	buf_clear(&file);
	return 0;
}
