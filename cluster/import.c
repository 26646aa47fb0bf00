/* SPDX-License-Identifier: ISC
 *
 * flowbraid import: a node's log of what others have kept: captures, by flowbraidd itself, so that there is one intake;
 * and flowd's stores. All paths are looked at before anything is written.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/msg.h"
#include "base/rd.h"
#include "cluster/import_private.h"
#include "flow/flowd_store.h"

static const char usage[] =
    "usage: flowbraid import --cluster NAME --node NAME [--port PORT]... [--json] [-q] -o LOG PATH...\n"
    "Writes a node's log of captures (pcap, pcapng) and of flowd's stores; - is a store on standard input.\n"
    "Exits 1 when a path is damaged.\n";

enum kind { KIND_EMPTY, KIND_CAPTURE, KIND_STORE };

struct source_path {
	char *path; /* borrowed from argv */
	int fd;
	enum kind kind;
};

/* --- what a path is --- */

static bool
is_capture(const uint8_t *bytes, size_t len)
{
	static const uint32_t magics[] = {
	    0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1, 0xa1b2cd34, 0x34cdb2a1, 0x0a0d0d0a};
	struct rd r = rd_init(bytes, len);
	uint32_t magic = rd_u32(&r);

	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		if (rd_ok(&r) && magic == magics[i])
			return true;
	}
	return false;
}

/* Standard input is not looked at: what is read of a pipe is gone. */
static bool
look_at(struct source_path *p)
{
	static uint8_t bytes[64 << 10];
	size_t len = 0;
	enum err e;

	if (strcmp(p->path, "-") == 0) {
		p->fd = STDIN_FILENO;
		p->kind = KIND_STORE;
		return true;
	}
	p->fd = open(p->path, O_RDONLY | O_CLOEXEC);
	e = p->fd < 0 ? ERR_SYSTEM : file_pread(p->fd, bytes, sizeof(bytes), 0, &len);
	if (e != ERR_OK) {
		msg_error("%s: %s", p->path, err_text(e));
		return false;
	}
	p->kind = len == 0 ? KIND_EMPTY : is_capture(bytes, len) ? KIND_CAPTURE : KIND_STORE;
	if (p->kind == KIND_STORE && flowd_recognise(bytes, len) == 0) {
		msg_error("%s: neither a capture nor a store of flowd", p->path);
		return false;
	}
	if (p->kind == KIND_EMPTY)
		msg_notice("%s: empty", p->path);
	return true;
}

static bool
look_at_all(struct source_path *paths, int count)
{
	bool good = true;

	for (int i = 0; i < count; i++)
		good = look_at(&paths[i]) && good;
	return good;
}

/* --- options --- */

static bool
is_name(const char *option, const char *text)
{
	size_t len = text == NULL ? 0 : strlen(text);

	if (text == NULL) {
		msg_error("%s is missing", option);
		return false;
	}
	if (len >= 1 && len < SEGMENT_NAME_SIZE &&
	    strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == len)
		return true;
	msg_error("%s %s: expected a name of 1 to %d of the characters A-Z a-z 0-9 . _ -", option, text,
	    SEGMENT_NAME_SIZE - 1);
	return false;
}

static bool
read_port(struct import *im, const char *text)
{
	uint64_t port;

	if (!command_number(text, &port))
		return false;
	if (port > UINT16_MAX) {
		msg_error("--port %s: expected 1 to 65535", text);
		return false;
	}
	if (im->port_count == IMPORT_PORTS_MOST) {
		msg_error("--port %s: expected at most %d ports", text, IMPORT_PORTS_MOST);
		return false;
	}
	im->ports[im->port_count++] = (uint16_t)port;
	return true;
}

/* False: *ret_exit says how to end. */
static bool
options(struct import *im, int argc, char **argv, int *ret_exit)
{
	static const struct option longs[] = {{"cluster", required_argument, NULL, 'c'},
	    {"node", required_argument, NULL, 'n'}, {"port", required_argument, NULL, 'p'},
	    {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int opt;

	*ret_exit = EXIT_UNABLE;
	while ((opt = getopt_long(argc, argv, "hqo:", longs, NULL)) != -1) {
		switch (opt) {
		case 'c':
			im->cluster = optarg;
			break;
		case 'n':
			im->node = optarg;
			break;
		case 'o':
			im->log = optarg;
			break;
		case 'p':
			if (!read_port(im, optarg))
				return false;
			break;
		case 'j':
			im->o.json = true;
			break;
		case 'q':
			im->o.quiet = true;
			break;
		default:
			fputs(usage, opt == 'h' ? stdout : stderr);
			*ret_exit = opt == 'h' ? EXIT_CLEAN : EXIT_UNABLE;
			return false;
		}
	}
	if (im->log == NULL || optind == argc) {
		fputs(usage, stderr);
		return false;
	}
	return is_name("--cluster", im->cluster) && is_name("--node", im->node);
}

/* --- the result --- */

static bool
report(const struct import *im)
{
	struct buf out = BUF_INIT;
	struct json j;
	bool good;

	if (!im->o.json) {
		if (!im->o.quiet && im->stores > 0)
			msg_notice("%s: %" PRIu64 " records of %" PRIu64 " stores, in %" PRIu64
				   " datagrams; %" PRIu64 " findings, %" PRIu64 " bytes lost to them",
			    im->log, im->records, im->stores, im->datagrams, im->findings, im->lost_bytes);
		return true;
	}
	json_init(&j, &out);
	json_object(&j);
	json_put_u64(&j, "captures", im->captures);
	json_put_u64(&j, "stores", im->stores);
	json_put_u64(&j, "records", im->records);
	json_put_u64(&j, "datagrams", im->datagrams);
	json_put_u64(&j, "findings", im->findings);
	json_put_u64(&j, "lost_bytes", im->lost_bytes);
	json_end(&j);
	buf_text(&out, "\n");
	good = command_output(&out);
	buf_clear(&out);
	return good;
}

static int
worse(int a, int b)
{
	return a > b ? a : b;
}

static int
take_captures(struct import *im, const struct source_path *paths, int count)
{
	char **captures = calloc((size_t)count, sizeof(*captures));
	int status = EXIT_CLEAN;

	if (captures == NULL) {
		msg_error("import: %s", err_text(ERR_MEMORY));
		return EXIT_UNABLE;
	}
	for (int i = 0; i < count; i++) {
		if (paths[i].kind == KIND_CAPTURE)
			captures[im->captures++] = paths[i].path;
	}
	if (im->captures > 0)
		status = import_captures(im, captures, im->captures);
	free(captures);
	return status;
}

static int
run(struct import *im, const struct source_path *paths, int count)
{
	int status = take_captures(im, paths, count);
	bool good = status != EXIT_UNABLE;

	for (int i = 0; i < count && good; i++) {
		if (paths[i].kind == KIND_STORE)
			good = import_store(im, paths[i].path, paths[i].fd);
	}
	good = import_end(im) && good; /* what was read before a failure is a log, too */
	good = report(im) && good;
	if (!good)
		return EXIT_UNABLE;
	return worse(status, im->findings > 0 ? EXIT_FOUND : EXIT_CLEAN);
}

int
command_import(int argc, char **argv)
{
	struct import im = {.folder = -1};
	struct source_path *paths;
	int status, count;

	if (!options(&im, argc, argv, &status))
		return status;
	count = argc - optind;
	paths = calloc((size_t)count, sizeof(*paths));
	if (paths == NULL) {
		msg_error("import: %s", err_text(ERR_MEMORY));
		return EXIT_UNABLE;
	}
	for (int i = 0; i < count; i++)
		paths[i] = (struct source_path){.path = argv[optind + i], .fd = -1};
	status = look_at_all(paths, count) ? run(&im, paths, count) : EXIT_UNABLE;
	for (int i = 0; i < count; i++) {
		if (paths[i].fd >= 0 && paths[i].fd != STDIN_FILENO)
			(void)close(paths[i].fd);
	}
	free(paths);
	return status;
}
