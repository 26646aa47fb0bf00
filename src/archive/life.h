/* SPDX-License-Identifier: ISC
 *
 * Names for the lives of collectors. An incarnation seeds checksums and is never shown; what is shown in its
 * place is a number: of the lives of one lane of a node that are at hand, from 1, in order of their first record.
 */
#ifndef FLOWBRAID_ARCHIVE_LIFE_H
#define FLOWBRAID_ARCHIVE_LIFE_H

#include <stddef.h>

#include "archive/pool.h"

struct life {
	const struct source *id; /* the caller's */
	int64_t first_ns;        /* of its first datagram or event */
	uint32_t number;         /* out */
};

/* Each source stands once among them. */
enum err life_number(struct life *lives, size_t count) WARN_UNUSED;

/* One for each source of a closed pool, which must outlive them; the caller frees. */
enum err life_of_pool(const struct pool *p, struct life **ret) WARN_UNUSED;

#endif
