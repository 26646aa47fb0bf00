/* SPDX-License-Identifier: ISC
 *
 * One walk a limit, each over what the walks before have left.
 */
#include "log/retain.h"

struct choosing {
	struct retain_file *files;
	size_t count, most;
	const struct retain_limits *limits;
	size_t newest_sealed; /* index; count: none */
	struct retain_choice choice;
};

const char *
retain_reason_name(enum retain_reason r)
{
	switch (r) {
	case RETAIN_NONE:
		break;
	case RETAIN_BY_AGE:
		return "retain";
	case RETAIN_BY_SIZE:
		return "retain_size";
	case RETAIN_BY_FREE:
		return "minimum_free";
	case RETAIN_BY_FULL:
		return "disk full";
	}
	return "none";
}

/* Each lane's part, so that together they keep to the limit. */
static uint64_t
share(const struct choosing *c, uint64_t bytes, bool up)
{
	uint64_t lanes = c->limits->lanes > 0 ? c->limits->lanes : 1;

	return bytes / lanes + (up && bytes % lanes > 0);
}

/* False for what has to stay whatever the limits say. */
static bool
is_due_in_turn(const struct choosing *c, size_t i)
{
	const struct retain_file *f = &c->files[i];

	return (f->kind == RETAIN_SEALED || f->kind == RETAIN_DAMAGED) && i != c->newest_sealed;
}

static bool
may_go(const struct choosing *c, size_t i)
{
	return !c->limits->keep_unmerged || (c->files[i].kind == RETAIN_SEALED && c->files[i].merged);
}

/* Gives the file a reason if it may have one. False: it stays. */
static bool
choose(struct choosing *c, size_t i, enum retain_reason reason)
{
	if (!may_go(c, i) || c->choice.more)
		return false;
	if (c->choice.count == c->most) {
		c->choice.more = true;
		return false;
	}
	c->files[i].reason = reason;
	c->choice.count++;
	return true;
}

static void
unmet(struct choosing *c, enum retain_reason reason)
{
	if (!c->choice.more)
		c->choice.unmet = reason;
}

/* The latest time that a file's records may have: the next one's beginning. So nothing goes that holds a record younger
 * than the limit. A clock that was set back makes no file older. */
static wall_t
end_of(const struct choosing *c, size_t i)
{
	wall_t end = c->files[i].begun;

	for (size_t k = i + 1; k < c->count; k++) {
		if (c->files[k].kind == RETAIN_FOREIGN)
			continue;
		if (end.ns < c->files[k].begun.ns)
			end = c->files[k].begun;
		break;
	}
	return end;
}

static void
choose_by_age(struct choosing *c, wall_t now)
{
	for (size_t i = 0; i < c->count; i++) {
		/* Unsigned: a difference of two times may be more than int64_t holds. */
		wall_t end = end_of(c, i);

		if (!is_due_in_turn(c, i) || end.ns >= now.ns ||
		    (uint64_t)now.ns - (uint64_t)end.ns <= (uint64_t)c->limits->age_ns)
			continue;
		if (!choose(c, i, RETAIN_BY_AGE))
			unmet(c, RETAIN_BY_AGE);
	}
}

static void
choose_by_size(struct choosing *c)
{
	uint64_t limit = share(c, c->limits->size, false), total = 0;

	for (size_t i = 0; i < c->count; i++) {
		if (c->files[i].kind != RETAIN_FOREIGN && c->files[i].reason == RETAIN_NONE)
			total += c->files[i].size;
	}
	for (size_t i = 0; i < c->count && total > limit; i++) {
		if (c->files[i].reason == RETAIN_NONE && is_due_in_turn(c, i) && choose(c, i, RETAIN_BY_SIZE))
			total -= c->files[i].size;
	}
	if (total > limit)
		unmet(c, RETAIN_BY_SIZE);
}

static void
choose_by_free(struct choosing *c, uint64_t free)
{
	uint64_t want, gained = 0;

	if (free >= c->limits->minimum_free)
		return;
	want = share(c, c->limits->minimum_free - free, true);
	for (size_t i = 0; i < c->count; i++) {
		if (c->files[i].reason != RETAIN_NONE)
			gained += c->files[i].room;
	}
	for (size_t i = 0; i < c->count && gained < want; i++) {
		if (c->files[i].reason == RETAIN_NONE && is_due_in_turn(c, i) && choose(c, i, RETAIN_BY_FREE))
			gained += c->files[i].room;
	}
	if (gained < want)
		unmet(c, RETAIN_BY_FREE);
}

/* Whoever has set a budget of bytes wants the new more than the old, also where the disk holds less than that budget. */
static void
choose_by_full(struct choosing *c)
{
	if (c->choice.count > 0 || (c->limits->size == 0 && c->limits->minimum_free == 0))
		return;
	for (size_t i = 0; i < c->count; i++) {
		if (is_due_in_turn(c, i) && choose(c, i, RETAIN_BY_FULL))
			return;
	}
	unmet(c, RETAIN_BY_FULL);
}

struct retain_choice
retain_choose(struct retain_file *files, size_t count, const struct retain_limits *limits,
    const struct retain_now *now, size_t most)
{
	struct choosing c = {
	    .files = files, .count = count, .most = most, .limits = limits, .newest_sealed = count};

	for (size_t i = 0; i < count; i++) {
		files[i].reason = RETAIN_NONE;
		if (files[i].kind == RETAIN_SEALED)
			c.newest_sealed = i;
	}
	if (limits->age_ns > 0)
		choose_by_age(&c, now->time);
	if (limits->size > 0)
		choose_by_size(&c);
	if (limits->minimum_free > 0)
		choose_by_free(&c, now->free);
	if (now->full)
		choose_by_full(&c);
	for (size_t i = 0; c.choice.unmet != RETAIN_NONE && i < count; i++)
		c.choice.unmerged += is_due_in_turn(&c, i) && files[i].reason == RETAIN_NONE &&
		    !may_go(&c, i);
	return c.choice;
}
