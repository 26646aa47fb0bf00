/* SPDX-License-Identifier: ISC
 *
 * Every error has a text of its own.
 */
#include "base/err.h"

#include <errno.h>

#include "tests/tap.h"

int
main(void)
{
	for (int a = ERR_OK; a <= ERR_CONFLICT; a++) {
		const char *text = err_text((enum err)a);
		bool own = true;

		for (int b = ERR_OK; b < a; b++)
			own = own && strcmp(text, err_text((enum err)b)) != 0;
		ok(own && text[0] != '\0', "error %d has a text of its own: %s", a, text);
	}
	errno = ENOSPC;
	is_text(err_text(ERR_SYSTEM), strerror(ENOSPC), "a failed system call is told by errno");
	is_text(err_text((enum err)99), "unknown error", "an error that is none has a text, too");
	return done_testing();
}
