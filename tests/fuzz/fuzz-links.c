/* SPDX-License-Identifier: ISC
 *
 * Reads any bytes as a datagram of rtnetlink. What is told of an interface must be a name that ends; an empty
 * datagram ends no list.
 */
#include <string.h>

#include "node/links.h"
#include "tests/fuzz/target.h"

#define SEQUENCE 1 /* that of the lists in the corpus */

static void
on_news(void *ctx, const struct link_news *n)
{
	(void)ctx;
	must(memchr(n->name, '\0', sizeof(n->name)) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const struct links_sink sink = {.news = on_news};
	_Alignas(8) uint8_t copy[32768]; /* as a receive buffer is */
	struct links_seen seen;

	if (len > sizeof(copy))
		return 0;
	memcpy(copy, bytes, len);
	if (links_parse(copy, len, SEQUENCE, &sink, &seen) == ERR_OK && len == 0)
		must(!seen.done && !seen.again);
	return 0;
}
