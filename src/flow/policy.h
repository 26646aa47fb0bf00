/* SPDX-License-Identifier: ISC
 *
 * A policy: which flows are kept, with which tag, and which of their fields. The rules are asked in their order; the last
 * one that matches decides, or the first one that says quick; a flow that no rule matches is kept. That is flowd's order, and
 * so are the counters of each rule.
 *
 * It is made once, by policy_conf or piece by piece; asking about a flow allocates nothing.
 */
#ifndef FLOWBRAID_FLOW_POLICY_H
#define FLOWBRAID_FLOW_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "flow/expr.h"
#include "flow/flow.h"

#define POLICY_RULES_MOST 1000
#define POLICY_LISTS_MOST 1000
#define POLICY_FIELDS_MOST 4096
#define POLICY_NAME_SIZE 64 /* of a list, NUL included */

struct policy;

struct policy_rule {
	const char *match; /* an expression; borrowed */
	bool keep;
	bool quick;
	uint32_t tag; /* of a rule that keeps; 0: none */
};

struct policy_counters {
	uint64_t evaluations; /* flows that the rule was asked about */
	uint64_t matches;
	uint64_t wins; /* matches that no later rule overruled */
};

struct policy *policy_new(void);    /* keeps everything; NULL: memory is out */
void policy_free(struct policy *p); /* NULL is fine */

/* A list for rules that come later. ERR_CONFLICT: there is one of that name; ERR_MALFORMED: the name is none, or the value
 * cannot stand in an expression; ERR_LIMIT, ERR_MEMORY. A list begins empty. */
enum err policy_add_list(struct policy *p, const char *name) WARN_UNUSED;
enum err policy_add_list_value(struct policy *p, const char *value) WARN_UNUSED; /* to the last list */

/* What expr_parse says; also ERR_LIMIT for too many rules, with column 0. */
enum err policy_add_rule(
    struct policy *p, const struct policy_rule *rule, struct expr_error *ret_error) WARN_UNUSED;

/* An element by IANA name or PEN/ID, or a group by flowd's name. From the first one on other fields are left out.
 * ERR_UNKNOWN: there is no such element. */
enum err policy_add_field(struct policy *p, const char *name) WARN_UNUSED;

/* Whether a datagram of which not all can be decoded is kept whole. It is, unless this was called. */
void policy_keep_undecoded(struct policy *p, bool keep);
bool policy_keeps_undecoded(const struct policy *p);

/* To be called for each new datagram, as expr_datagram. */
void policy_datagram(struct policy *p);

/* What becomes of a flow. *ret_tag: of a flow that is kept; 0: none. A rule that asks for a tag sees the one that the rules
 * before it gave. Options records are no flows. */
void policy_flow(
    struct policy *p, const struct flow *f, const struct flow_context *c, bool *ret_keep, uint32_t *ret_tag);

/* Whether the field is recorded, or shown, of a flow that is kept. */
bool policy_keeps_field(const struct policy *p, uint32_t pen, uint16_t id);
bool policy_keeps_all_fields(const struct policy *p);

size_t policy_rule_count(const struct policy *p);
void policy_rule(
    const struct policy *p, size_t index, struct policy_rule *ret, struct policy_counters *ret_counters);
uint64_t policy_unmatched(const struct policy *p); /* flows that no rule matched */

/* The policy as libconfig reads it: members of a group, a line each, indented by `depth` tabs. Policies that print the same
 * are the same. */
void policy_print(const struct policy *p, int depth, struct buf *out);
bool policy_equal(
    const struct policy *a, const struct policy *b); /* both may be NULL; false also without memory */

/* A text in quotes, as libconfig reads it. */
void policy_print_quoted(struct buf *out, const char *text);

/* Goes on counting where another one, of the same rules, is. */
void policy_count_on(struct policy *p, const struct policy *from);

#endif
