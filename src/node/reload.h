/* SPDX-License-Identifier: ISC
 *
 * What a collector goes on with when the configuration, or a socket, has changed: the configuration as a whole, and for
 * each of its listeners the socket: one that the collector has already, a new one, or none for the time being (its
 * interface is not there). All of it is one message, so a collector has the old state or the new one.
 */
#ifndef FLOWBRAID_NODE_RELOAD_H
#define FLOWBRAID_NODE_RELOAD_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "node/channel.h"
#include "node/conf.h"
#include "node/listener.h"

#define RELOAD_NEW 0xffff  /* it comes with the message */
#define RELOAD_NONE 0xfffe /* it waits for its interface */

struct reload_socket {
	uint16_t from; /* index of the listener that had it so far, RELOAD_NEW or RELOAD_NONE */
	struct listener
	    l; /* fd: the sender's for RELOAD_NEW, else ignored; -1 at the receiver's unless RELOAD_NEW */
};

/* Sends it; sockets are as many as the configuration's listeners. As channel_send. */
enum err reload_send(int channel, const struct conf *conf, const struct reload_socket *sockets) WARN_UNUSED;

/* Takes a CHANNEL_RELOAD apart. On success *ret_conf and *ret_sockets (as many as its listeners, to be freed) and the
 * descriptors of the new ones are the caller's; else everything is closed. ERR_MALFORMED, ERR_MEMORY, ERR_SYSTEM. */
enum err reload_take(
    struct channel_message *m, struct conf *ret_conf, struct reload_socket **ret_sockets) WARN_UNUSED;

#endif
