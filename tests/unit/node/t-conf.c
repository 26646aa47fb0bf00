/* SPDX-License-Identifier: ISC
 *
 * The configuration: values and defaults; for each kind of fault the file, line, key and what was expected;
 * and that what is printed reads back to the same.
 */
#include "node/conf.h"
#include "node/conf_override.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "node/conf_join.h"
#include "tests/tap.h"

#define HEAD "cluster = \"edge\"; node = \"col-a\";\n"
#define LISTEN "listen = ( { address = \"127.0.0.1\"; port = 2055; } );\n"
#define LOG "log = { directory = \"log\"; };\n"

static const char *const full =
    "cluster = \"edge\";\n"
    "node = \"col-a\";\n"
    "listen = ( { address = \"239.10.10.1\"; port = 2055; interface = \"eth1\";\n"
    "    sources = [ \"192.0.2.0/24\", \"198.51.100.7\" ]; receive_buffer = \"32M\"; rate_limit = 2048; },\n"
    "  { port = 6343; address = \"2001:db8::1\"; sources = [ \"2001:db8::/32\" ]; },\n"
    "  { port = 2055; address = \"ff35::1\"; interface = \"eth1\";\n"
    "    join_sources = [ \"2001:db8::7\", \"2001:db8::8\" ]; } );\n"
    "lanes = 4;\n"
    "log = { directory = \"/var/log/\\\"f\\\\b\"; rotate = \"1h\"; size = 2147483648L;\n"
    "    sync = \"2s\"; flush = \"50ms\"; memory = \"128M\";\n"
    "    retain = \"90d\"; retain_size = \"1T\"; minimum_free = \"20G\"; keep_unmerged = true; };\n"
    "policy = { rules = ( { match = \"dst port in @web\"; action = \"accept\"; tag = 5; quick = true; },\n"
    "    { match = \"udp\"; action = \"drop\"; } );\n"
    "  fields = [ \"SRC_ADDR\", \"octetDeltaCount\" ]; lists = { web = [ 80, 443 ]; }; undecoded = \"drop\"; };\n"
    "status = { address = \"0.0.0.0\"; port = 9476; certificate = \"/c\"; key = \"/k\"; client_ca = \"/a\"; users = \"/u\";"
    " public = true; series = 0; silence = \"1m\"; };\n"
    "user = \"_flowbraid\";\n"
    "pidfile = \"/run/flowbraidd.pid\";\n";

static const char *
as_text(struct buf *b)
{
	buf_u8(b, 0);
	return (const char *)b->data;
}

/* Prints, reads what was printed, prints that: the same text. */
static void
prints_back(const struct conf *c, const char *name)
{
	struct buf first = BUF_INIT, second = BUF_INIT, errors = BUF_INIT;
	struct conf again;

	conf_print(c, &first);
	if (ok(conf_parse(as_text(&first), "printed", &again, &errors) == ERR_OK,
		"%s: what is printed can be read", name)) {
		conf_print(&again, &second);
		is_text(as_text(&second), (const char *)first.data, "%s: it reads back to the same", name);
		conf_clear(&again);
	}
	buf_clear(&first);
	buf_clear(&second);
	buf_clear(&errors);
}

static void
values(void)
{
	struct buf errors = BUF_INIT, printed = BUF_INIT;
	char text[CONF_LISTENER_TEXT_SIZE];
	struct conf c;

	if (!ok(conf_parse(full, "full.conf", &c, &errors) == ERR_OK, "a full configuration is read"))
		printf("# %s\n", as_text(&errors));
	is_text(c.cluster, "edge", "cluster");
	is_text(c.node, "col-a", "node");
	is_u64(c.listener_count, 3, "listeners");
	is_u64(c.listeners[0].port, 2055, "port");
	is_text(c.listeners[0].interface, "eth1", "interface");
	is_u64(c.listeners[0].sources.count, 2, "sources");
	is_u64(c.listeners[0].sources.list[0].bits, 96 + 24, "an IPv4 prefix's length");
	is_u64((uint64_t)c.listeners[0].receive_buffer, 32 << 20, "receive buffer");
	is_text(conf_listener_text(&c.listeners[1], text), "listener 2001:db8::1 port 6343 (full.conf:5)",
	    "a listener as messages call it");
	is_text(conf_listener_text(&c.listeners[0], text),
	    "listener 239.10.10.1 port 2055 on eth1 (full.conf:3)", "a listener on an interface");
	is_u64((uint64_t)c.listeners[0].rate_limit, 2048, "rate limit");
	is_u64((uint64_t)c.listeners[1].rate_limit, 0, "none by default");
	is_u64((uint64_t)c.listeners[1].receive_buffer, 16 << 20, "receive buffer by default");
	is_u64(c.listeners[0].join_source_count, 0, "joined of everybody by default");
	is_u64(c.listeners[2].join_source_count, 2, "sources to join");
	ok(!conf_lacks_join_sources(&c.listeners[2]), "a group for source-specific multicast that has them");
	ok(conf_same_join_sources(&c.listeners[2], &c.listeners[2]) &&
		!conf_same_join_sources(&c.listeners[2], &c.listeners[0]),
	    "sets of sources are compared");
	is_u64((uint64_t)c.lanes, 4, "lanes");
	is_text(c.log_directory, "/var/log/\"f\\b", "directory, with escapes");
	is_u64((uint64_t)c.log_rotate_ns, (uint64_t)(3600 * NS_PER_SEC), "rotate");
	is_u64((uint64_t)c.log_size, (uint64_t)2 << 30, "size as a number");
	is_u64((uint64_t)c.log_sync_ns, (uint64_t)(2 * NS_PER_SEC), "sync");
	is_u64((uint64_t)c.log_flush_ns, 50 * NS_PER_MSEC, "flush");
	is_u64((uint64_t)c.log_memory, 128 << 20, "memory");
	is_u64((uint64_t)c.log_retain_ns, (uint64_t)(90 * 86400 * NS_PER_SEC), "retain");
	is_u64((uint64_t)c.log_retain_size, (uint64_t)1 << 40, "retain_size");
	is_u64((uint64_t)c.log_minimum_free, (uint64_t)20 << 30, "minimum_free");
	ok(c.log_keep_unmerged, "keep_unmerged");
	ok(c.has_status && c.status_port == 9476 && c.status_public, "status");
	is_text(c.status_certificate, "/c", "its certificate");
	is_text(c.status_key, "/k", "its key");
	is_text(c.status_client_ca, "/a", "its client CA");
	is_text(c.status_users, "/u", "its users");
	is_u64((uint64_t)c.status_series, 0, "series");
	is_u64((uint64_t)c.status_silence_ns, (uint64_t)(60 * NS_PER_SEC), "silence");
	is_text(c.user, "_flowbraid", "user");
	is_text(c.pidfile, "/run/flowbraidd.pid", "pidfile");
	prints_back(&c, "full");
	conf_print(&c, &printed);
	ok(strstr(as_text(&printed),
	       "\tretain = \"90d\";\n\tretain_size = \"1T\";\n\tminimum_free = \"20G\";\n"
	       "\tkeep_unmerged = true;\n") != NULL,
	    "values whose lowest byte is zero are printed, too");
	buf_clear(&printed);
	conf_clear(&c);

	ok(conf_parse(HEAD LISTEN LOG, "small.conf", &c, &errors) == ERR_OK, "a small configuration is read");
	is_u64((uint64_t)c.lanes, 1, "one lane by default");
	is_u64((uint64_t)c.log_rotate_ns, (uint64_t)(300 * NS_PER_SEC), "rotate by default");
	is_u64((uint64_t)c.log_size, 1 << 30, "size by default");
	is_u64((uint64_t)c.log_sync_ns, (uint64_t)NS_PER_SEC, "sync by default");
	is_u64((uint64_t)c.log_flush_ns, 100 * NS_PER_MSEC, "flush by default");
	is_u64((uint64_t)c.log_memory, 64 << 20, "memory by default");
	ok(c.log_retain_ns == 0 && c.log_retain_size == 0 && c.log_minimum_free == 0 && !c.log_keep_unmerged,
	    "no retention by default");
	ok(!c.has_status && c.user[0] == '\0' && c.pidfile[0] == '\0', "no status, user, pidfile by default");
	prints_back(&c, "small");
	conf_clear(&c);

	ok(conf_parse(HEAD LISTEN LOG "status = { address = \"::1\"; port = 1; };\n", "status.conf", &c,
	       &errors) == ERR_OK,
	    "a small status is read");
	is_u64((uint64_t)c.status_series, 2000, "series by default");
	ok(c.status_silence_ns == 0, "silence is no fault by default");
	conf_clear(&c);
	is_u64(errors.len, 0, "no errors were said");
	buf_clear(&errors);
}

static void
faults(const char *text, const char *want, const char *name)
{
	struct buf errors = BUF_INIT;
	struct conf c;
	enum err e = conf_parse(text, "f.conf", &c, &errors);

	if (!ok(e == ERR_MALFORMED, "%s: refused", name)) {
		if (e == ERR_OK)
			conf_clear(&c);
	} else {
		is_text(as_text(&errors), want, "%s: says where and what", name);
	}
	buf_clear(&errors);
}

static void
output_faults(void)
{
	faults(HEAD LISTEN LOG "forward = { address = \"192.0.2.9\"; port = 1; };\n",
	    "f.conf:4: forward: expected a list of targets such as ( { address = \"192.0.2.9\"; port = 9995; } )\n",
	    "a target without a list");
	faults(HEAD LISTEN LOG "forward = ( { address = \"192.0.2.9\"; port = 1; hops = 256; } );\n",
	    "f.conf:4: forward.hops: expected 0 to 255, found 256\n", "too many hops");
	faults(HEAD LISTEN LOG "forward = ( { address = \"192.0.2.9\"; port = 1; },\n"
			       " { port = 1; address = \"192.0.2.9\"; hops = 2; } );\n",
	    "f.conf:5: forward 192.0.2.9 port 1: a second time\n", "a target twice");
	faults(HEAD LISTEN LOG "forward = ( { address = \"127.0.0.1\"; port = 2055; } );\n",
	    "f.conf:4: forward 127.0.0.1 port 2055: would come back to listener 127.0.0.1 port 2055\n",
	    "a target that is a listener");
	faults(HEAD LISTEN LOG "feed = \"run/feed\";\n",
	    "f.conf:4: feed: expected the path of a socket in quotes, or a list such as ( { path = "
	    "\"/run/flowbraid/feed\"; } ), found \"run/feed\"\n",
	    "a relative path");
	faults(HEAD LISTEN LOG "feed = ( { mode = \"660\"; } );\n",
	    "f.conf:4: feed.path: is missing: a path in quotes that begins with /, of 107 characters at most\n",
	    "no path");
	faults(HEAD LISTEN LOG "feed = ( { path = \"/f\"; mode = \"1777\"; } );\n",
	    "f.conf:4: feed.mode: expected permissions in quotes such as \"0660\", found \"1777\"\n",
	    "a mode");
	faults(HEAD LISTEN LOG "feed = ( { path = \"/f\"; format = \"csv\"; } );\n",
	    "f.conf:4: feed.format: expected \"json\" or \"records\", found \"csv\"\n", "a format");
	faults(HEAD LISTEN LOG "feed = ( { path = \"/f\"; expression = \"dst port 80 or\"; } );\n",
	    "f.conf:4: feed.expression: column 15: expected what to ask for, such as src, port, proto, bytes, or an information element, found the end\n",
	    "an expression");
	faults(HEAD LISTEN LOG "feed = ( \"/f\",\n \"/f\" );\n", "f.conf:5: feed /f: a second time\n",
	    "a feed twice");
}

static void
outputs(void)
{
	const char *text = HEAD LISTEN LOG
	    "forward = ( { address = \"192.0.2.9\"; port = 9995; exporter_address = true;\n"
	    "  interface = \"eth1\"; hops = 3; sources = [ \"192.0.2.0/24\" ]; } );\n"
	    "feed = ( \"/run/f\", { path = \"/run/r\"; mode = \"0600\"; format = \"records\";\n"
	    "  expression = \"dst port 80\"; } );\n";
	struct buf errors = BUF_INIT, printed = BUF_INIT;
	struct conf c, again, none;
	char name[CONF_LISTENER_TEXT_SIZE];

	if (conf_parse(text, "f.conf", &c, &errors) != ERR_OK ||
	    conf_parse(HEAD LISTEN LOG, "f.conf", &none, &errors) != ERR_OK)
		abort();
	ok(conf_has_outputs(&c) && !conf_has_outputs(&none), "outputs, and none");
	ok(c.forward_count == 1 && c.forwards[0].port == 9995 && c.forwards[0].exporter_address &&
		c.forwards[0].hops == 3 && c.forwards[0].sources.count == 1,
	    "a forward");
	is_text(conf_forward_text(&c.forwards[0], name), "forward 192.0.2.9 port 9995 on eth1",
	    "as messages call it");
	is_text(conf_forward_name(&c.forwards[0], name), "192.0.2.9:9995%eth1", "its name");
	is_u64(c.feed_count, 2, "feeds");
	ok(c.feeds[0].mode == 0660 && c.feeds[0].format == CONF_FEED_JSON && c.feeds[0].expression == NULL,
	    "what a path alone means");
	ok(c.feeds[1].mode == 0600 && c.feeds[1].format == CONF_FEED_RECORDS, "and a group");
	is_text(c.feeds[1].expression, "dst port 80", "its expression");
	conf_print(&c, &printed);
	buf_u8(&printed, 0);
	ok(conf_parse((const char *)printed.data, "p", &again, &errors) == ERR_OK, "printed, and read again");
	ok(conf_same_outputs(&c, &again) && !conf_same_outputs(&c, &none), "the same outputs");
	again.feeds[1].mode = 0660;
	ok(!conf_same_outputs(&c, &again), "and other ones");
	ok(conf_can_follow(&c, &none, &errors) && conf_can_follow(&none, &c, &errors),
	    "a reload may change them");
	conf_clear(&c);
	conf_clear(&again);
	conf_clear(&none);
	buf_clear(&printed);
	buf_clear(&errors);
}

static void
refusals(void)
{
	faults("cluster = \"edge\"\nnode = ;\n", "f.conf:2: syntax error\n", "no syntax");
	faults(HEAD LISTEN, "f.conf:1: log: is missing: a group of keys { ... }\n", "a group is missing");
	faults(HEAD LISTEN "\nlog = {\n sync = \"1s\"; };",
	    "f.conf:4: log.directory: is missing: a path in quotes\n", "a key is missing in a group");
	faults(HEAD LISTEN LOG "rotat = 1;\nlog2 = {};\n",
	    "f.conf:4: rotat: unknown key\nf.conf:5: log2: unknown key\n", "unknown keys, all of them");
	faults(HEAD LISTEN "log = { directory = \"x\";\n size = \"1G\";\n Sync = \"1s\"; };\n",
	    "f.conf:5: log.Sync: unknown key\n", "an unknown key in a group");
	faults("cluster = \"edge\"; node = \"a b\";\n" LISTEN LOG,
	    "f.conf:1: node: expected a name in quotes, of 1 to 63 of the characters A-Z a-z 0-9 . _ -, found \"a b\"\n",
	    "a name with a space");
	faults("cluster = 5; node = \"\";\n" LISTEN LOG,
	    "f.conf:1: cluster: expected a name in quotes, of 1 to 63 of the characters A-Z a-z 0-9 . _ -\n"
	    "f.conf:1: node: expected a name in quotes, of 1 to 63 of the characters A-Z a-z 0-9 . _ -, found \"\"\n",
	    "wrong type, empty name");
	faults(HEAD LISTEN "log = { directory = \"x\"; rotate = \"1ms\"; };\n",
	    "f.conf:3: log.rotate: expected 1s to 1d, found 1ms\n", "a duration out of range");
	faults(HEAD LISTEN "log = { directory = \"x\"; rotate = 5; };\n",
	    "f.conf:3: log.rotate: expected a duration in quotes such as \"100ms\", \"1s\", \"5m\" or \"1h\"\n",
	    "a duration without unit");
	faults(HEAD LISTEN "log = { directory = \"x\"; memory = \"1M\"; };\n",
	    "f.conf:3: log.memory: expected 8M to 256G, found 1M\n", "a size out of range");
	faults(HEAD LISTEN "log = { directory = \"x\"; retain = \"1ms\"; };\n",
	    "f.conf:3: log.retain: expected 1s to 36500d, found 1ms\n", "too short a retention");
	faults(HEAD LISTEN "log = { directory = \"x\"; retain_size = 5; minimum_free = \"2000T\"; };\n",
	    "f.conf:3: log.retain_size: expected 1M to 1024T, found 5\n"
	    "f.conf:3: log.minimum_free: expected 1M to 1024T, found 2000T\n",
	    "sizes out of range");
	faults(HEAD LISTEN "log = { directory = \"x\"; keep_unmerged = \"true\"; };\n",
	    "f.conf:3: log.keep_unmerged: expected true or false, found \"true\"\n", "true as a text");
	faults(HEAD LISTEN "log = { directory = \"x\"; keep_unmerged = 1; };\n",
	    "f.conf:3: log.keep_unmerged: expected true or false\n", "a number for true");
	faults(HEAD LISTEN "log = { directory = true; };\n",
	    "f.conf:3: log.directory: expected a path in quotes\n", "true for a text");
	faults(HEAD LOG "listen = ( { address = \"127.0.0.1\"; port = 65536; } );\n",
	    "f.conf:3: listen.port: expected a number from 1 to 65535\n", "a port out of range");
	faults(HEAD LOG "listen = ( { address = \"127.0.0.1\"; port = 1; rate_limit = \"5/s\"; } );\n",
	    "f.conf:3: listen.rate_limit: expected a whole number, found \"5/s\"\n", "a number in words");
	faults(HEAD LOG "listen = ( { address = \"127.0.0.1\"; port = 1; rate_limit = -1; } );\n",
	    "f.conf:3: listen.rate_limit: expected 0 to 10000000, found -1\n", "a number out of range");
	faults(HEAD LOG "listen = ( { address = \"localhost\"; port = 1; } );\n",
	    "f.conf:3: listen.address: expected an IPv4 or IPv6 address in quotes, found \"localhost\"\n",
	    "a host name");
	faults(HEAD LOG "listen = ( );\n", "f.conf:3: listen: expected 1 to 250 listeners, found 0\n",
	    "no listeners");
	output_faults();
	faults(HEAD LOG "listen = ( 5 );\n",
	    "f.conf:3: listen: expected a list of listeners such as ( { address = \"239.10.10.1\"; port = 2055; "
	    "interface = \"eth1\"; } )\n",
	    "a listener that is none");
	faults(HEAD LOG "listen = ( { address = \"239.1.1.1\"; port = 1; } );\n",
	    "f.conf:3: listener 239.1.1.1: a multicast group needs the interface on which it is joined: "
	    "interface = \"...\"\n",
	    "a group without interface");
	faults(HEAD LOG
	    "listen = ( { address = \"127.0.0.1\"; port = 1;\n sources = [ \"2001:db8::/32\" ]; } );\n",
	    "f.conf:3: listener 127.0.0.1: sources permits nobody: it has no prefix of the listener's address family\n",
	    "sources of the other family");
	faults(HEAD LOG "listen = ( { address = \"127.0.0.1\"; port = 1; sources = [ ]; } );\n",
	    "f.conf:3: listen.sources: expected 1 to 65536 prefixes, found 0; without the key every source is permitted\n",
	    "no sources");
	faults(HEAD LOG
	    "listen = ( { address = \"127.0.0.1\"; port = 1; sources = [ \"10.0.0.0/33\" ]; } );\n",
	    "f.conf:3: listen.sources: expected a prefix such as \"192.0.2.0/24\", found \"10.0.0.0/33\"\n",
	    "a bad prefix");
	faults(HEAD LOG
	    "listen = ( { address = \"127.0.0.1\"; port = 1; },\n { port = 1; address = \"127.0.0.1\"; } );\n",
	    "f.conf:4: listener 127.0.0.1 port 1: the same as in line 3\n", "one listener twice");
	faults(HEAD LISTEN LOG "pidfile = \"run/pid\";\n",
	    "f.conf:4: pidfile: expected a path in quotes that begins with /, found \"run/pid\"\n",
	    "a relative pidfile");
	faults(HEAD LISTEN LOG "status = { port = 1; };\n",
	    "f.conf:4: status.address: is missing: an IPv4 or IPv6 address in quotes\n", "half a group");
	faults(HEAD LISTEN LOG "status = { port = 1; address = \"::\"; };\n",
	    "f.conf:4: status ::: others reach this address: it needs TLS (certificate, key) with client_ca or users, or public = "
	    "true when everybody may read it\n",
	    "a status for everybody, by mistake");
	faults(HEAD LISTEN LOG "status = { port = 1; address = \"::1\"; key = \"/k\"; };\n",
	    "f.conf:4: status ::1: a key needs its certificate\n", "half of a pair");
	faults(HEAD LISTEN LOG "status = { port = 1; address = \"::1\"; users = \"u\"; };\n",
	    "f.conf:4: status.users: expected a path in quotes that begins with /, found \"u\"\n",
	    "a relative path");
}

#define GROUP "listen = ( { address = \"239.1.1.1\"; port = 1; interface = \"e\";\n "

/* Of sources to join, and lanes. */
static void
refusals_of_joins(void)
{
	faults(HEAD LOG GROUP "join_sources = [ ]; } );\n",
	    "f.conf:4: listen.join_sources: expected 1 to 1024 addresses, found 0; without the key the group is "
	    "joined of every source\n",
	    "no sources to join");
	faults(HEAD LOG GROUP "join_sources = \"192.0.2.1\"; } );\n",
	    "f.conf:4: listen.join_sources: expected a list of addresses such as [ \"192.0.2.1\", \"192.0.2.2\" ], "
	    "found \"192.0.2.1\"\n",
	    "a source that is no list");
	faults(HEAD LOG GROUP "join_sources = [ \"192.0.2.0/24\",\n \"host\" ]; } );\n",
	    "f.conf:4: listen.join_sources: expected an address such as \"192.0.2.1\", found \"192.0.2.0/24\"\n"
	    "f.conf:5: listen.join_sources: expected an address such as \"192.0.2.1\", found \"host\"\n",
	    "a prefix and a name to join");
	faults(HEAD LOG GROUP
	    "join_sources = [ \"192.0.2.1\",\n \"2001:db8::1\", \"0.0.0.0\",\n \"224.0.0.1\", \"192.0.2.1\" ]; } );\n",
	    "f.conf:5: listener 239.1.1.1: join_sources: 2001:db8::1: is not of the group's address family\n"
	    "f.conf:5: listener 239.1.1.1: join_sources: 0.0.0.0: is not the address of a host\n"
	    "f.conf:6: listener 239.1.1.1: join_sources: 224.0.0.1: is not the address of a host\n"
	    "f.conf:6: listener 239.1.1.1: join_sources: 192.0.2.1: stands there twice\n",
	    "sources that cannot be joined");
	faults(HEAD LOG GROUP "join_sources = [ \"192.0.2.1\" ]; sources = [ \"198.51.100.0/24\" ]; } );\n",
	    "f.conf:4: listener 239.1.1.1: join_sources: 192.0.2.1: is not permitted by `sources`\n",
	    "a source that is joined and refused");
	faults(HEAD LOG
	    "listen = ( { address = \"192.0.2.9\"; port = 1;\n join_sources = [ \"192.0.2.1\" ]; } );\n",
	    "f.conf:4: listener 192.0.2.9: join_sources: 192.0.2.1: only a multicast group can be joined; for other "
	    "addresses there is `sources`\n",
	    "a source to join without a group");
	faults(HEAD LOG LISTEN "lanes = 65;\n", "f.conf:4: lanes: expected 1 to 64, found 65\n",
	    "too many lanes");
	faults(HEAD LOG LISTEN "lanes = 0;\n", "f.conf:4: lanes: expected 1 to 64, found 0\n", "no lane");
	faults(HEAD LOG LISTEN "lanes = \"2\";\n", "f.conf:4: lanes: expected a whole number, found \"2\"\n",
	    "lanes in quotes");
}

/* For which groups there should be join_sources. */
static void
source_specific_groups(void)
{
	static const struct {
		const char *address;
		bool specific;
	} all[] = {{"232.0.0.1", true}, {"232.255.1.1", true}, {"231.1.1.1", false}, {"233.1.1.1", false},
	    {"ff30::1", true}, {"ff3e::8000:1", true}, {"ff35:0:1::1", true}, {"ff35:1::1", false},
	    {"ff05::1", false}, {"192.0.2.232", false}};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct conf_listener l = {.port = 1};

		ok(addr_parse(all[i].address, &l.address) && conf_lacks_join_sources(&l) == all[i].specific,
		    "%s: %s for source-specific multicast", all[i].address,
		    all[i].specific ? "is" : "is not");
	}
}

static void
prefixes_of_the_text(void)
{
	char part[2048];
	size_t len = strlen(full), bad = 0;

	/* A cut text is read or refused with a message. Read it may be only where the mandatory part is whole. */
	for (size_t i = 0; i < len; i++) {
		struct buf errors = BUF_INIT;
		struct conf c;

		memcpy(part, full, i);
		part[i] = '\0';
		if (conf_parse(part, "p", &c, &errors) == ERR_OK)
			conf_clear(&c);
		else if (errors.len == 0)
			bad++;
		buf_clear(&errors);
	}
	is_u64(bad, 0, "every prefix of a configuration is read or refused with a message");
}

static void
write_file(const char *path, const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fwrite(text, 1, len, f) != len || fclose(f) != 0)
		abort();
}

static void
files(void)
{
	char folder[] = "/tmp/flowbraid-conf.XXXXXX", path[64], part[64], want[160];
	struct buf errors = BUF_INIT;
	struct conf c;

	if (mkdtemp(folder) == NULL)
		abort();
	(void)snprintf(path, sizeof(path), "%s/f.conf", folder);
	(void)snprintf(part, sizeof(part), "%s/log.conf", folder);
	write_file(
	    path, HEAD LISTEN "@include \"log.conf\"\n", strlen(HEAD LISTEN "@include \"log.conf\"\n"));
	write_file(part, "\n" LOG, strlen(LOG) + 1);
	if (ok(conf_load(path, NULL, &c, &errors) == ERR_OK, "a file that includes another beside it"))
		conf_clear(&c);
	write_file(part, "\nlog = { directory = \"x\"; flash = 1; };\n", 38);
	ok(conf_load(path, NULL, &c, &errors) == ERR_MALFORMED, "a fault in the included file");
	ok(strstr(as_text(&errors), "log.conf:2: log.flash: unknown key\n") != NULL,
	    "the message names the included file and its line");
	buf_reset(&errors);

	write_file(path, "cluster\0x", 9);
	ok(conf_load(path, NULL, &c, &errors) == ERR_MALFORMED, "a zero byte");
	(void)snprintf(want, sizeof(want), "%s: expected text, found a zero byte at offset 7\n", path);
	is_text(as_text(&errors), want, "the message says where");
	buf_reset(&errors);
	(void)unlink(path);
	(void)unlink(part);

	ok(conf_load(path, NULL, &c, &errors) == ERR_MALFORMED, "no such file");
	(void)snprintf(want, sizeof(want), "%s: cannot read: No such file or directory\n", path);
	is_text(as_text(&errors), want, "the message says so");
	buf_reset(&errors);
	ok(conf_load(folder, NULL, &c, &errors) == ERR_MALFORMED, "a folder instead of a file");
	buf_clear(&errors);
	(void)rmdir(folder);
}

/* Settings of the command line, and what they make of a configuration; want: a line that is printed then, or what is said
 * against it. */
static void
overrides(void)
{
	static const struct {
		const char *set[3], *want;
		bool wrong;
	} cases[] = {
	    {{"log.directory=/x"}, "\tdirectory = \"/x\";\n", false},
	    {{"node=5"}, "node = \"5\";\n", false},
	    {{"node=\"q\""}, "node = \"q\";\n", false},
	    {{"listen.[0].port=9995"}, "\t\tport = 9995;\n", false},
	    {{"listen.[1].port=9996"}, "\t\tport = 9996;\n", false},
	    {{"lanes=7"}, "lanes = 7;\n", false},
	    {{"log.size=64M"}, "\tsize = \"64M\";\n", false},
	    {{"log.size=2097152"}, "\tsize = \"2M\";\n", false},
	    {{"log.keep_unmerged=true"}, "\tkeep_unmerged = true;\n", false},
	    {{"status.address=::1", "status.port=1"}, "\taddress = \"::1\";\n\tport = 1;\n", false},
	    {{"lanes=7", "lanes=8"}, "lanes = 8;\n", false},
	    {{"listen.[1].sources.[1]=10.0.0.0/8"}, "\"198.51.100.0/24\", \"10.0.0.0/8\"", false},
	    {{"listen.[0].sources=[\"10.0.0.0/9\",\"11.0.0.0/8\"]"}, "\"10.0.0.0/9\", \"11.0.0.0/8\"", false},
	    {{"policy.fields=[\"SRC_ADDR\"]"}, "\tfields = [ \"SRC_ADDR\" ];\n", false},
	    {{"policy.rules=({ match = \"tcp\"; action = \"drop\"; })"},
		"\t\t{ match = \"tcp\"; action = \"drop\"; }\n", false},
	    {{"log.sync=9x"}, "-D log.sync=9x: log.sync: expected a duration in quotes such as", true},
	    {{"logs.sync=9s"}, "-D logs.sync=9s: logs: unknown key\n", true},
	    {{"policy.fields=[\"x\"]"}, "-D policy.fields=[\"x\"]: policy.fields: expected the IANA name",
		true},
	    {{"listen.[0].port=http"},
		"-D listen.[0].port=http: listen.port: expected a number from 1 to 65535, "
		"found \"http\"\n",
		true},
	    {{"listen.[2].port=5"}, "-D listen.[2].port=5: there is no element [2]\n", true},
	    {{"listen.[x].port=5"}, "-D listen.[x].port=5: there is no element [x]\n", true},
	    {{"listen.port=5"}, "-D listen.port=5: there can be no port, since that is in no group\n", true},
	    {{"node.[0]=5"}, "-D node.[0]=5: there can be no [0], since that is in no list\n", true},
	    {{"listen.[0]=5"}, "-D listen.[0]=5: in a list only texts and numbers can be changed", true},
	    {{"9a.b=5"}, "-D 9a.b=5: 9a is no name of a group\n", true},
	    {{"9a=5"}, "-D 9a=5: cannot set 9a\n", true},
	    {{"node"}, "-D node: expected PATH=VALUE, found no =\n", true},
	    {{"=5"}, "-D =5: expected PATH=VALUE such as", true},
	    {{"log..sync=5"}, "-D log..sync=5: expected PATH=VALUE such as", true},
	    {{"log.=5"}, "-D log.=5: expected PATH=VALUE such as", true},
	};
	static const char text[] = HEAD LOG "listen = ( { address = \"127.0.0.1\"; port = 2055; },\n"
					    "{ address = \"127.0.0.1\"; port = 2056;\n"
					    "sources = [ \"198.51.100.0/24\", \"192.0.2.0/24\" ]; } );\n";
	char path[] = "/tmp/flowbraid-conf.XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0)
		abort();
	(void)close(fd);
	write_file(path, text, strlen(text));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *const *set = cases[i].set;
		struct conf_overrides o = {set, set[1] == NULL ? 1 : 2};
		struct buf said = BUF_INIT;
		struct conf c;
		enum err e = conf_load(path, &o, &c, &said);

		ok((e != ERR_OK) == cases[i].wrong, "-D %s is %s", set[0],
		    cases[i].wrong ? "refused" : "taken");
		if (e == ERR_OK) {
			buf_reset(&said);
			conf_print(&c, &said);
			conf_clear(&c);
		}
		if (!ok(strstr(as_text(&said), cases[i].want) != NULL, "with what is to be expected"))
			printf("# %s\n", (const char *)said.data);
		buf_clear(&said);
	}
	(void)unlink(path);
}

int
main(void)
{
	overrides();
	values();
	outputs();
	refusals();
	refusals_of_joins();
	source_specific_groups();
	prefixes_of_the_text();
	files();
	return done_testing();
}
