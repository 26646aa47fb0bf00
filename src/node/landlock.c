/* SPDX-License-Identifier: ISC
 *
 * The three system calls of Landlock, for which the C library has no names. A newer kernel can keep more from us
 * than this one asks for; what an older one does not know is left out by its version.
 */
#include "node/landlock.h"

#include <errno.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef LANDLOCK_ACCESS_FS_REFER /* version 2 */
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE /* version 3 */
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

#define OF_A_LOG \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR | \
	    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)

/* All that is known of a version of the interface. */
static uint64_t
rights_of(long version)
{
	uint64_t all = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1; /* version 1 */

	if (version >= 2)
		all |= LANDLOCK_ACCESS_FS_REFER;
	if (version >= 3)
		all |= LANDLOCK_ACCESS_FS_TRUNCATE;
	return all;
}

static enum err
restrict_to(int rules, int folder, uint64_t all)
{
	struct landlock_path_beneath_attr log = {.allowed_access = OF_A_LOG & all, .parent_fd = folder};

	if (folder >= 0 && syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &log, 0) != 0)
		return ERR_SYSTEM;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return ERR_SYSTEM;
	return syscall(SYS_landlock_restrict_self, rules, 0) == 0 ? ERR_OK : ERR_SYSTEM;
}

enum err
landlock_confine(int folder)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr attr;
	enum err e;
	int rules, saved;

	if (version < 1)
		return errno == ENOSYS || errno == EOPNOTSUPP ? ERR_UNKNOWN : ERR_SYSTEM;
	attr = (struct landlock_ruleset_attr){.handled_access_fs = rights_of(version)};
	rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0);
	if (rules < 0)
		return ERR_SYSTEM;
	e = restrict_to(rules, folder, attr.handled_access_fs);
	saved = errno;
	(void)close(rules);
	errno = saved;
	return e;
}
