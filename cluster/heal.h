/* SPDX-License-Identifier: ISC
 *
 * Damage that another node heals: a damaged record whose header is sound names address, port, length and CRC
 * of its datagram; when some node heard such a datagram whole, nothing is lost but a witness.
 */
#ifndef FLOWBRAID_CLUSTER_HEAL_H
#define FLOWBRAID_CLUSTER_HEAL_H

#include "archive/pool.h"
#include "base/json.h"
#include "archive/life.h"

struct healed {
	uint32_t source; /* whose record is damaged */
	uint64_t sequence;
	uint32_t datagram; /* the sound one */
};

#define HEAL_LISTED_MOST 10000 /* entries of each array in JSON */

struct heal_report {
	uint64_t damaged; /* record sequences that no input has whole */
	uint64_t healed;
	struct healed *list; /* owned; healed of them */
	size_t room;
	struct life *lives; /* owned; one for each of the pool's sources */
};

enum err heal_look(struct pool *p, struct heal_report *ret) WARN_UNUSED;
/* Datagrams have other places: moved[place] is the new one. */
void heal_moved(struct heal_report *h, const uint32_t *moved);
void heal_clear(struct heal_report *h);
/* Arrays: of what is healed, and of the rest, where what follows one another without a sound header is one entry. */
void heal_json(const struct heal_report *h, const struct pool *p, struct json *j);
void heal_json_rest(const struct heal_report *h, const struct pool *p, struct json *j);
void heal_text(const struct heal_report *h, const struct pool *p, struct buf *out);

#endif
