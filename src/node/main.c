/* SPDX-License-Identifier: ISC
 *
 * flowbraidd: options, and what they ask for: a node (node/parent), a check of the configuration, or the datagrams of
 * captures.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/msg.h"
#include "flowbraid/version.h"
#include "node/capture.h"
#include "node/collector.h"
#include "node/conf.h"
#include "node/parent.h"
#include "node/process.h"

#define PROGRAM "flowbraidd"

enum { EXIT_CLEAN = 0, EXIT_FOUND = 1, EXIT_CANNOT = 2 };

struct options {
	const char *conf;
	const char **overrides; /* owned; of argv */
	size_t override_count;
	bool foreground;
	bool check;    /* check and print the configuration */
	bool any_port; /* of captures, datagrams to any port: of the first listener, where no other has it */
	char **captures; /* borrowed from argv; read these instead of sockets */
	size_t capture_count;
};

static const char usage[] =
    "usage: " PROGRAM " [-dn] [-f file] [-D path=value]... [--any-port] [-r capture]...\n"
    "\n"
    "  -D path=value\n"
    "              a setting that goes over the configuration's\n"
    "  -d          stay in the foreground, messages to standard error\n"
    "  -f file     configuration; " CONF_DEFAULT " by default\n"
    "  -n          check the configuration, print it, and exit\n"
    "  -r capture  record the datagrams of a capture instead of receiving, and exit\n"
    "  --any-port  of captures, record the datagrams to all ports, not to those of listeners alone\n"
    "  --version, --help\n";

/* Where one is closed, the next descriptor would take its place: messages would go to a socket, or the log's folder would be
 * exchanged for /dev/null on the way to the background. */
static bool
have_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) {
			msg_error("/dev/null: %s", strerror(errno)); /* to standard error, if that is open */
			return false;
		}
	}
	return true;
}

/* The exit status after something was printed. */
static int
printed(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_CLEAN;
	msg_error("standard output: %s", strerror(errno));
	return EXIT_CANNOT;
}

/* Exits for --help, --version and wrong usage. */
static void
read_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {{"any-port", no_argument, NULL, 'a'},
	    {"version", no_argument, NULL, 'V'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "D:df:nr:", longs, NULL)) != -1) {
		switch (c) {
		case 'D':
			o->overrides[o->override_count++] = optarg;
			break;
		case 'a':
			o->any_port = true;
			break;
		case 'd':
			o->foreground = true;
			break;
		case 'f':
			o->conf = optarg;
			break;
		case 'n':
			o->check = true;
			break;
		case 'r':
			o->captures[o->capture_count++] = optarg;
			break;
		case 'V':
			(void)printf("%s %s\n", PROGRAM, FLOWBRAID_VERSION);
			exit(printed());
		case 'h':
			(void)fputs(usage, stdout);
			exit(printed());
		default:
			(void)fputs(usage, stderr);
			exit(EXIT_CANNOT);
		}
	}
	if (optind < argc) {
		msg_error("unexpected argument: %s", argv[optind]);
		(void)fputs(usage, stderr);
		exit(EXIT_CANNOT);
	}
}

static int
print_conf(const struct conf *conf)
{
	struct buf out = BUF_INIT;
	int status = EXIT_CANNOT;

	conf_print(conf, &out);
	if (!buf_ok(&out)) {
		msg_error("out of memory");
	} else {
		(void)fwrite(out.data, 1, out.len, stdout);
		status = printed();
	}
	buf_clear(&out);
	return status;
}

/* --- captures --- */

struct replay {
	const struct conf *conf;
	struct collector *collector; /* from the first packet on: its time is the time */
	int folder;
	wall_t latest;
	bool any_port;
	uint64_t elsewhere; /* UDP packets that no listener would have heard */
};

static bool
replay_packet(struct replay *r, const struct packet *p, wall_t time)
{
	int listener = collector_find_listener(r->conf, p);

	if (listener < 0 && r->any_port)
		listener = 0;
	r->elsewhere += listener < 0;
	if (r->collector == NULL) {
		r->latest = time;
		r->collector = collector_open(r->conf, r->folder, 0, true, time);
		if (r->collector == NULL || !collector_start(r->collector, FLOWBRAID_VERSION, time))
			return false;
	}
	if (r->latest.ns < time.ns)
		r->latest = time;
	return collector_replay(r->collector, p, listener, time, r->latest);
}

static int
replay_capture(struct replay *r, const char *path)
{
	struct capture *c = capture_open(path);
	enum capture_step step;
	struct packet p;
	wall_t time;
	int status = EXIT_CLEAN;

	if (c == NULL)
		return EXIT_CANNOT;
	while (status == EXIT_CLEAN && (step = capture_next(c, &p, &time)) != CAPTURE_END) {
		if (step == CAPTURE_ERROR)
			status = EXIT_FOUND;
		else if (!replay_packet(r, &p, time))
			status = EXIT_CANNOT;
	}
	capture_close(c);
	return status;
}

/* In turn. One that is damaged ends there, and the next ones are read. */
static int
replay(const struct options *o, const struct conf *conf)
{
	const struct identity ourselves = {.change = false};
	struct replay r = {
	    .conf = conf, .folder = folder_open(conf->log_directory, &ourselves), .any_port = o->any_port};
	int status = EXIT_CLEAN;

	if (r.folder < 0 || !folder_take(r.folder, conf->log_directory)) {
		if (r.folder >= 0)
			(void)close(r.folder);
		return EXIT_CANNOT;
	}
	for (size_t i = 0; i < o->capture_count && status != EXIT_CANNOT; i++) {
		int s = replay_capture(&r, o->captures[i]);

		status = s > status ? s : status;
	}
	if (r.collector != NULL && !collector_stop(r.collector, r.latest))
		status = EXIT_CANNOT;
	collector_close(r.collector);
	if (r.elsewhere > 0)
		msg_notice("%" PRIu64 " UDP packets to ports of no listener passed over", r.elsewhere);
	(void)close(r.folder);
	return status;
}

/* A relative path would be another one once the node has left its folder, at the next SIGHUP. */
static int
serve(const struct options *o, struct conf *conf)
{
	char *path = realpath(o->conf, NULL);
	struct parent_options options = {.conf_path = path,
	    .overrides = {.all = o->overrides, .count = o->override_count},
	    .foreground = o->foreground};
	bool good;

	if (path == NULL) {
		msg_error("%s: %s", o->conf, strerror(errno));
		conf_clear(conf);
		return EXIT_CANNOT;
	}
	good = parent_run(&options, conf);
	free(path);
	return good ? EXIT_CLEAN : EXIT_CANNOT;
}

int
main(int argc, char **argv)
{
	struct options o = {.conf = CONF_DEFAULT};
	struct conf conf;
	int status;

	msg_init(PROGRAM, false, MSG_INFO);
	if (!have_standard_streams())
		return EXIT_CANNOT;
	(void)signal(SIGPIPE, SIG_IGN);
	o.captures = calloc((size_t)argc, sizeof(*o.captures));
	o.overrides = calloc((size_t)argc, sizeof(*o.overrides));
	if (o.captures == NULL || o.overrides == NULL) {
		msg_error("out of memory");
		free(o.captures);
		free(o.overrides);
		return EXIT_CANNOT;
	}
	read_options(argc, argv, &o);
	status = EXIT_CANNOT;
	if (parent_load_conf(
		o.conf, &(struct conf_overrides){.all = o.overrides, .count = o.override_count}, &conf)) {
		if (!o.check && o.capture_count == 0) {
			status = serve(&o, &conf);
		} else {
			status = o.check ? print_conf(&conf) : replay(&o, &conf);
			conf_clear(&conf);
		}
	}
	free(o.captures);
	free(o.overrides);
	return status;
}
