/* SPDX-License-Identifier: ISC
 *
 * A policy from a file: one that holds the group `policy`, be it flowbraidd's configuration or nothing else.
 */
#ifndef FLOWBRAID_CLUSTER_POLICY_FILE_H
#define FLOWBRAID_CLUSTER_POLICY_FILE_H

#include "flow/policy.h"

/* NULL: messages have said why, each with file and line. */
struct policy *policy_file_load(const char *path);

/* Its counters, as messages. */
void policy_file_tell(const struct policy *p);

#endif
