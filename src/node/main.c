/* SPDX-License-Identifier: ISC
 *
 * flowbraidd: options, then start and end of the whole program as lists that mirror each other. Everything
 * that needs privileges is done here, before they are given up; the rest is the collector's.
 */
#include <getopt.h>
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
#include "node/listener.h"
#include "node/process.h"

#define PROGRAM "flowbraidd"

enum { EXIT_CLEAN = 0, EXIT_FOUND = 1, EXIT_CANNOT = 2 };

struct options {
	const char *conf;
	bool foreground;
	bool check;      /* check and print the configuration */
	char **captures; /* borrowed from argv; read these instead of sockets */
	size_t capture_count;
};

static const char usage[] = "usage: " PROGRAM " [-dn] [-f file] [-r capture]...\n"
			    "\n"
			    "  -d          stay in the foreground, messages to standard error\n"
			    "  -f file     configuration; " CONF_DEFAULT " by default\n"
			    "  -n          check the configuration, print it, and exit\n"
			    "  -r capture  record the datagrams of a capture instead of receiving, and exit\n"
			    "  --version, --help\n";

static void
print_version(void)
{
	printf("%s %s\n", PROGRAM, FLOWBRAID_VERSION);
}

/* Exits for --help, --version and wrong usage. */
static void
read_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
	    {"version", no_argument, NULL, 'V'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "df:nr:", longs, NULL)) != -1) {
		switch (c) {
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
			print_version();
			exit(EXIT_CLEAN);
		case 'h':
			(void)fputs(usage, stdout);
			exit(EXIT_CLEAN);
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

static bool
load_conf(const char *path, struct conf *ret)
{
	struct buf errors = BUF_INIT;
	enum err e = conf_load(path, ret, &errors);

	if (e == ERR_OK)
		return true;
	buf_u8(&errors, 0);
	if (e == ERR_MEMORY || !buf_ok(&errors)) {
		msg_error("%s: out of memory", path);
	} else {
		for (char *line = strtok((char *)errors.data, "\n"); line != NULL; line = strtok(NULL, "\n"))
			msg_error("%s", line);
	}
	buf_clear(&errors);
	return false;
}

static int
print_conf(const struct conf *conf)
{
	struct buf out = BUF_INIT;
	bool good;

	conf_print(conf, &out);
	good = buf_ok(&out) && fwrite(out.data, 1, out.len, stdout) == out.len && fflush(stdout) == 0;
	buf_clear(&out);
	if (!good)
		msg_error("cannot print the configuration");
	return good ? EXIT_CLEAN : EXIT_CANNOT;
}

/* --- captures --- */

struct replay {
	const struct conf *conf;
	struct collector *collector; /* from the first packet on: its time is the time */
	int folder;
	wall_t latest;
};

static bool
replay_packet(struct replay *r, const struct packet *p, wall_t time)
{
	if (r->collector == NULL) {
		r->latest = time;
		r->collector = collector_open(r->conf, r->folder, true, time);
		if (r->collector == NULL || !collector_start(r->collector, FLOWBRAID_VERSION, time))
			return false;
	}
	if (r->latest.ns < time.ns)
		r->latest = time;
	return collector_replay(r->collector, p, time, r->latest);
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
	struct replay r = {.conf = conf, .folder = folder_open(conf->log_directory, "")};
	int status = EXIT_CLEAN;

	if (r.folder < 0)
		return EXIT_CANNOT;
	for (size_t i = 0; i < o->capture_count && status != EXIT_CANNOT; i++) {
		int s = replay_capture(&r, o->captures[i]);

		status = s > status ? s : status;
	}
	if (r.collector != NULL && !collector_stop(r.collector, r.latest))
		status = EXIT_CANNOT;
	collector_close(r.collector);
	(void)close(r.folder);
	return status;
}

/* --- sockets --- */

static bool
open_one_listener(const struct conf_listener *conf, struct listener *ret)
{
	char subject[CONF_LISTENER_TEXT_SIZE];
	enum listener_result result = listener_open(conf, 0, 1, ret);

	if (result == LISTENER_NO_INTERFACE)
		msg_error("%s: there is no interface %s", conf_listener_text(conf, subject), conf->interface);
	return result == LISTENER_OK;
}

static bool
open_listeners(const struct conf *conf, struct listener *listeners)
{
	bool all = true;

	for (size_t i = 0; i < conf->listener_count; i++) {
		listeners[i].fd = -1;
		all &= open_one_listener(&conf->listeners[i], &listeners[i]);
	}
	return all;
}

/* From here on without privileges. */
static bool
collect(const struct conf *conf, int folder, struct listener *listeners, struct background *background,
    const struct pidfile *pidfile)
{
	struct collector *c = collector_open(conf, folder, false, wall_now());
	bool good = false;

	if (c == NULL)
		return false;
	if (pidfile_write(pidfile)) {
		if (background->ready >= 0)
			msg_init(PROGRAM, true, MSG_INFO);
		if (collector_start(c, FLOWBRAID_VERSION, wall_now())) {
			background_ready(background);
			msg_notice("node %s of cluster %s: %s: %zu listeners", conf->node, conf->cluster,
			    "started", conf->listener_count);
			good = collector_run(c, listeners);
			good = collector_stop(c, wall_now()) && good;
			msg_notice("node %s: stopped", conf->node);
		}
	}
	collector_close(c);
	return good;
}

/* Those that the event loop handles wait until it runs: SIGTERM during start-up is a start and an end. */
static void
hold_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGUSR1);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

static int
serve(const struct options *o, const struct conf *conf)
{
	struct listener *listeners = calloc(conf->listener_count, sizeof(*listeners));
	struct background background = {.ready = -1};
	struct pidfile pidfile = {.fd = -1};
	int folder = -1;
	bool good;

	hold_signals();
	good = listeners != NULL && (o->foreground || background_begin(&background)) &&
	    open_listeners(conf, listeners);
	if (good)
		good = pidfile_open(conf->pidfile, &pidfile);
	if (good) {
		folder = folder_open(conf->log_directory, conf->user);
		good = folder >= 0;
	}
	good = good && user_become(conf->user) && collect(conf, folder, listeners, &background, &pidfile);
	pidfile_remove(&pidfile);
	if (folder >= 0)
		(void)close(folder);
	for (size_t i = 0; listeners != NULL && i < conf->listener_count; i++)
		listener_close(&listeners[i]);
	free(listeners);
	return good ? EXIT_CLEAN : EXIT_CANNOT;
}

int
main(int argc, char **argv)
{
	struct options o = {.conf = CONF_DEFAULT};
	struct conf conf;
	int status;

	msg_init(PROGRAM, false, MSG_INFO);
	(void)signal(SIGPIPE, SIG_IGN);
	o.captures = calloc((size_t)argc, sizeof(*o.captures));
	if (o.captures == NULL) {
		msg_error("out of memory");
		return EXIT_CANNOT;
	}
	read_options(argc, argv, &o);
	status = EXIT_CANNOT;
	if (load_conf(o.conf, &conf)) {
		if (o.check)
			status = print_conf(&conf);
		else if (o.capture_count > 0)
			status = replay(&o, &conf);
		else
			status = serve(&o, &conf);
		conf_clear(&conf);
	}
	free(o.captures);
	return status;
}
