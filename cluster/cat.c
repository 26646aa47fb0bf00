/* SPDX-License-Identifier: ISC
 *
 * flowbraid cat: the flows of each path as it stands, in turn (archive/reader reads), selected, without addresses, and in the
 * form that was asked for.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "cluster/cat_private.h"
#include "cluster/walk.h"
#include "flow/flow.h"

#define OUTPUT_AIM ((size_t)256 << 10)

static void
put_out(struct cat *c)
{
	if (!command_output(&c->out)) {
		c->stop = true;
		c->gone = errno == EPIPE;
		c->enough = false;
	}
}

static void
print_flow(struct cat *c, const struct flow *f, struct flow_context *context)
{
	switch (c->format) {
	case CAT_JSON:
		if (c->columns != NULL)
			columns_json(c->columns, f, context, &c->out);
		else
			flow_json(f, context, &c->out);
		break;
	case CAT_CSV:
		columns_csv(c->columns, f, context, &c->out);
		break;
	case CAT_LONG:
		flow_text_long(f, context, &c->out);
		break;
	case CAT_TEXT:
		flow_text(f, context, &c->out);
		break;
	}
	if (c->out.len >= OUTPUT_AIM || !buf_ok(&c->out))
		put_out(c);
}

/* Without its addresses, when that was asked for; what cannot be freed of them is not shown at all. */
static void
show_flow(struct cat *c, const struct flow *f, struct flow_context *context)
{
	struct flow shown = *f;
	enum err e = c->anonymiser != NULL ? anonymise_flow(c->anonymiser, &shown, &c->anonymous) : ERR_OK;

	if (e == ERR_OK) {
		print_flow(c, &shown, context);
		return;
	}
	msg_error("cat: cannot anonymise: %s", err_text(e));
	c->stop = true;
}

/* A selection is of flows: options records are none. */
static void
take_flow(struct cat *c, const struct flow *f, struct flow_context *context)
{
	if (c->selection.expr != NULL && (f->options || !expr_match(c->selection.expr, f, context, 0)))
		return;
	c->flows += !f->options;
	if (!c->count)
		show_flow(c, f, context);
	if (c->most > 0 && c->flows >= c->most)
		c->enough = c->stop = true;
}

/* They are the same for all flows of a datagram. */
static void
show_hearings(struct cat *c, struct hearings *h, struct flow_context *context)
{
	if (!c->one_by_one || c->format != CAT_JSON)
		return;
	buf_reset(&c->hearings);
	hearings_json(h, &c->hearings);
	if (!buf_ok(&c->hearings)) {
		msg_error("cat: %s", err_text(ERR_MEMORY));
		c->stop = true;
		return;
	}
	context->hearings = c->hearings.data;
	context->hearings_len = c->hearings.len;
}

static void
take_flows(struct cat *c, const struct reader_datagram *d)
{
	struct flow_context context = {.exporter = d->exporter,
	    .port = d->port,
	    .received = d->time,
	    .witnesses = d->witnesses,
	    .n_witnesses = d->witness_count,
	    .sampling = d->sampling};
	uint64_t before = c->flows;
	struct flow f;

	show_hearings(c, d->hearings, &context);
	if (c->selection.expr != NULL)
		expr_datagram(c->selection.expr);
	if (c->columns != NULL)
		columns_datagram(c->columns);
	while (!c->stop && decode_next(d->decode, &f) == ERR_OK)
		take_flow(c, &f, &context);
	if ((c->format == CAT_TEXT || c->format == CAT_LONG) && c->flows > before)
		hearings_text(d->hearings, &c->out);
}

static bool
take_datagram(void *ctx, const struct reader_datagram *d)
{
	struct cat *c = ctx;
	const struct decode *done = d->decode;

	if (c->count && c->selection.expr == NULL && c->most == 0)
		c->flows += decode_count(d->decode);
	else
		take_flows(c, d);
	c->undecoded_sets += done->sets_unknown;
	c->reserved_sets += done->sets_reserved;
	c->malformed_sets += done->sets_malformed;
	c->unknown_samples += done->samples_unknown;
	c->v8 += d->info->proto == PROTO_V8;
	c->faults[done->passed_over ? proto_check(d->payload, d->len, d->info) : done->fault]++;
	return !c->stop;
}

/* Malformed datagrams by reason. */
static void
tell_faults(const struct cat *c)
{
	struct buf text = BUF_INIT;
	uint64_t sum = 0;

	for (unsigned i = FAULT_NONE + 1; i < FAULT_COUNT_OF_KINDS; i++) {
		if (c->faults[i] == 0)
			continue;
		buf_printf(&text, "%s%" PRIu64 " %s", sum > 0 ? ", " : "", c->faults[i],
		    proto_fault_name((enum proto_fault)i));
		sum += c->faults[i];
	}
	if (sum > 0 && buf_ok(&text))
		msg_notice(
		    "%" PRIu64 " datagrams are malformed: %.*s", sum, (int)text.len, (const char *)text.data);
	buf_clear(&text);
}

/* What stands in the paths and was not printed. */
static void
tell_undecoded(const struct cat *c)
{
	if (c->undecoded_sets > 0)
		msg_notice("%" PRIu64 " sets have no template yet and are kept undecoded", c->undecoded_sets);
	if (c->reserved_sets > 0)
		msg_notice("%" PRIu64 " sets have a reserved id and are kept undecoded", c->reserved_sets);
	if (c->unknown_samples > 0)
		msg_notice("%" PRIu64 " samples are of formats that are not known, and are kept undecoded",
		    c->unknown_samples);
	if (c->v8 > 0)
		msg_notice("%" PRIu64 " datagrams of NetFlow v8 are kept undecoded", c->v8);
	if (c->malformed_sets > 0)
		msg_notice("%" PRIu64
			   " sets or samples have lengths that do not fit; what is sound in them is decoded",
		    c->malformed_sets);
	tell_faults(c);
}

static void
cat_clear(struct cat *c)
{
	selection_clear(&c->selection);
	columns_free(c->columns);
	anonymiser_free(c->anonymiser);
	buf_clear(&c->anonymous);
	buf_clear(&c->hearings);
	buf_clear(&c->out);
}

/* All paths; what the exit code is. */
static int
cat_paths(struct cat *c, char **paths, int count)
{
	struct reader_options read = {.names = !c->count, .hearings = c->one_by_one};
	uint64_t findings;
	bool ok;

	if (c->format == CAT_CSV && !c->count)
		columns_csv_header(c->columns, &c->out);
	ok = walk_paths(paths, count, &c->o, &read, take_datagram, c, &findings);
	if (c->count)
		buf_printf(&c->out, "%" PRIu64 "\n", c->flows);
	if (!c->stop || c->enough)
		put_out(c);
	tell_undecoded(c);
	if (!ok || (c->stop && !c->gone && !c->enough))
		return EXIT_UNABLE;
	return findings > 0 ? EXIT_FOUND : EXIT_CLEAN;
}

int
command_cat(int argc, char **argv)
{
	struct cat c = {.out = BUF_INIT};
	int status;

	if (!selection_take_words(&argc, argv, &c.selection))
		return EXIT_UNABLE;
	if (cat_options(&c, argc, argv, &status) &&
	    selection_parse(&c.selection, optind, !c.explain, &argc, argv)) {
		if (c.explain)
			status = selection_explain(&c.selection) ? EXIT_CLEAN : EXIT_UNABLE;
		else if (!command_limit_memory(&c.o, NULL))
			status = EXIT_UNABLE;
		else
			status = cat_paths(&c, argv + optind, argc - optind);
	}
	cat_clear(&c);
	return status;
}
