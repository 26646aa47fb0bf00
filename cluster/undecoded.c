/* SPDX-License-Identifier: ISC
 *
 * See undecoded.h.
 */
#include "cluster/undecoded.h"

#include <inttypes.h>

#include "base/msg.h"

void
undecoded_note(struct undecoded *u, const struct reader_datagram *d)
{
	const struct decode *done = d->decode;

	u->sets += done->sets_unknown;
	u->reserved_sets += done->sets_reserved;
	u->malformed_sets += done->sets_malformed;
	u->unknown_samples += done->samples_unknown;
	if (d->payload == NULL) /* only selected flows are kept, which were decoded */
		return;
	u->v8 += d->info->proto == PROTO_V8;
	u->faults[done->passed_over ? proto_check(d->payload, d->len, d->info) : done->fault]++;
}

/* Malformed datagrams by reason. */
static void
tell_faults(const struct undecoded *u)
{
	struct buf text = BUF_INIT;
	uint64_t sum = 0;

	for (unsigned i = FAULT_NONE + 1; i < FAULT_COUNT_OF_KINDS; i++) {
		if (u->faults[i] == 0)
			continue;
		buf_printf(&text, "%s%" PRIu64 " %s", sum > 0 ? ", " : "", u->faults[i],
		    proto_fault_name((enum proto_fault)i));
		sum += u->faults[i];
	}
	if (sum > 0 && buf_ok(&text))
		msg_notice(
		    "%" PRIu64 " datagrams are malformed: %.*s", sum, (int)text.len, (const char *)text.data);
	buf_clear(&text);
}

void
undecoded_tell(const struct undecoded *u)
{
	if (u->sets > 0)
		msg_notice("%" PRIu64 " sets have no template yet and are kept undecoded", u->sets);
	if (u->reserved_sets > 0)
		msg_notice("%" PRIu64 " sets have a reserved id and are kept undecoded", u->reserved_sets);
	if (u->unknown_samples > 0)
		msg_notice("%" PRIu64 " samples are of formats that are not known, and are kept undecoded",
		    u->unknown_samples);
	if (u->v8 > 0)
		msg_notice("%" PRIu64 " datagrams of NetFlow v8 are kept undecoded", u->v8);
	if (u->malformed_sets > 0)
		msg_notice("%" PRIu64
			   " sets or samples have lengths that do not fit; what is sound in them is decoded",
		    u->malformed_sets);
	tell_faults(u);
}
