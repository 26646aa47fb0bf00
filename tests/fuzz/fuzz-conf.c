/* SPDX-License-Identifier: ISC
 *
 * Reads any text as a configuration. One that is accepted must print, and what was printed must read again
 * and print the same.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "node/conf.h"
#include "tests/fuzz/scanner-leak.h"
#include "tests/fuzz/target.h"

static void
print_and_read_again(const struct conf *c)
{
	struct buf first = BUF_INIT, second = BUF_INIT, errors = BUF_INIT;
	struct conf again;

	conf_print(c, &first);
	buf_u8(&first, 0);
	if (conf_parse((const char *)first.data, "printed", &again, &errors) != ERR_OK)
		abort();
	conf_print(&again, &second);
	buf_u8(&second, 0);
	if (first.len != second.len || memcmp(first.data, second.data, first.len) != 0)
		abort();
	conf_clear(&again);
	buf_clear(&first);
	buf_clear(&second);
	buf_clear(&errors);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct buf text = BUF_INIT, errors = BUF_INIT;
	struct conf c;

	if (len > 0 && memmem(bytes, len, "@include", 8) != NULL)
		return 0; /* would read files of this machine */
	buf_bytes(&text, bytes, len);
	buf_u8(&text, 0);
	if (conf_parse((const char *)text.data, "input", &c, &errors) == ERR_OK) {
		print_and_read_again(&c);
		conf_clear(&c);
	} else if (errors.len == 0) {
		abort(); /* refused without saying why */
	}
	buf_clear(&text);
	buf_clear(&errors);
	return 0;
}
