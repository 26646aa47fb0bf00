/* SPDX-License-Identifier: ISC
 *
 * See monitor_page.h.
 */
#include "cluster/monitor_page.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

static const char *
type_of(const char *name)
{
	static const char *const types[][2] = {
	    {".html", "text/html; charset=utf-8"},
	    {".js", "text/javascript; charset=utf-8"},
	    {".css", "text/css; charset=utf-8"},
	    {".svg", "image/svg+xml"},
	    {".png", "image/png"},
	    {".ico", "image/x-icon"},
	    {".LICENSE", "text/plain; charset=utf-8"},
	};
	const char *end = strrchr(name, '.');

	for (size_t i = 0; end != NULL && end != name && i < sizeof(types) / sizeof(types[0]); i++) {
		if (strcmp(end, types[i][0]) == 0)
			return types[i][1];
	}
	return NULL;
}

static enum err
add_file(struct page *p, int folder, const char *name)
{
	struct page_file *f = &p->files[p->count];
	struct stat st;
	enum err e;

	if (type_of(name) == NULL || fstatat(folder, name, &st, 0) != 0 || !S_ISREG(st.st_mode))
		return ERR_OK;
	if (p->count == PAGE_FILES_MOST)
		return ERR_LIMIT;
	*f = (struct page_file){.type = type_of(name)};
	e = file_slurp(folder, name, PAGE_FILE_MOST, &f->body);
	f->name = e == ERR_OK ? strdup(name) : NULL;
	if (f->name == NULL) {
		buf_clear(&f->body);
		return e == ERR_OK ? ERR_MEMORY : e;
	}
	p->count++;
	return ERR_OK;
}

enum err
page_load(const char *folder, struct page **ret)
{
	struct page *p = calloc(1, sizeof(*p));
	DIR *dir = p != NULL ? opendir(folder) : NULL;
	struct dirent *d;
	enum err e = ERR_OK;

	if (dir == NULL) {
		free(p);
		return p == NULL ? ERR_MEMORY : ERR_SYSTEM;
	}
	while (e == ERR_OK && (d = readdir(dir)) != NULL)
		e = add_file(p, dirfd(dir), d->d_name);
	(void)closedir(dir);
	if (e != ERR_OK)
		page_free(p);
	else
		*ret = p;
	return e;
}

void
page_free(struct page *p)
{
	if (p == NULL)
		return;
	for (unsigned i = 0; i < p->count; i++) {
		free(p->files[i].name);
		buf_clear(&p->files[i].body);
	}
	free(p);
}

const struct page_file *
page_find(const struct page *p, const char *path)
{
	const char *name = strcmp(path, "/") == 0 ? "index.html" : path + (path[0] == '/');

	for (unsigned i = 0; p != NULL && i < p->count; i++) {
		if (strcmp(p->files[i].name, name) == 0)
			return &p->files[i];
	}
	return NULL;
}
