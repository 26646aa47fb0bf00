/* SPDX-License-Identifier: ISC
 *
 * A flow as a policy leaves it, where flows are read: nothing when it is dropped; else a view with its tags and the fields
 * that are kept, through a template that is made beside the flow's own. Whoever prints or selects flows reads these as any.
 */
#ifndef FLOWBRAID_FLOW_POLICY_VIEW_H
#define FLOWBRAID_FLOW_POLICY_VIEW_H

#include <stdbool.h>

#include "base/err.h"
#include "flow/flow.h"
#include "flow/policy.h"

struct policy_view;

/* p is borrowed. NULL: memory is out. */
struct policy_view *policy_view_new(struct policy *p);
void policy_view_free(struct policy_view *v); /* NULL is fine */

/* To be called for each new datagram, as expr_datagram. */
void policy_view_datagram(struct policy_view *v);

/* ERR_OK: *f is what is left of it, with the tags that it had and the policy's; it lives until the next call. ERR_END: the
 * policy drops it. ERR_MEMORY. Options records stay as they are. */
enum err policy_view_flow(struct policy_view *v, const struct flow_context *c, struct flow *f) WARN_UNUSED;

#endif
