/* SPDX-License-Identifier: ISC
 *
 * snmp has a line of names and a line of values for each protocol; snmp6 a name and a value on each line. Files
 * of /proc are made anew when they are read from their beginning.
 */
#include "node/host_drops.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define FILE_MOST 32768

/* Words of a text, line by line. */
struct words {
	const char *at, *end;
};

struct word {
	const char *at; /* NULL: none left in the line */
	size_t len;
};

static bool
next_line(struct words *text, struct words *ret)
{
	const char *newline;

	if (text->at == text->end)
		return false;
	newline = memchr(text->at, '\n', (size_t)(text->end - text->at));
	*ret = (struct words){text->at, newline != NULL ? newline : text->end};
	text->at = newline != NULL ? newline + 1 : text->end;
	return true;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t';
}

static struct word
next_word(struct words *line)
{
	struct word w = {.at = NULL};

	while (line->at < line->end && is_space(*line->at))
		line->at++;
	if (line->at == line->end)
		return w;
	w.at = line->at;
	while (line->at < line->end && !is_space(*line->at))
		line->at++;
	w.len = (size_t)(line->at - w.at);
	return w;
}

static bool
word_is(const struct word *w, const char *text)
{
	return w->at != NULL && w->len == strlen(text) && memcmp(w->at, text, w->len) == 0;
}

/* Adds the number to *sum. Counters are 64 bits wide and wrap; so does the sum. */
static bool
add_number(const struct word *w, uint64_t *sum)
{
	uint64_t v = 0;

	if (w->at == NULL || w->len < 1 || w->len > 20)
		return false;
	for (size_t i = 0; i < w->len; i++) {
		if (w->at[i] < '0' || w->at[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(w->at[i] - '0');
	}
	*sum += v;
	return true;
}

enum err
host_drops_parse(const char *text, size_t len, uint64_t *ret)
{
	struct words all = {text, text + len}, names, values;
	uint64_t sum = 0;
	bool found = false;

	while (next_line(&all, &names)) {
		struct word name = next_word(&names), value;

		if (!word_is(&name, "Udp:"))
			continue;
		if (!next_line(&all, &values))
			return ERR_MALFORMED;
		value = next_word(&values);
		if (!word_is(&value, "Udp:"))
			return ERR_MALFORMED;
		while ((name = next_word(&names)).at != NULL) {
			value = next_word(&values);
			if (!word_is(&name, "RcvbufErrors") && !word_is(&name, "MemErrors"))
				continue;
			if (!add_number(&value, &sum))
				return ERR_MALFORMED;
			found |= word_is(&name, "RcvbufErrors");
		}
	}
	if (!found)
		return ERR_MALFORMED;
	*ret = sum;
	return ERR_OK;
}

enum err
host_drops_parse6(const char *text, size_t len, uint64_t *ret)
{
	struct words all = {text, text + len}, line;
	uint64_t sum = 0;
	bool found = false;

	while (next_line(&all, &line)) {
		struct word name = next_word(&line), value = next_word(&line);

		if (!word_is(&name, "Udp6RcvbufErrors") && !word_is(&name, "Udp6MemErrors"))
			continue;
		if (!add_number(&value, &sum))
			return ERR_MALFORMED;
		found |= word_is(&name, "Udp6RcvbufErrors");
	}
	if (!found)
		return ERR_MALFORMED;
	*ret = sum;
	return ERR_OK;
}

static enum err
read_counter(int fd, enum err (*parse)(const char *, size_t, uint64_t *), uint64_t *sum)
{
	char text[FILE_MOST];
	uint64_t count;
	size_t len;
	enum err e;

	if (fd < 0)
		return ERR_OK;
	e = file_pread(fd, text, sizeof(text), 0, &len);
	if (e == ERR_OK)
		e = parse(text, len, &count);
	if (e == ERR_OK)
		*sum += count;
	return e;
}

enum err
host_drops_ask(struct host_drops *h, uint64_t *ret_more)
{
	uint64_t sum = 0;
	enum err e = read_counter(h->v4, host_drops_parse, &sum);

	if (e == ERR_OK)
		e = read_counter(h->v6, host_drops_parse6, &sum);
	if (e != ERR_OK)
		return e;
	/* The kernel adds up the counts of all CPUs while it goes on, so a sum can be a little older than the last. */
	*ret_more = sum - h->seen <= UINT64_MAX / 2 ? sum - h->seen : 0;
	h->seen += *ret_more;
	return ERR_OK;
}

enum err
host_drops_take(int v4, int v6, struct host_drops *ret)
{
	struct host_drops h = {.v4 = v4, .v6 = v6};
	enum err e = read_counter(h.v4, host_drops_parse, &h.seen);

	if (e == ERR_OK)
		e = read_counter(h.v6, host_drops_parse6, &h.seen);
	if (e == ERR_OK)
		*ret = h;
	return e;
}

enum err
host_drops_open(struct host_drops *ret)
{
	struct host_drops h = {
	    .v4 = open("/proc/net/snmp", O_RDONLY | O_CLOEXEC),
	    .v6 = open("/proc/net/snmp6", O_RDONLY | O_CLOEXEC), /* not where the kernel has no IPv6 */
	};
	enum err e = h.v4 < 0 ? ERR_SYSTEM : host_drops_take(h.v4, h.v6, ret);

	if (e != ERR_OK)
		host_drops_close(&h);
	return e;
}

void
host_drops_close(struct host_drops *h)
{
	if (h->v4 >= 0)
		(void)close(h->v4);
	if (h->v6 >= 0)
		(void)close(h->v6);
	h->v4 = h->v6 = -1;
}
