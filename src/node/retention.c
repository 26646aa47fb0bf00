/* SPDX-License-Identifier: ISC
 *
 * Messages tell of changes: that segments begin to go for a reason, that a limit cannot be kept to, that it can again.
 * Of each segment an event record tells.
 */
#include "node/retention.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/msg.h"
#include "log/merged.h"

#define PASS_NS NS_PER_SEC
#define PASS_MOST 64 /* removals; more go on in the next pass, after what waits to be written */
#define LIST_AGE_NS (60 * NS_PER_SEC) /* after that the folder is listed again, whoever may have changed it */
#define WAITING_MOST 256              /* removals that no event tells of yet */
#define SAY_AGAIN_NS (3600 * NS_PER_SEC)
#define STEP_NS (3600 * NS_PER_SEC) /* a clock that was set ahead by more than this is not believed */
#define HOLD_NS (3600 * NS_PER_SEC) /* for so long */

/* Something said at most once in SAY_AGAIN_NS. */
struct said {
	bool ever;
	mono_t at;
};

struct retention {
	pthread_mutex_t lock; /* of what follows, down to the next comment */
	pthread_cond_t idle;
	struct retain_limits limits;
	struct expire_removed waiting[WAITING_MOST]; /* ring */
	size_t head, count;
	bool running, ended;
	/* the writing thread's */
	const char *name;
	struct expire *expire;
	bool has_passed;
	mono_t passed, listed;
	wall_t clock;      /* at `passed` */
	mono_t held_until; /* nothing goes by age before */
	uint64_t sealed;   /* store_counters()->sealed when the folder was listed */
	bool more;         /* the last pass left something to do */
	bool failing;
	enum retain_reason unmet;
	bool unmerged; /* ... because of what is not merged */
	size_t foreign;
	struct said removals[RETAIN_REASONS], unmets[RETAIN_REASONS];
	struct expire_removed removed[PASS_MOST];
};

/* --- messages --- */

static bool
may_say(struct said *s, mono_t now)
{
	bool may = !s->ever || now.ns - s->at.ns >= SAY_AGAIN_NS;

	*s = (struct said){.ever = true, .at = now};
	return may;
}

static void
say_removed(struct retention *r, size_t count, mono_t now)
{
	static struct msg_limit limit = MSG_LIMIT_INIT(20, 3600);
	uint64_t held;

	for (size_t i = 0; i < count; i++) {
		const struct expire_removed *e = &r->removed[i];

		/* Removals that go on for long keep the time young: they are said once. */
		if (may_say(&r->removals[e->reason], now))
			msg_notice("%s: %s: removing the oldest segments, beginning with %s, %" PRIu64
				   " bytes; an event record tells of each",
			    r->name, retain_reason_name(e->reason), e->file, e->bytes);
		if (e->sealed || !msg_limit_pass(&limit, now, &held))
			continue;
		if (held > 0)
			msg_warn("%s: %" PRIu64 " similar messages suppressed", r->name, held);
		msg_warn("%s: %s: %s: damaged, without a good seal; removed in its turn", r->name,
		    retain_reason_name(e->reason), e->file);
	}
}

static void
say_unmet(struct retention *r, const struct expire_result *res, mono_t now)
{
	enum retain_reason unmet = res->choice.unmet;
	bool unmerged = unmet != RETAIN_NONE && res->choice.unmerged > 0;

	if (unmet == r->unmet && unmerged == r->unmerged)
		return;
	if (unmet == RETAIN_NONE) {
		msg_notice("%s: %s: kept to again", r->name, retain_reason_name(r->unmet));
	} else if (may_say(&r->unmets[unmet], now) || unmerged != r->unmerged) {
		if (unmerged)
			msg_warn("%s: %s: %zu segments should go and stay: keep_unmerged is set, and %s",
			    r->name, retain_reason_name(unmet), res->choice.unmerged,
			    res->list_found ? "the file " MERGED_NAME " does not list them"
					    : "there is no file " MERGED_NAME " that lists them");
		else
			msg_warn("%s: %s: cannot be kept to: no segment is left that may go", r->name,
			    retain_reason_name(unmet));
	}
	r->unmet = unmet;
	r->unmerged = unmerged;
}

static void
say_failure(struct retention *r, enum err e, const struct expire_result *res)
{
	const char *why = err_text(e); /* first: it reads errno */

	if ((e != ERR_OK) == r->failing)
		return;
	r->failing = e != ERR_OK;
	if (e == ERR_OK)
		msg_notice("%s: removing works again", r->name);
	else if (res->failed[0] != '\0')
		msg_error("%s: %s: cannot remove: %s", r->name, res->failed, why);
	else
		msg_error("%s: cannot look for segments to remove: %s", r->name, why);
}

static void
say_odd_files(struct retention *r, const struct expire_result *res)
{
	if (res->foreign > r->foreign)
		msg_warn("%s: %s: not certainly of this log, left alone (%zu such files)", r->name,
		    res->first_foreign, res->foreign);
	r->foreign = res->foreign;
	if (res->list_new && res->list_bad > 0)
		msg_warn("%s: " MERGED_NAME
			 ":%lu: expected NAME SHA-256 of a sealed segment, found another line; "
			 "%zu such lines list nothing",
		    r->name, res->list_bad_at, res->list_bad);
}

/* --- passes --- */

/* What the pass may do, or false. */
static bool
begin(struct retention *r, struct retain_limits *ret_limits, size_t *ret_most)
{
	size_t room;
	bool may;

	(void)pthread_mutex_lock(&r->lock);
	room = WAITING_MOST - r->count;
	may = !r->ended && room > 0 && retain_is_limited(&r->limits);
	r->running = may;
	*ret_limits = r->limits;
	(void)pthread_mutex_unlock(&r->lock);
	*ret_most = room < PASS_MOST ? room : PASS_MOST;
	return may;
}

static void
end(struct retention *r, size_t removed)
{
	(void)pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < removed; i++)
		r->waiting[(r->head + r->count++) % WAITING_MOST] = r->removed[i];
	r->running = false;
	(void)pthread_cond_broadcast(&r->idle);
	(void)pthread_mutex_unlock(&r->lock);
}

static void
list_when_old(struct retention *r, const struct store *s, mono_t now)
{
	uint64_t sealed = store_counters(s)->sealed;

	if (sealed == r->sealed && now.ns - r->listed.ns < LIST_AGE_NS)
		return;
	expire_stale(r->expire);
	r->sealed = sealed;
	r->listed = now;
}

/* Whether the clock was set ahead since the last pass, or not long ago. */
static bool
is_clock_odd(struct retention *r, wall_t now, mono_t mono)
{
	int64_t ahead = 0;

	if (r->has_passed)
		ahead = now.ns / 2 - r->clock.ns / 2 - (mono.ns - r->passed.ns) / 2; /* halves: it fits */
	r->has_passed = true;
	r->passed = mono;
	r->clock = now;
	if (ahead > STEP_NS / 2) {
		msg_warn("%s: the clock was set ahead by %" PRId64 " s: nothing is removed by age for %lld s",
		    r->name, (int64_t)(ahead / (NS_PER_SEC / 2)), HOLD_NS / NS_PER_SEC);
		r->held_until.ns = mono.ns + HOLD_NS;
	}
	return mono.ns < r->held_until.ns;
}

bool
retention_run(struct retention *r, const struct store *s, bool full, wall_t now, mono_t mono)
{
	struct expire_result res = {.removed = 0};
	const char *writing = store_writing(s);
	struct retain_limits limits;
	size_t most;
	enum err e;

	/* Before the first write the folder is left as it is: the templates of a former life are still being read. */
	if (!full && (writing[0] == '\0' || (r->has_passed && !r->more && mono.ns - r->passed.ns < PASS_NS)))
		return false;
	if (!begin(r, &limits, &most))
		return false;
	if (is_clock_odd(r, now, mono))
		limits.age_ns = 0;
	list_when_old(r, s, mono);
	e = expire_pass(r->expire, &limits, now, full, writing, r->removed, most, &res);
	say_failure(r, e, &res);
	say_removed(r, res.removed, mono);
	if (e == ERR_OK) {
		say_unmet(r, &res, mono);
		say_odd_files(r, &res);
	}
	r->more = e == ERR_OK && res.choice.more;
	end(r, res.removed);
	return res.removed > 0;
}

/* --- the other thread --- */

void
retention_set(struct retention *r, const struct retain_limits *limits)
{
	(void)pthread_mutex_lock(&r->lock);
	r->limits = *limits;
	(void)pthread_mutex_unlock(&r->lock);
}

bool
retention_peek(struct retention *r, struct expire_removed *ret)
{
	bool found;

	(void)pthread_mutex_lock(&r->lock);
	found = r->count > 0;
	if (found)
		*ret = r->waiting[r->head];
	(void)pthread_mutex_unlock(&r->lock);
	return found;
}

void
retention_take(struct retention *r)
{
	(void)pthread_mutex_lock(&r->lock);
	r->head = (r->head + 1) % WAITING_MOST;
	r->count--;
	(void)pthread_mutex_unlock(&r->lock);
}

void
retention_end(struct retention *r)
{
	(void)pthread_mutex_lock(&r->lock);
	r->ended = true;
	while (r->running)
		(void)pthread_cond_wait(&r->idle, &r->lock);
	(void)pthread_mutex_unlock(&r->lock);
}

/* --- life --- */

enum err
retention_new(const struct store *s, const struct retention_options *options, struct retention **ret)
{
	struct retention *r = calloc(1, sizeof(*r));
	enum err e;

	if (r == NULL)
		return ERR_MEMORY;
	e = expire_new(store_folder(s), options->cluster, options->node, options->lane, &r->expire);
	if (e != ERR_OK) {
		free(r);
		return e;
	}
	r->name = options->name;
	r->limits = options->limits;
	(void)pthread_mutex_init(&r->lock, NULL);
	(void)pthread_cond_init(&r->idle, NULL);
	*ret = r;
	return ERR_OK;
}

void
retention_free(struct retention *r)
{
	if (r == NULL)
		return;
	expire_free(r->expire);
	(void)pthread_mutex_destroy(&r->lock);
	(void)pthread_cond_destroy(&r->idle);
	free(r);
}
