/* SPDX-License-Identifier: ISC
 *
 * Where an export goes: see export_private.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/msg.h"
#include "cluster/export_private.h"

static bool
is_free(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0) {
		msg_error("%s: is there already", path);
		return false;
	}
	if (errno != ENOENT)
		msg_error("%s: %s", path, strerror(errno));
	return errno == ENOENT;
}

bool
export_place_init(struct export_place *p, const char *path)
{
	*p = (struct export_place){.path = path};
	if (!is_free(path))
		return false;
	if (asprintf(&p->temporary, "%s.tmp", path) < 0) {
		p->temporary = NULL;
		msg_error("%s: %s", path, err_text(ERR_MEMORY));
		return false;
	}
	if (unlink(p->temporary) != 0 && errno != ENOENT) {
		msg_error("%s: %s", p->temporary, strerror(errno));
		free(p->temporary);
		p->temporary = NULL;
		return false;
	}
	return true;
}

static bool
sync_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
	return ok;
}

/* Not all file systems know how to rename onto nothing. */
static bool
give_name(const struct export_place *p)
{
	if (renameat2(AT_FDCWD, p->temporary, AT_FDCWD, p->path, RENAME_NOREPLACE) == 0)
		return true;
	return errno == EINVAL && access(p->path, F_OK) != 0 && rename(p->temporary, p->path) == 0;
}

bool
export_place_finish(struct export_place *p)
{
	if (!sync_file(p->temporary) || !give_name(p) || file_sync_folder(AT_FDCWD, p->path) != ERR_OK) {
		msg_error("%s: %s", p->path, strerror(errno));
		return false;
	}
	free(p->temporary);
	p->temporary = NULL;
	return true;
}

void
export_place_clear(struct export_place *p)
{
	if (p->temporary != NULL)
		(void)unlink(p->temporary);
	free(p->temporary);
	p->temporary = NULL;
}
