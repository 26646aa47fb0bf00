/* SPDX-License-Identifier: ISC
 *
 * See world.h.
 */
#include "tests/unit/archive/world.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/write.h"
#include "base/compress.h"
#include "base/file.h"
#include "tests/message.h"

static char folder[] = "/tmp/flowbraid-unit.XXXXXX";

void
world_open(void)
{
	if (mkdtemp(folder) == NULL || chdir(folder) != 0)
		give_up("cannot make a folder");
}

void
world_close(void)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	if (chdir("/") != 0 || system(command) != 0)
		give_up("cannot remove the folder");
}

struct record
world_record(enum record_type type, int64_t time_ns, const void *body, size_t len)
{
	struct record r = {.type = type, .time = {time_ns}, .body = body, .len = (uint32_t)len};

	if (type == RECORD_DATAGRAM || type == RECORD_SELECTED) {
		r.addr = addr_v4(0xc0000201);
		r.port = 2055;
	}
	return r;
}

const struct buf *
world_v5(uint32_t sequence, uint16_t flows)
{
	static struct buf b;

	message_old(&b, 5, flows, sequence);
	for (uint16_t i = 0; i < flows; i++)
		message_old_record(&b, 5, (uint8_t)i);
	return &b;
}

enum err
world_pool(struct pool *p, const char *const *paths)
{
	struct buf why = BUF_INIT;
	enum err e = ERR_OK;

	pool_init(p);
	for (; *paths != NULL && e == ERR_OK; paths++)
		e = pool_add(p, *paths, NULL, &why);
	if (e != ERR_OK)
		printf("# %.*s\n", (int)why.len, (const char *)why.data);
	buf_clear(&why);
	return e == ERR_OK ? pool_close(p) : e;
}

static uint64_t
hash_of(const char *out, const struct manifest *m)
{
	struct buf all = BUF_INIT;
	char path[256];
	uint64_t hash;

	for (size_t i = 0; i < m->count; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", out, m->files[i].name);
		buf_text(&all, m->files[i].name);
		world_slurp(path, &all);
	}
	(void)snprintf(path, sizeof(path), "%s/%s", out, MANIFEST_NAME);
	world_slurp(path, &all);
	hash = hash_bytes(all.data, all.len);
	buf_clear(&all);
	return hash;
}

uint64_t
world_archive(const char *out, int64_t window_ns, const char *const *paths)
{
	return world_packed(out, window_ns, 0, paths);
}

uint64_t
world_packed(const char *out, int64_t window_ns, int level, const char *const *paths)
{
	struct pool p;
	struct plan plan;
	struct manifest m = {.window_ns = window_ns, .compression = {.level = level}};
	struct archive_writer *w;
	char name[MANIFEST_NAME_SIZE];
	enum window_fate fate;
	uint64_t hash;
	enum err e;
	int dirfd;

	if (world_pool(&p, paths) != ERR_OK || plan_make(&p, &plan) != ERR_OK)
		give_up("cannot read the inputs");
	(void)snprintf(m.cluster, sizeof(m.cluster), "%s", p.cluster);
	if (level > 0)
		(void)snprintf(
		    m.compression.version, sizeof(m.compression.version), "%s", compress_version());
	if (mkdir(out, 0777) != 0 || (dirfd = open(out, O_RDONLY | O_DIRECTORY)) < 0 ||
	    archive_writer_new(&p, &plan, dirfd, &m, &w) != ERR_OK)
		give_up("cannot begin an archive");
	e = archive_write_common(w);
	while (e == ERR_OK)
		e = archive_write_window(w, true, name, &fate);
	if (e != ERR_END || archive_write_manifest(w) != ERR_OK)
		give_up("cannot write an archive");
	archive_writer_free(w);
	close(dirfd);
	hash = hash_of(out, &m);
	manifest_clear(&m);
	plan_clear(&plan);
	pool_clear(&p);
	return hash;
}

void
world_slurp(const char *path, struct buf *b)
{
	if (file_slurp(AT_FDCWD, path, 64u << 20, b) != ERR_OK)
		give_up(path);
}

void
world_save(const char *path, const void *bytes, size_t len)
{
	if (file_replace(AT_FDCWD, path, bytes, len, 0666) != ERR_OK)
		give_up(path);
}
