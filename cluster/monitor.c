/* SPDX-License-Identifier: ISC
 *
 * flowbraid monitor: asks all nodes of a cluster again and again, and shows what they heard and what nobody did.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/loop.h"
#include "base/msg.h"
#include "cluster/command.h"
#include "cluster/monitor_check.h"
#include "cluster/monitor_conf.h"
#include "cluster/monitor_document.h"
#include "cluster/monitor_poll.h"
#include "cluster/monitor_serve.h"

#define FILE_MOST ((size_t)1 << 20)
#define SHOTS 5                     /* answers that a single look is made of: two documents of each node */
#define SHOT_NS (500 * NS_PER_MSEC) /* between them */
#define SILENT_NS (3 * NS_PER_SEC)  /* a node that has not answered for so long is down, */
#define SILENT_ANSWERS 2            /* or for so many intervals */

static const char usage[] =
    "usage: flowbraid monitor [-f FILE] [--node URL]... [--cluster NAME] [--listen ADDRESS:PORT]\n"
    "                         [--window DURATION] [--interval DURATION] [--page FOLDER]\n"
    "                         [--check [--max-loss PERCENT] | --json | -n]\n"
    "Asks the nodes of a cluster what they hear, and says what is missing. --check exits 0 when all is well, 1 as a\n"
    "warning, 2 when it is critical, 3 when it cannot tell.\n";

struct monitor {
	int argc; /* borrowed, for reading all of it again */
	char **argv;
	struct monitor_conf conf;
	bool check, json, only_conf;
	double max_loss;
	struct loop *loop;
	struct view *view;
	struct poll *poll;
	struct monitor_serve *serve; /* NULL: it serves nothing */
	unsigned rounds;
	bool turned;                    /* what came in this round has been counted */
	unsigned told[VIEW_NODES_MOST]; /* answers, also those that were none */
	bool failed;
	enum view_health said_health;
	enum view_state said[VIEW_NODES_MOST];
};

static bool
is_single(const struct monitor *m)
{
	return m->check || m->json;
}

static void
say_lines(struct buf *lines)
{
	char *rest;

	buf_u8(lines, 0);
	rest = buf_ok(lines) ? (char *)lines->data : NULL;
	for (char *line; (line = strsep(&rest, "\n")) != NULL && line[0] != '\0';)
		msg_error("%s", line);
	buf_clear(lines);
}

/* --- what happens --- */

/* A line for each change. */
static void
say_changes(struct monitor *m)
{
	enum view_health h = view_health(m->view);
	struct buf reasons = BUF_INIT, line = BUF_INIT;
	bool changed = h != m->said_health;

	for (uint32_t n = 0; n < m->view->node_count; n++) {
		changed |= m->view->nodes[n].state != m->said[n];
		m->said[n] = m->view->nodes[n].state;
	}
	m->said_health = h;
	if (!changed)
		return;
	monitor_reasons(m->view, &reasons);
	for (size_t i = 0; i < reasons.len; i++) {
		if (reasons.data[i] == '\n')
			buf_text(&line, "; ");
		else
			buf_u8(&line, reasons.data[i]);
	}
	buf_u8(&line, 0);
	if (buf_ok(&line))
		msg_at(h == VIEW_WHOLE ? MSG_NOTICE : MSG_WARNING, "cluster %s: %s%s%s", m->view->cluster,
		    view_health_name(h), line.len > 1 ? ": " : "", (const char *)line.data);
	buf_clear(&reasons);
	buf_clear(&line);
}

/* A single look ends when all nodes were asked often enough. */
static bool
has_seen_enough(const struct monitor *m)
{
	for (uint32_t n = 0; n < m->view->node_count; n++) {
		if (m->told[n] < (m->view->nodes[n].has_answered ? SHOTS : 1))
			return false;
	}
	return true;
}

static void
turn(struct monitor *m)
{
	enum err e = view_turn(m->view, wall_now(), mono_now());

	m->turned = true;
	if (e != ERR_OK) {
		msg_error("monitor: %s", err_text(e));
		m->failed = true;
	}
	if (m->failed || (is_single(m) && has_seen_enough(m))) {
		loop_stop(m->loop);
		return;
	}
	if (m->serve != NULL)
		monitor_serve_turn(m->serve);
	if (!is_single(m) && m->rounds > 1) /* the first answers are on their way */
		say_changes(m);
}

static bool
on_report(void *ctx, uint32_t node, const struct node_report *r, const char *why)
{
	struct monitor *m = ctx;
	enum err e = ERR_OK;
	bool wants;

	m->told[node]++;
	if (r != NULL)
		e = view_answer(m->view, node, r, wall_now(), mono_now(), &why);
	if (e == ERR_MEMORY || e == ERR_SYSTEM) {
		msg_error("node %s: %s", m->conf.nodes[node].url, err_text(e));
		why = err_text(e);
	}
	if (r == NULL || e != ERR_OK)
		view_no_answer(m->view, node, why, mono_now());
	wants = view_wants_all(m->view, node, mono_now());
	if (!m->turned && poll_is_done(m->poll))
		turn(m);
	return e == ERR_OK && !wants;
}

static void
on_round(void *ctx, wall_t now)
{
	struct monitor *m = ctx;

	(void)now;
	if (!m->turned) /* somebody takes long */
		turn(m);
	m->rounds++;
	m->turned = true; /* those that are given up in between are no round */
	poll_round(m->poll, mono_now());
	m->turned = false;
	if (poll_is_done(m->poll))
		turn(m);
}

static void
on_stop(void *ctx, wall_t now)
{
	struct monitor *m = ctx;

	(void)now;
	loop_stop(m->loop);
}

/* --- options --- */

static bool
read_file(struct monitor_conf *c, const char *path, struct buf *errors)
{
	struct buf text = BUF_INIT;
	enum err e = file_slurp(AT_FDCWD, path, FILE_MOST, &text);
	bool good = false;

	buf_u8(&text, 0);
	if (e != ERR_OK || !buf_ok(&text))
		buf_printf(errors, "%s: cannot read: %s\n", path, e == ERR_LIMIT ? "too large" : err_text(e));
	else if (strlen((const char *)text.data) + 1 != text.len)
		buf_printf(errors, "%s: expected text, found a zero byte\n", path);
	else
		good = monitor_conf_parse(c, (const char *)text.data, path, errors);
	buf_clear(&text);
	return good;
}

static bool
replace(char **to, const char *text)
{
	free(*to);
	*to = strdup(text);
	return *to != NULL;
}

enum {
	OPTION_NODE = 512,
	OPTION_CLUSTER,
	OPTION_LISTEN,
	OPTION_WINDOW,
	OPTION_INTERVAL,
	OPTION_PAGE,
	OPTION_CHECK,
	OPTION_MAX_LOSS,
	OPTION_JSON,
	OPTION_HELP
};

static bool
take_option(struct monitor *m, int option, const char *text, const char **file, struct buf *errors)
{
	struct monitor_conf *c = &m->conf;

	switch (option) {
	case 'f':
		*file = text;
		return true;
	case 'n':
		m->only_conf = true;
		return true;
	case OPTION_NODE:
		return monitor_conf_node(c, text, errors);
	case OPTION_CLUSTER:
		return replace(&c->cluster, text);
	case OPTION_LISTEN:
		return monitor_conf_listen(c, text, errors);
	case OPTION_WINDOW:
		return monitor_conf_duration(
		    "--window", text, VIEW_BUCKETS * NS_PER_SEC, &c->window_ns, errors);
	case OPTION_INTERVAL:
		return monitor_conf_duration("--interval", text, NS_PER_SEC / 5, &c->interval_ns, errors);
	case OPTION_PAGE:
		return replace(&c->page, text);
	case OPTION_CHECK:
		m->check = true;
		return true;
	case OPTION_MAX_LOSS:
		return command_percent("--max-loss", text, &m->max_loss);
	case OPTION_JSON:
		m->json = true;
		return true;
	default:
		fputs(usage, stderr);
		return false;
	}
}

static bool
take_options(struct monitor *m, int argc, char **argv, const char **file, bool *ret_help, struct buf *errors)
{
	static const struct option options[] = {{"node", required_argument, NULL, OPTION_NODE},
	    {"cluster", required_argument, NULL, OPTION_CLUSTER},
	    {"listen", required_argument, NULL, OPTION_LISTEN},
	    {"window", required_argument, NULL, OPTION_WINDOW},
	    {"interval", required_argument, NULL, OPTION_INTERVAL},
	    {"page", required_argument, NULL, OPTION_PAGE}, {"check", no_argument, NULL, OPTION_CHECK},
	    {"max-loss", required_argument, NULL, OPTION_MAX_LOSS}, {"json", no_argument, NULL, OPTION_JSON},
	    {"help", no_argument, NULL, OPTION_HELP}, {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "f:n", options, NULL)) != -1) {
		if (option == OPTION_HELP) {
			*ret_help = true;
			return true;
		}
		if (!take_option(m, option, optarg, file, errors))
			return false;
	}
	if (optind == argc)
		return true;
	buf_printf(errors, "%s: expected no path\n", argv[optind]);
	return false;
}

/* Options, and the file that they name. */
static bool
read_all(struct monitor *m, bool *ret_help, struct buf *errors)
{
	const char *file = NULL;
	bool good;

	optind = 0;
	good = take_options(m, m->argc, m->argv, &file, ret_help, errors);
	if (good && m->check && m->json) {
		buf_text(errors, "--check and --json exclude each other\n");
		good = false;
	}
	return good &&
	    (*ret_help ||
		((file == NULL || read_file(&m->conf, file, errors)) &&
		    monitor_conf_finish(&m->conf, errors)));
}

/* What was read, into a monitor that runs. */
static bool
follow(struct monitor *m, struct monitor_conf *conf, struct buf *errors)
{
	struct buf ignored = BUF_INIT;

	if (!monitor_conf_may_follow(&m->conf, conf, errors))
		return false;
	monitor_conf_exchange(&m->conf, conf);
	if (poll_reload(m->poll, errors) == ERR_OK &&
	    (m->serve == NULL || monitor_serve_reload(m->serve, errors) == ERR_OK))
		return true;
	monitor_conf_exchange(&m->conf, conf);
	/* Where the former files cannot be used any more, nodes are asked with the new ones. */
	(void)!poll_reload(m->poll, &ignored);
	buf_clear(&ignored);
	return false;
}

static void
on_reload(void *ctx, wall_t now)
{
	struct monitor *m = ctx;
	struct monitor again = {.argc = m->argc, .argv = m->argv};
	struct buf errors = BUF_INIT;
	bool help = false;

	(void)now;
	monitor_conf_init(&again.conf);
	if (read_all(&again, &help, &errors) && follow(m, &again.conf, &errors))
		msg_notice("configuration read again");
	else
		msg_error("the configuration stays as it was");
	say_lines(&errors);
	monitor_conf_clear(&again.conf);
}

/* --- life --- */

static enum err
make_view(struct monitor *m)
{
	const char *urls[VIEW_NODES_MOST];
	int64_t silent_ns = SILENT_ANSWERS * m->conf.interval_ns;

	for (uint32_t i = 0; i < m->conf.node_count; i++)
		urls[i] = m->conf.nodes[i].url;
	return view_new(urls, m->conf.node_count,
	    &(struct view_options){.cluster = m->conf.cluster,
		.window_ns = m->conf.window_ns,
		.silent_ns = silent_ns > SILENT_NS ? silent_ns : SILENT_NS,
		.interval_ns = m->conf.interval_ns},
	    wall_now(), mono_now(), &m->view);
}

static enum err
block_signals(struct monitor *m)
{
	static const int stops[] = {SIGTERM, SIGINT};
	sigset_t set;
	enum err e = ERR_OK;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGHUP);
	for (size_t i = 0; i < 2; i++)
		(void)sigaddset(&set, stops[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return ERR_SYSTEM;
	for (size_t i = 0; i < 2 && e == ERR_OK; i++)
		e = loop_on_signal(m->loop, stops[i], on_stop, m);
	return e == ERR_OK ? loop_on_signal(m->loop, SIGHUP, on_reload, m) : e;
}

static bool
watch(struct monitor *m)
{
	struct buf errors = BUF_INIT;
	enum err e = make_view(m);

	if (e == ERR_OK)
		e = loop_new(&m->loop);
	if (e == ERR_OK)
		e = block_signals(m);
	if (e == ERR_OK)
		e = poll_new(m->loop, &m->conf, on_report, m, &m->poll, &errors);
	if (e == ERR_OK && m->conf.listens && !is_single(m))
		e = monitor_serve_new(m->loop, &m->conf, m->view, &m->serve, &errors);
	if (e == ERR_OK)
		e = loop_every(m->loop, is_single(m) ? SHOT_NS : m->conf.interval_ns, on_round, m, NULL);
	if (e == ERR_OK) {
		m->said_health = VIEW_BLIND;
		m->turned = true;
		on_round(m, wall_now());
		e = loop_run(m->loop);
	}
	if (e != ERR_OK && errors.len == 0)
		msg_error("monitor: %s", err_text(e));
	say_lines(&errors);
	poll_free(m->poll);
	monitor_serve_free(m->serve);
	loop_free(m->loop);
	return e == ERR_OK && !m->failed;
}

static int
show(struct monitor *m)
{
	struct buf out = BUF_INIT;
	int status = EXIT_CLEAN;

	if (m->check)
		status = (int)monitor_check(m->view, m->max_loss, &out);
	else if (m->json && monitor_document(m->view, VIEW_STREAMS_MOST, &out) != ERR_OK)
		out.failed = true;
	if (!buf_ok(&out)) {
		msg_error("monitor: %s", err_text(ERR_MEMORY));
		status = m->check ? CHECK_UNKNOWN : EXIT_UNABLE;
	} else if (out.len > 0 && !command_output(&out)) {
		status = m->check ? CHECK_UNKNOWN : EXIT_UNABLE;
	}
	buf_clear(&out);
	return status;
}

static int
run(struct monitor *m)
{
	struct buf errors = BUF_INIT;
	bool help = false, good = read_all(m, &help, &errors);
	int unable = m->check ? CHECK_UNKNOWN : EXIT_UNABLE;

	if (help) {
		fputs(usage, stdout);
		return EXIT_CLEAN;
	}
	say_lines(&errors);
	if (!good)
		return unable;
	if (m->only_conf)
		return EXIT_CLEAN;
	if (!watch(m))
		return unable;
	return is_single(m) ? show(m) : EXIT_CLEAN;
}

int
command_monitor(int argc, char **argv)
{
	struct monitor *m = calloc(1, sizeof(*m));
	int status;

	if (m == NULL) {
		msg_error("monitor: %s", err_text(ERR_MEMORY));
		return EXIT_UNABLE;
	}
	m->argc = argc;
	m->argv = argv;
	monitor_conf_init(&m->conf);
	status = run(m);
	view_free(m->view);
	monitor_conf_clear(&m->conf);
	free(m);
	return status;
}
