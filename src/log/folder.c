/* SPDX-License-Identifier: ISC
 *
 * Segment names: LL-NNNNNNNNNN-YYYYMMDDTHHMMSSZ.fbs, and .open behind it while the segment is written. Lane
 * and number are decimal and padded, so that ls sorts as the log was written.
 */
#include "log/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define LANE_DIGITS 2
#define NUMBER_DIGITS 10
#define TIME_PATTERN "ddddddddTddddddZ"

/* A decimal number with at least `digits` digits, padded to no more than that, and the '-' behind it. */
static bool
parse_number(const char **at, size_t digits, uint64_t most, uint64_t *ret)
{
	const char *p = *at;
	size_t len = 0;
	uint64_t v = 0;

	for (; p[len] >= '0' && p[len] <= '9'; len++) {
		uint64_t d = (uint64_t)(p[len] - '0');

		if (v > (most - d) / 10)
			return false;
		v = v * 10 + d;
	}
	if (len < digits || (len > digits && p[0] == '0') || p[len] != '-')
		return false;
	*at = p + len + 1;
	*ret = v;
	return true;
}

enum err
folder_lock(int dirfd)
{
	if (flock(dirfd, LOCK_EX | LOCK_NB) == 0)
		return ERR_OK;
	return errno == EWOULDBLOCK ? ERR_BUSY : ERR_SYSTEM;
}

bool
folder_name_parse(const char *name, struct folder_entry *ret)
{
	const char *at = name;
	uint64_t lane, number;
	bool open;

	if (strlen(name) >= FOLDER_NAME_SIZE || !parse_number(&at, LANE_DIGITS, UINT16_MAX, &lane) ||
	    !parse_number(&at, NUMBER_DIGITS, UINT64_MAX, &number))
		return false;
	for (const char *p = TIME_PATTERN; *p != '\0'; p++, at++) {
		if (*p == 'd' ? *at < '0' || *at > '9' : *at != *p)
			return false;
	}
	open = strcmp(at, ".fbs.open") == 0;
	if (!open && strcmp(at, ".fbs") != 0)
		return false;
	memcpy(ret->name, name, strlen(name) + 1);
	ret->lane = (uint16_t)lane;
	ret->number = number;
	ret->open = open;
	return true;
}

bool
folder_name_time(const char *name, wall_t *ret)
{
	const char *at = strrchr(name, '-');
	struct folder_entry entry;
	char text[WALL_TEXT_SIZE];

	if (at == NULL || !folder_name_parse(name, &entry))
		return false;
	at++; /* YYYYMMDDTHHMMSSZ, as parsed */
	(void)snprintf(text, sizeof(text), "%.4s-%.2s-%.5s:%.2s:%.3s", at, at + 4, at + 6, at + 11, at + 13);
	return wall_parse(text, ret);
}

void
folder_name_make(uint16_t lane, uint64_t number, wall_t begun, bool open, char out[FOLDER_NAME_SIZE])
{
	char text[WALL_TEXT_SIZE];
	char *to = text;

	wall_text(begun, 0, text);
	for (const char *from = text; *from != '\0'; from++) {
		if (*from != '-' && *from != ':')
			*to++ = *from;
	}
	*to = '\0';
	(void)snprintf(out, FOLDER_NAME_SIZE, "%0*u-%0*llu-%.16s.fbs%s", LANE_DIGITS, (unsigned)lane,
	    NUMBER_DIGITS, (unsigned long long)number, text, open ? ".open" : "");
}

static int
entry_order(const void *l, const void *r)
{
	const struct folder_entry *a = l, *b = r;

	if (a->lane != b->lane)
		return a->lane < b->lane ? -1 : 1;
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return strcmp(a->name, b->name);
}

static enum err
add_entry(struct folder *f, size_t *room, const struct folder_entry *entry)
{
	if (f->count == *room) {
		size_t more = *room > 0 ? *room * 2 : 64;
		struct folder_entry *entries = reallocarray(f->entries, more, sizeof(*entries));

		if (entries == NULL)
			return ERR_MEMORY;
		f->entries = entries;
		*room = more;
	}
	f->entries[f->count++] = *entry;
	return ERR_OK;
}

static enum err
read_entries(DIR *dir, struct folder *f)
{
	size_t room = 0;
	struct folder_entry entry;
	struct dirent *d;
	enum err e = ERR_OK;

	while (e == ERR_OK) {
		errno = 0;
		d = readdir(dir);
		if (d == NULL)
			return errno != 0 ? ERR_SYSTEM : ERR_OK;
		if (folder_name_parse(d->d_name, &entry))
			e = add_entry(f, &room, &entry);
	}
	return e;
}

enum err
folder_list(int dirfd, struct folder *ret)
{
	/* A descriptor of our own: its position is not the caller's. */
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct folder f = {NULL, 0};
	enum err e;
	DIR *dir;
	int saved;

	if (fd < 0)
		return ERR_SYSTEM;
	dir = fdopendir(fd);
	if (dir == NULL) {
		saved = errno;
		(void)close(fd);
		errno = saved;
		return ERR_SYSTEM;
	}
	e = read_entries(dir, &f);
	saved = errno;
	(void)closedir(dir);
	errno = saved;
	if (e != ERR_OK) {
		folder_clear(&f);
		return e;
	}
	if (f.count > 1)
		qsort(f.entries, f.count, sizeof(*f.entries), entry_order);
	*ret = f;
	return ERR_OK;
}

void
folder_clear(struct folder *f)
{
	free(f->entries);
	f->entries = NULL;
	f->count = 0;
}
