/* SPDX-License-Identifier: ISC
 *
 * Reads any text as an Authorization header, and as a file of users. What is accepted is short, and a file that is refused is
 * refused with a reason.
 */
#include <stdlib.h>
#include <string.h>

#include "base/serve_users.h"
#include "tests/fuzz/target.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char name[SERVE_NAME_SIZE], password[SERVE_PASSWORD_SIZE];
	struct buf text = BUF_INIT, errors = BUF_INIT;
	struct serve_users *users = NULL;

	buf_bytes(&text, bytes, len);
	buf_u8(&text, 0);
	if (serve_basic_parse((const char *)text.data, name, password) &&
	    (strlen(name) >= sizeof(name) || strlen(password) >= sizeof(password) ||
		strchr(name, ':') != NULL))
		abort();
	text.len = len;
	if (serve_users_new(&text, "input", &users, &errors) != ERR_OK && errors.len == 0)
		abort();
	serve_users_free(users);
	buf_clear(&errors);
	buf_clear(&text);
	return 0;
}
