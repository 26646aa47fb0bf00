/* SPDX-License-Identifier: ISC
 *
 * Reads any text as the file `merged` of a log folder. Each line that is accepted must be found again, and written and read once
 * more the same lines must come out.
 */
#include <string.h>

#include "log/merged.h"
#include "tests/fuzz/target.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct buf text = BUF_INIT;
	struct merged m = {.count = 0}, again = {.count = 0};

	if (merged_parse(bytes, len, &m) == ERR_OK) {
		must(m.bad == 0 ? m.bad_at == 0 : m.bad_at > 0);
		for (size_t i = 0; i < m.count; i++) {
			must(merged_has(&m, m.lines[i].name, &m.lines[i].seal));
			merged_put(&text, m.lines[i].name, &m.lines[i].seal);
		}
		must(merged_parse(text.data, text.len, &again) == ERR_OK);
		must(again.bad == 0 && again.count == m.count);
		for (size_t i = 0; i < m.count; i++)
			must(merged_has(&again, m.lines[i].name, &m.lines[i].seal));
	}
	merged_clear(&m);
	merged_clear(&again);
	buf_clear(&text);
	return 0;
}
