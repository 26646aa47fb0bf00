/* SPDX-License-Identifier: ISC
 *
 * What a library function of any layer can answer. Libraries return these and never print or exit;
 * whoever calls knows the file, the exporter or the line, and says it.
 */
#ifndef FLOWBRAID_BASE_ERR_H
#define FLOWBRAID_BASE_ERR_H

enum err {
	ERR_OK = 0,
	ERR_END,       /* nothing more to read; not a fault */
	ERR_CUT,       /* the input ends before the thing does */
	ERR_MALFORMED, /* the bytes break the rules of their format */
	ERR_UNKNOWN,   /* well formed, but of a kind or version we do not know */
	ERR_CHECKSUM,  /* a CRC or digest does not match */
	ERR_LIMIT,     /* a configured or built-in limit is reached */
	ERR_MEMORY,    /* malloc failed */
	ERR_SYSTEM,    /* a system call failed: errno says why */
	ERR_BUSY,      /* somebody else holds the lock */
	ERR_CONFLICT,  /* two inputs that cannot go together */
};

#define WARN_UNUSED __attribute__((warn_unused_result))

/* A short English phrase for messages; never NULL. ERR_SYSTEM gives strerror(errno). */
const char *err_text(enum err e);

#endif
