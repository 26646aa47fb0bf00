/* SPDX-License-Identifier: ISC
 *
 * Error values as text.
 */
#include "base/err.h"

#include <errno.h>
#include <string.h>

const char *
err_text(enum err e)
{
	switch (e) {
	case ERR_OK:
		return "no error";
	case ERR_END:
		return "nothing more to read";
	case ERR_CUT:
		return "input ends too early";
	case ERR_MALFORMED:
		return "malformed";
	case ERR_UNKNOWN:
		return "unknown kind or version";
	case ERR_CHECKSUM:
		return "checksum does not match";
	case ERR_LIMIT:
		return "limit reached";
	case ERR_MEMORY:
		return "out of memory";
	case ERR_SYSTEM:
		return strerror(errno);
	case ERR_BUSY:
		return "locked by another process";
	case ERR_CONFLICT:
		return "inputs do not go together";
	}
	return "unknown error";
}
