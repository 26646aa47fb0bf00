/* SPDX-License-Identifier: ISC
 *
 * See log-folder.h.
 */
#include "tests/log-folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/store.h"

static struct block *
take(void *ctx)
{
	struct log_folder *f = ctx;
	struct block *b = f->free;

	if (b == NULL)
		return block_new();
	f->free = b->next;
	return b;
}

static void
give(void *ctx, struct block *b, uint32_t upto, bool complete)
{
	struct log_folder *f = ctx;

	if (store_write(f->store, b, upto, complete) != ERR_OK)
		give_up("cannot write to the log");
	if (complete) {
		b->next = f->free;
		f->free = b;
	}
}

void
log_folder_open(
    struct log_folder *f, const char *path, const char *cluster, const char *node, uint64_t incarnation)
{
	struct segment_header head = {.kind = SEGMENT_NODE, .incarnation = incarnation, .first_sequence = 1};
	struct store_recovery recovery[4];
	size_t recovered;
	int dirfd;

	*f = (struct log_folder){.free = NULL};
	mkdir(path, 0755);
	snprintf(head.cluster, sizeof(head.cluster), "%s", cluster);
	snprintf(head.node, sizeof(head.node), "%s", node);
	dirfd = open(path, O_RDONLY | O_DIRECTORY);
	if (dirfd < 0 ||
	    store_open(dirfd, cluster, node, 0, (wall_t){0}, &f->store, recovery, 4, &recovered) != ERR_OK)
		give_up("cannot open the log's folder");
	close(dirfd);
	head.number = store_next_number(f->store);
	appender_init(&f->a, &head, (struct block_sink){f, take, give});
}

void
log_folder_add(struct log_folder *f, const struct record *r)
{
	if (appender_record(&f->a, r, r->time, NULL) != ERR_OK)
		give_up("cannot append a record");
}

void
log_folder_close(struct log_folder *f, bool sealed)
{
	if (!sealed) {
		appender_flush(&f->a);
		_exit(0); /* as kill -9 leaves it */
	}
	appender_end(&f->a, (wall_t){0});
	store_close(f->store);
	while (f->free != NULL) {
		struct block *b = f->free;

		f->free = b->next;
		block_free(b);
	}
}
