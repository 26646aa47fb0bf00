/* SPDX-License-Identifier: ISC
 *
 * See finding.h.
 */
#include "log/finding.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/rd.h"

void
finding_say(char out[FINDING_TEXT_SIZE], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(out, FINDING_TEXT_SIZE, fmt, ap);
	va_end(ap);
}

void
finding_of_header(struct finding *f, enum err e, const uint8_t *bytes)
{
	struct rd r = rd_init(bytes, SEGMENT_HEADER_SIZE);

	finding_say(f->expected, "a segment header of version %d", SEGMENT_VERSION);
	if (e == ERR_UNKNOWN) {
		unsigned version;

		rd_skip(&r, 8);
		version = rd_u16(&r);
		rd_skip(&r, 6);
		finding_say(f->found, "version %u, incompatible features 0x%08" PRIx32, version, rd_u32(&r));
	} else if (e == ERR_CHECKSUM) {
		rd_skip(&r, SEGMENT_HEADER_SIZE - 4);
		finding_say(f->expected, "header crc 0x%08" PRIx32, rd_u32(&r));
		finding_say(f->found, "header crc 0x%08" PRIx32, crc32c(0, bytes, SEGMENT_HEADER_SIZE - 4));
	} else {
		finding_say(f->found, "%s", err_text(e));
	}
}
bool
finding_differs_u64(struct finding *f, const char *name, uint64_t expected, uint64_t found)
{
	if (expected == found)
		return false;
	finding_say(f->expected, "%s %" PRIu64, name, expected);
	finding_say(f->found, "%s %" PRIu64, name, found);
	return true;
}

bool
finding_differs_digest(
    struct finding *f, const char *name, const struct sha256 *expected, const struct sha256 *found)
{
	char text[SHA256_TEXT_SIZE];

	if (memcmp(expected->b, found->b, sizeof(expected->b)) == 0)
		return false;
	finding_say(f->expected, "%s %s", name, sha256_text(expected, text));
	finding_say(f->found, "%s %s", name, sha256_text(found, text));
	return true;
}
