/* SPDX-License-Identifier: ISC
 *
 * The files of the monitor's web page: read once, from a folder without folders, and found by their names alone.
 */
#ifndef FLOWBRAID_CLUSTER_MONITOR_PAGE_H
#define FLOWBRAID_CLUSTER_MONITOR_PAGE_H

#include "base/buf.h"
#include "base/err.h"

#define PAGE_FILES_MOST 64
#define PAGE_FILE_MOST ((size_t)2 << 20)

struct page {
	struct page_file {
		char *name;       /* owned */
		const char *type; /* static */
		struct buf body;
	} files[PAGE_FILES_MOST];
	unsigned count;
};

/* Files of a kind that pages are made of; others are passed over. ERR_SYSTEM: errno says why. ERR_LIMIT: too many, or one too large. */
enum err page_load(const char *folder, struct page **ret) WARN_UNUSED;
void page_free(struct page *p); /* NULL is fine */
/* path: "/" or "/NAME". NULL: there is none. */
const struct page_file *page_find(const struct page *p, const char *path);

#endif
