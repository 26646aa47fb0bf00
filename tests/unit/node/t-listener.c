/* SPDX-License-Identifier: ISC
 *
 * What a listener's socket is good for, whoever holds it: it hears, and cannot be made to send.
 */
#include "node/listener.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "tests/tap.h"

static void
test_one_way(const char *address)
{
	char text[256], byte = 'x', got = 0;
	struct buf errors = BUF_INIT;
	struct sockaddr_storage at;
	struct listener l;
	struct conf conf;
	socklen_t len;
	int other;

	(void)snprintf(text, sizeof(text),
	    "cluster = \"c\"; node = \"n\"; log = { directory = \"/tmp\"; };"
	    "listen = ( { address = \"%s\"; port = %d; } );",
	    address, 30000 + (int)(getpid() % 10000));
	if (conf_parse(text, "conf", &conf, &errors) != ERR_OK)
		abort();
	len = addr_to_sockaddr(&conf.listeners[0].address, conf.listeners[0].port, &at);
	if (listener_open(&conf.listeners[0], 0, 1, &l) != LISTENER_OK) {
		ok(true, "%s # SKIP cannot be listened to here", address);
		conf_clear(&conf);
		return;
	}
	errno = 0;
	ok(sendto(l.fd, &byte, 1, MSG_NOSIGNAL, (struct sockaddr *)&at, len) < 0 && errno == EPIPE,
	    "%s: nothing can be sent from it", address);
	other = socket(at.ss_family, SOCK_DGRAM, 0);
	ok(other >= 0 && sendto(other, &byte, 1, 0, (struct sockaddr *)&at, len) == 1 &&
		recv(l.fd, &got, 1, 0) == 1 && got == 'x',
	    "%s: it hears", address);
	(void)close(other);
	listener_close(&l);
	conf_clear(&conf);
	buf_clear(&errors);
}

int
main(void)
{
	test_one_way("127.0.0.1");
	test_one_way("::1");
	return done_testing();
}
