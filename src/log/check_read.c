/* SPDX-License-Identifier: ISC
 *
 * One thing of a segment, without a walk: its header, its seal, a record whose place is known. See check.h.
 */
#include "log/check.h"

#include <sys/stat.h>

#include "base/buf.h"
#include "base/crc32c.h"
#include "base/file.h"

enum err
check_read_header(int fd, struct segment_header *ret)
{
	uint8_t bytes[SEGMENT_RECORDS_AT];
	size_t len;
	enum err e = file_pread(fd, bytes, sizeof(bytes), 0, &len);

	if (e != ERR_OK)
		return e;
	e = segment_header_read(bytes, len, ret);
	if ((e == ERR_MALFORMED || e == ERR_CHECKSUM) && len == sizeof(bytes))
		e = segment_header_read(bytes + SEGMENT_HEADER_SIZE, SEGMENT_HEADER_SIZE, ret);
	return e;
}

enum err
check_read_seal(int fd, struct seal *ret)
{
	uint8_t bytes[SEAL_RECORD_SIZE];
	struct segment_header head;
	struct record r;
	struct stat st;
	uint32_t seed;
	size_t len;
	enum err e = check_read_header(fd, &head);

	if (e != ERR_OK)
		return e;
	if (fstat(fd, &st) != 0)
		return ERR_SYSTEM;
	if (st.st_size < (off_t)(SEGMENT_RECORDS_AT + sizeof(bytes)))
		return ERR_CUT;
	e = file_pread(fd, bytes, sizeof(bytes), (uint64_t)st.st_size - sizeof(bytes), &len);
	if (e != ERR_OK)
		return e;
	seed = record_seed(head.incarnation);
	if (len < sizeof(bytes) || record_header_read(bytes, seed, &r) != ERR_OK || r.type != RECORD_SEAL ||
	    r.len != SEAL_BODY_SIZE)
		return ERR_CUT;
	if (record_body_crc(seed, bytes + RECORD_HEADER_SIZE, SEAL_BODY_SIZE) != r.body_crc)
		return ERR_CHECKSUM;
	return seal_read(bytes + RECORD_HEADER_SIZE, SEAL_BODY_SIZE, ret);
}

enum err
check_read_record(int fd, uint32_t seed, uint64_t offset, struct buf *body, struct record *ret)
{
	uint8_t head[RECORD_HEADER_SIZE], *room;
	struct record r;
	size_t len, padded;
	enum err e = file_pread(fd, head, sizeof(head), offset, &len);

	if (e == ERR_OK)
		e = len == sizeof(head) ? record_header_read(head, seed, &r) : ERR_CUT;
	if (e != ERR_OK)
		return e;
	padded = record_size(r.len) - RECORD_HEADER_SIZE;
	buf_reset(body);
	if ((room = buf_room(body, padded)) == NULL)
		return ERR_MEMORY;
	if ((e = file_pread(fd, room, padded, offset + RECORD_HEADER_SIZE, &len)) != ERR_OK)
		return e;
	if (len < padded)
		return ERR_CUT;
	if (crc32c(seed, room, padded) != r.body_crc)
		return ERR_CHECKSUM;
	r.body = room;
	*ret = r;
	return ERR_OK;
}
