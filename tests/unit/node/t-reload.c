/* SPDX-License-Identifier: ISC
 *
 * A configuration on its way to a collector: whole, however long it is, with its sockets.
 */
#include "node/reload.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "tests/tap.h"

#define LISTENERS 4
#define SOURCES 60000 /* of each; more in sum than a single file may hold */

static struct channel_message m;

static void
make_conf(struct conf *ret)
{
	struct buf text = BUF_INIT, errors = BUF_INIT;

	buf_text(&text, "cluster = \"c\"; node = \"n\"; log = { directory = \"/tmp\"; }; listen = (\n");
	for (int i = 0; i < LISTENERS; i++) {
		buf_printf(
		    &text, "%s{ address = \"::1\"; port = %d; sources = [", i > 0 ? "," : "", 2000 + i);
		for (int j = 0; j < SOURCES; j++)
			buf_printf(&text, "%s\"2001:db8:1111:2222:3333:4444:%x:%x/128\"", j > 0 ? ",\n" : "",
			    1 + j / 1000, 1 + j % 1000);
		buf_text(&text, "]; }");
	}
	buf_text(&text, ");\n");
	buf_u8(&text, 0);
	if (!buf_ok(&text) || conf_parse((const char *)text.data, "conf", ret, &errors) != ERR_OK)
		abort();
	buf_clear(&text);
	buf_clear(&errors);
}

int
main(void)
{
	struct reload_socket sent[LISTENERS] = {
	    {.from = 7, .l = {.fd = -1, .multicast = true, .ifindex = 3, .buffer = 1000}},
	    {.from = RELOAD_NONE, .l = {.fd = -1}},
	    {.from = RELOAD_NEW},
	    {.from = 0, .l = {.fd = -1, .v6 = true, .joined = true, .sources_joined = 2}},
	};
	struct reload_socket *got = NULL;
	struct conf conf, back;
	int pair[2];

	(void)signal(SIGPIPE, SIG_IGN);
	make_conf(&conf);
	sent[2].l = (struct listener){.fd = dup(1), .filtered = true};
	if (channel_pair(pair) != ERR_OK)
		abort();
	is_u64(reload_send(pair[0], &conf, sent), ERR_OK, "sent");
	is_u64(channel_receive(pair[1], &m), ERR_OK, "received");
	is_u64(m.fd_count, 2, "with the configuration and one socket");
	if (reload_take(&m, &back, &got) != ERR_OK) {
		ok(false, "taken apart");
		return done_testing();
	}
	ok(back.listener_count == LISTENERS && back.listeners[3].sources.count == SOURCES,
	    "all of the configuration");
	ok(got[0].from == 7 && got[0].l.fd == -1 && got[0].l.multicast && got[0].l.ifindex == 3 &&
		got[0].l.buffer == 1000,
	    "a socket that is kept");
	ok(got[1].from == RELOAD_NONE && got[1].l.fd == -1, "none");
	ok(got[2].from == RELOAD_NEW && got[2].l.fd >= 0 && got[2].l.filtered, "a new one");
	ok(got[3].from == 0 && got[3].l.v6 && got[3].l.joined && got[3].l.sources_joined == 2,
	    "another kept");
	(void)close(got[2].l.fd);
	free(got);
	conf_clear(&back);
	conf_clear(&conf);
	return done_testing();
}
