/* SPDX-License-Identifier: ISC
 *
 * flowbraid replay: the datagrams of each path, sent over UDP to another collector: at the pace at which they were received, faster, or
 * as fast as it goes.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/msg.h"
#include "cluster/replay_send.h"
#include "cluster/walk.h"

static const char usage[] =
    "usage: flowbraid replay [--speed FACTOR | --speed max] [--interface NAME] [--hops N] [--exporter-address]\n"
    "                        [--from TIME] [--to TIME] [--memory SIZE] [--json] [-q] ADDRESS PORT PATH...\n"
    "Sends the datagrams of logs and archives again. Exits 1 when a path is damaged.\n";

struct replay {
	struct sender_options to;
	struct sender *sender;
	double speed; /* 0: as fast as it goes */
	bool begun;
	int64_t first_ns; /* time of the first datagram, */
	mono_t started;   /* and when it was sent */
	uint64_t datagrams, bytes;
	uint64_t selected; /* of which only flows were kept */
	bool failed;
};

/* Datagrams that lie before the one before them, as another node's clock may have it, are sent at once. */
static void
wait_for_turn(struct replay *p, int64_t time_ns)
{
	struct timespec until;
	int64_t at;

	if (!p->begun) {
		p->begun = true;
		p->first_ns = time_ns;
		p->started = mono_now();
		return;
	}
	if (p->speed <= 0 || time_ns <= p->first_ns)
		return;
	at = p->started.ns + (int64_t)((double)(time_ns - p->first_ns) / p->speed);
	until = (struct timespec){.tv_sec = at / NS_PER_SEC, .tv_nsec = at % NS_PER_SEC};
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

static bool
send_one(void *ctx, const struct reader_datagram *d)
{
	struct replay *p = ctx;

	if (d->payload == NULL) {
		p->selected++;
		return true;
	}
	wait_for_turn(p, d->time.ns);
	if (!sender_send(p->sender, &d->exporter, d->port, d->payload, d->len)) {
		p->failed = true;
		return false;
	}
	p->datagrams++;
	p->bytes += d->len;
	return true;
}

static bool
read_speed(const char *text, double *ret)
{
	char *end;
	double v;

	if (strcmp(text, "max") == 0) {
		*ret = 0;
		return true;
	}
	errno = 0;
	v = strtod(text, &end);
	if (errno == 0 && end != text && *end == '\0' && v >= 0.001 && v <= 1e6) {
		*ret = v;
		return true;
	}
	msg_error("--speed %s: expected a factor from 0.001 to 1000000, or max", text);
	return false;
}

static bool
read_target(struct replay *p, char **argv)
{
	uint64_t port = 0;

	if (!addr_parse(argv[0], &p->to.to)) {
		msg_error("%s: expected an IPv4 or IPv6 address", argv[0]);
		return false;
	}
	if (!command_number(argv[1], &port))
		return false;
	if (port > 65535) {
		msg_error("%s: expected a port, 1 to 65535", argv[1]);
		return false;
	}
	p->to.port = (uint16_t)port;
	return true;
}

static bool
read_option(struct replay *p, struct command_options *o, int opt)
{
	uint64_t hops = 0;

	switch (opt) {
	case 's':
		return read_speed(optarg, &p->speed);
	case 'i':
		if (strlen(optarg) >= IF_NAMESIZE) {
			msg_error("--interface %s: there is no such interface", optarg);
			return false;
		}
		(void)snprintf(p->to.interface, sizeof(p->to.interface), "%s", optarg);
		return true;
	case 't':
		if (!command_number(optarg, &hops) || hops > 255) {
			msg_error("--hops %s: expected 1 to 255", optarg);
			return false;
		}
		p->to.hops = (uint8_t)hops;
		return true;
	case 'm':
		return command_memory(optarg, &o->memory);
	default:
		return command_time(o, opt, optarg);
	}
}

/* False: *ret_exit says how to end. */
static bool
options(struct replay *p, struct command_options *o, int argc, char **argv, int *ret_exit)
{
	static const struct option longs[] = {{"speed", required_argument, NULL, 's'},
	    {"interface", required_argument, NULL, 'i'}, {"hops", required_argument, NULL, 't'},
	    {"exporter-address", no_argument, NULL, 'e'}, {"memory", required_argument, NULL, 'm'},
	    {"json", no_argument, NULL, 'j'}, COMMAND_TIMES, {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0}};
	int opt;

	*ret_exit = EXIT_UNABLE;
	while ((opt = getopt_long(argc, argv, "qh", longs, NULL)) != -1) {
		switch (opt) {
		case 'e':
			p->to.exporters_address = true;
			break;
		case 'j':
			o->json = true;
			break;
		case 'q':
			o->quiet = true;
			break;
		case 'h':
		case '?':
			fputs(usage, opt == 'h' ? stdout : stderr);
			*ret_exit = opt == 'h' ? EXIT_CLEAN : EXIT_UNABLE;
			return false;
		default:
			if (!read_option(p, o, opt))
				return false;
		}
	}
	if (argc - optind < 3) {
		fputs(usage, stderr);
		return false;
	}
	return read_target(p, argv + optind);
}

static bool
report(const struct replay *p, const struct command_options *o)
{
	double seconds = p->begun ? (double)(mono_now().ns - p->started.ns) / (double)NS_PER_SEC : 0;
	struct buf out = BUF_INIT;
	struct json j;
	bool good;

	if (p->selected > 0)
		msg_notice(
		    "%" PRIu64 " datagrams cannot be sent: a policy kept only flows of them", p->selected);
	if (!o->json) {
		if (!o->quiet)
			msg_notice("%" PRIu64 " datagrams of %" PRIu32 " exporters sent in %.1f s, %" PRIu64
				   " bytes",
			    p->datagrams, sender_exporters(p->sender), seconds, p->bytes);
		return true;
	}
	json_init(&j, &out);
	json_object(&j);
	json_put_u64(&j, "datagrams", p->datagrams);
	json_put_u64(&j, "bytes", p->bytes);
	json_put_u64(&j, "not_whole", p->selected);
	json_key(&j, "seconds");
	json_double(&j, seconds);
	json_end(&j);
	buf_text(&out, "\n");
	good = command_output(&out);
	buf_clear(&out);
	return good;
}

int
command_replay(int argc, char **argv)
{
	struct replay p = {.speed = 1, .to = {.hops = 1}};
	struct command_options o = {.quiet = false};
	struct reader_options read = {.names = false};
	uint64_t findings;
	int status;
	bool ok;

	if (!options(&p, &o, argc, argv, &status))
		return status;
	if (!command_limit_memory(&o, NULL) || (p.sender = sender_new(&p.to)) == NULL)
		return EXIT_UNABLE;
	ok = walk_paths(argv + optind + 2, argc - optind - 2, &o, &read, send_one, &p, &findings) &&
	    !p.failed;
	ok = report(&p, &o) && ok;
	status = !ok ? EXIT_UNABLE : findings > 0 ? EXIT_FOUND : EXIT_CLEAN;
	sender_free(p.sender);
	return status;
}
