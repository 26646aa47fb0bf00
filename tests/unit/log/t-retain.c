/* SPDX-License-Identifier: ISC
 *
 * Which segments go: each limit by itself, together, with lanes, and what never goes. A log is written as one
 * letter a file: s sealed, m sealed and merged, d damaged, f foreign, w being written; what is chosen as one letter:
 * a by age, z by size, r by free room, ! for a full disk, - stays.
 */
#include "log/retain.h"

#include "tests/tap.h"

#define MOST 64
#define SIZE 100
#define STEP NS_PER_SEC /* from one file's beginning to the next one's */

static struct retain_file files[MOST];
static struct retain_choice choice;

static const char *
choose(const char *log, const struct retain_limits *limits, const struct retain_now *now, size_t most)
{
	static char out[MOST + 1];
	size_t count = strlen(log);

	memset(files, 0, sizeof(files));
	for (size_t i = 0; i < count; i++) {
		files[i] = (struct retain_file){
		    .kind = log[i] == 'f' ? RETAIN_FOREIGN
			: log[i] == 'w'   ? RETAIN_IN_USE
			: log[i] == 'd'   ? RETAIN_DAMAGED
					  : RETAIN_SEALED,
		    .merged = log[i] == 'm',
		    .size = SIZE,
		    .room = 2 * SIZE,
		    .begun = {(int64_t)i * STEP},
		    .reason = RETAIN_BY_FULL, /* what an earlier choice has left */
		};
	}
	choice = retain_choose(files, count, limits, now, most);
	for (size_t i = 0; i < count; i++)
		out[i] = "-azr!"[files[i].reason];
	out[count] = '\0';
	return out;
}

static void
age(void)
{
	const struct retain_limits l = {.age_ns = 5 * STEP};

	is_text(choose("sssssw", &l, &(struct retain_now){.time = {9 * STEP}}, MOST), "aaa---",
	    "by age: the end of a segment counts, which is the beginning of the next one");
	is_u64(choice.count, 3, "so many");
	ok(choice.unmet == RETAIN_NONE && !choice.more, "the limit is kept to");
	is_text(choose("sssssw", &l, &(struct retain_now){.time = {6 * STEP}}, MOST), "------",
	    "as old as the limit is not older");
	is_text(choose("sssssw", &l, &(struct retain_now){.time = {6 * STEP + 1}}, MOST), "a-----",
	    "a moment later it is");
	is_text(choose("sssssw", &l, &(struct retain_now){.time = {1000 * STEP}}, MOST), "aaaa--",
	    "never the newest sealed one, nor the one being written");
	is_text(choose("sssss", &l, &(struct retain_now){.time = {1000 * STEP}}, MOST), "aaaa-",
	    "also when none is being written");
	is_text(choose("sssssw", &l, &(struct retain_now){.time = {-5 * STEP}}, MOST), "------",
	    "a clock before all of them");
	is_text(choose("sssw", &l, &(struct retain_now){.time = {INT64_MAX}}, MOST), "aa--",
	    "the last moment there is");
	is_text(choose("", &l, &(struct retain_now){.time = {0}}, MOST), "", "no files");
	is_text(choose("sfssw", &l, &(struct retain_now){.time = {1000 * STEP}}, MOST), "a-a--",
	    "foreign ones stay");
	is_text(choose("sdsdw", &l, &(struct retain_now){.time = {1000 * STEP}}, MOST), "aa-a-",
	    "damaged ones go in their turn");
	is_text(choose("ssssssssw", &l, &(struct retain_now){.time = {1000 * STEP}}, 3), "aaa------",
	    "no more than wanted");
	ok(choice.more && choice.unmet == RETAIN_NONE, "which is told");

	/* The first one was begun when the clock was far ahead; the second one when it had been set back. */
	(void)choose("sssssw", &l, &(struct retain_now){.time = {0}}, MOST);
	files[0].begun.ns = 500 * STEP;
	choice = retain_choose(files, 6, &l, &(struct retain_now){.time = {9 * STEP}}, MOST);
	ok(files[0].reason == RETAIN_NONE && files[1].reason == RETAIN_BY_AGE,
	    "a segment of the future stays, and holds up nobody");
}

static void
size(void)
{
	const struct retain_now now = {.time = {0}};

	is_text(choose("sssssw", &(struct retain_limits){.size = 6 * SIZE}, &now, MOST), "------",
	    "as much as permitted");
	is_text(choose("sssssw", &(struct retain_limits){.size = 6 * SIZE - 1}, &now, MOST), "z-----",
	    "a byte too much");
	is_text(choose("sssssw", &(struct retain_limits){.size = 3 * SIZE}, &now, MOST), "zzz---",
	    "the oldest go");
	is_text(choose("sssssw", &(struct retain_limits){.size = 1}, &now, MOST), "zzzz--",
	    "what is in use and what carries the chain on stay");
	ok(choice.unmet == RETAIN_BY_SIZE && choice.unmerged == 0,
	    "the limit cannot be kept to, which is told");
	is_text(choose("fsssfw", &(struct retain_limits){.size = 4 * SIZE}, &now, MOST), "------",
	    "foreign ones are not counted");
	is_text(choose("dsssw", &(struct retain_limits){.size = 3 * SIZE}, &now, MOST), "zz---",
	    "damaged ones are, and go in their turn");
	is_text(choose("sssssw", &(struct retain_limits){.size = 6 * SIZE, .lanes = 2}, &now, MOST), "zzz---",
	    "a lane keeps to its share");
	is_text(
	    choose("sssssw", &(struct retain_limits){.size = 1}, &now, 2), "zz----", "no more than wanted");
	ok(choice.more && choice.unmet == RETAIN_NONE, "the rest is for the next time");
}

static void
room(void)
{
	const struct retain_limits l = {.minimum_free = 1000};
	const struct retain_limits lanes = {.minimum_free = 1000, .lanes = 3};

	is_text(choose("sssssw", &l, &(struct retain_now){.free = 1000}, MOST), "------",
	    "as much as wanted is free");
	is_text(choose("sssssw", &l, &(struct retain_now){.free = 999}, MOST), "r-----", "a byte too little");
	is_text(choose("sssssw", &l, &(struct retain_now){.free = 600}, MOST), "rr----",
	    "what the file system gains counts, not the length");
	is_text(choose("sssssw", &lanes, &(struct retain_now){.free = 100}, MOST), "rr----",
	    "a lane gives its share");
	is_text(
	    choose("ssw", &l, &(struct retain_now){.free = 0}, MOST), "r--", "as far as there is something");
	ok(choice.unmet == RETAIN_BY_FREE, "else it is told");
	is_text(choose("sssssw", &(struct retain_limits){.size = 5 * SIZE, .minimum_free = 1000},
		    &(struct retain_now){.free = 700}, MOST),
	    "zr----", "what goes for another reason gives room, too");
	is_text(choose("ssssssssw",
		    &(struct retain_limits){.age_ns = STEP, .size = 5 * SIZE, .minimum_free = 1000},
		    &(struct retain_now){.time = {4 * STEP}, .free = 100}, MOST),
	    "aazzr----", "all three");
}

static void
full(void)
{
	const struct retain_now now = {.full = true, .free = 5000};

	is_text(choose("sssw", &(struct retain_limits){.size = 1000}, &now, MOST), "!---",
	    "on a full disk one goes, although the size is kept to");
	is_text(choose("sssw", &(struct retain_limits){.minimum_free = 1000}, &now, MOST), "!---",
	    "and although the file system says that there is room");
	is_text(choose("sssw", &(struct retain_limits){.size = 3 * SIZE}, &now, MOST), "z---",
	    "not one more when one goes anyway");
	is_text(choose("sssw", &(struct retain_limits){.age_ns = 1000 * STEP}, &now, MOST), "----",
	    "age alone gives nothing away");
	is_text(choose("sw", &(struct retain_limits){.size = 1000}, &now, MOST), "--", "nothing is left");
	ok(choice.unmet == RETAIN_BY_FULL, "which is told");
}

static void
unmerged(void)
{
	struct retain_limits l = {.size = 1, .keep_unmerged = true};
	struct retain_now now = {.time = {1000 * STEP}};

	is_text(
	    choose("msmdsmw", &l, &now, MOST), "z-z----", "what is not merged stays, and holds up nobody");
	ok(choice.unmet == RETAIN_BY_SIZE, "the limit cannot be kept to");
	is_u64(choice.unmerged, 3, "because of so many, damaged ones included");
	is_text(choose("mmmw", &l, &now, MOST), "zz--", "when all are merged they go");
	is_u64(choice.unmerged, 0, "and nobody is blamed");
	l = (struct retain_limits){.age_ns = STEP, .keep_unmerged = true};
	is_text(choose("ssmmw", &l, &now, MOST), "--a--", "by age, too");
	ok(choice.unmet == RETAIN_BY_AGE && choice.unmerged == 2, "which is told");
	l = (struct retain_limits){.size = 1000, .keep_unmerged = true};
	now.full = true;
	is_text(choose("sssw", &l, &now, MOST), "----", "also on a full disk");
	ok(choice.unmet == RETAIN_BY_FULL && choice.unmerged == 2, "which is told");
	is_text(choose("ssmsw", &l, &now, MOST), "--!--", "unless one is merged");
}

int
main(void)
{
	age();
	size();
	room();
	full();
	unmerged();
	ok(!retain_is_limited(&(struct retain_limits){.keep_unmerged = true}),
	    "keep_unmerged alone is no limit");
	ok(retain_is_limited(&(struct retain_limits){.minimum_free = 1}), "minimum_free is one");
	is_text(retain_reason_name(RETAIN_BY_AGE), "retain", "reasons have the names of their keys");
	is_text(retain_reason_name(RETAIN_BY_SIZE), "retain_size", "size");
	is_text(retain_reason_name(RETAIN_BY_FREE), "minimum_free", "room");
	is_text(retain_reason_name(RETAIN_BY_FULL), "disk full", "but for one");
	is_text(retain_reason_name(RETAIN_NONE), "none", "no reason");
	return done_testing();
}
