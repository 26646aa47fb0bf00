/* SPDX-License-Identifier: ISC
 *
 * Messages: what a program prints about itself, to standard error or syslog. Only programs (src/node,
 * cluster/) call this; libraries return errors. A message begins with its subject.
 */
#ifndef FLOWBRAID_BASE_MSG_H
#define FLOWBRAID_BASE_MSG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

enum msg_level { MSG_ERROR, MSG_WARNING, MSG_NOTICE, MSG_INFO, MSG_DEBUG };

/* Before init messages go to standard error with the program's name "flowbraid". */
void msg_init(const char *program, bool to_syslog, enum msg_level most);
void msg_at(enum msg_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* From now on every message that is not held back goes to `sink`, without the program's name, instead of where
 * msg_init said; NULL: as before. The sink may be called by any thread. */
void msg_divert(void (*sink)(enum msg_level level, const char *line));

#define msg_error(...) msg_at(MSG_ERROR, __VA_ARGS__)
#define msg_warn(...) msg_at(MSG_WARNING, __VA_ARGS__)
#define msg_notice(...) msg_at(MSG_NOTICE, __VA_ARGS__)
#define msg_info(...) msg_at(MSG_INFO, __VA_ARGS__)
#define msg_debug(...) msg_at(MSG_DEBUG, __VA_ARGS__)

/* For messages that the network can cause: at most `burst` in each `interval`; the first one let through
 * after some were held back is preceded by "N similar messages suppressed". One limit a call site. */
struct msg_limit {
	uint32_t burst;
	int64_t interval_ns;
	mono_t since; /* zero-initialised */
	uint32_t used;
	uint64_t held;
};
#define MSG_LIMIT_INIT(n, seconds) \
	{ \
		.burst = (n), .interval_ns = (seconds)*NS_PER_SEC \
	}

/* True when the message may be sent now; *ret_held: how many were held back before it (0: none). */
bool msg_limit_pass(struct msg_limit *l, mono_t now, uint64_t *ret_held);

#endif
