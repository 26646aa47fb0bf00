/* SPDX-License-Identifier: ISC
 *
 * What flowbraidd tells the service manager that started it (systemd, podman): ready, reloading, stopping, alive.
 * The protocol of sd_notify(3): datagrams of lines KEY=VALUE to the socket that NOTIFY_SOCKET names. Spoken
 * here, since it is smaller than the library that speaks it.
 *
 * The socket is opened and connected early, and so works behind a chroot and for whom it was handed to. Without a
 * service manager every call does nothing, and succeeds.
 */
#ifndef FLOWBRAID_NODE_NOTIFY_H
#define FLOWBRAID_NODE_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/err.h"

struct notify {
	int fd; /* owned; -1: nobody wants to know */
	struct sockaddr_un to;
	socklen_t to_len;
	int64_t watchdog_ns; /* killed when not heard of for so long; 0: nobody watches */
	mono_t alive;        /* last told */
};

/* Whom the environment names, for the process that calls this, and takes the names out of it: they are for no child.
 * After a failure *ret is as without a service manager. ERR_MALFORMED: NOTIFY_SOCKET, or WATCHDOG_USEC, is none that can
 * be; ERR_SYSTEM: it cannot be reached. */
enum err notify_open(struct notify *ret) WARN_UNUSED;
void notify_close(struct notify *n);

/* Those below: ERR_BUSY: not taken within a second; ERR_SYSTEM. A status is one line for people; NULL: none. */
enum err notify_ready(struct notify *n, const char *status) WARN_UNUSED; /* also when a reload has ended */
enum err notify_reloading(struct notify *n, mono_t now) WARN_UNUSED;
enum err notify_stopping(struct notify *n, const char *status) WARN_UNUSED;
enum err notify_status(struct notify *n, const char *status) WARN_UNUSED;

/* How often to call notify_alive: half the time after which it would be killed; 0: never. */
int64_t notify_watchdog_interval(const struct notify *n);

/* To be called at least once an interval while all is well; what is called more often is not sent more than twice an
 * interval. */
enum err notify_alive(struct notify *n, mono_t now) WARN_UNUSED;

#endif
