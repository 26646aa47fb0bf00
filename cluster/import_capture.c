/* SPDX-License-Identifier: ISC
 *
 * Captures: flowbraidd -r with a configuration made for it, so that a log of a capture is what a node would have written. The
 * daemon is the one beside this program, or else the installed one.
 */
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/msg.h"
#include "cluster/import_private.h"

#define DAEMON "flowbraidd"

extern char **environ;

/* libconfig's strings: a backslash before what would end them. */
static void
put_text(struct buf *b, const char *text)
{
	buf_u8(b, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			buf_u8(b, '\\');
		buf_u8(b, (uint8_t)*text);
	}
	buf_u8(b, '"');
}

static void
make_conf(const struct import *im, struct buf *b)
{
	buf_text(b, "cluster = ");
	put_text(b, im->cluster);
	buf_text(b, ";\nnode = ");
	put_text(b, im->node);
	buf_text(b, ";\nlog = { directory = ");
	put_text(b, im->log);
	buf_text(b, "; };\nlisten = (");
	if (im->port_count == 0) /* the one that stands for all */
		buf_text(b, " { address = \"::\"; port = 1; }");
	for (size_t i = 0; i < im->port_count; i++)
		buf_printf(b, "%s { address = \"::\"; port = %u; }", i > 0 ? "," : "", im->ports[i]);
	buf_text(b, " );\n");
}

/* An unnamed file, which the daemon inherits. -1: a message was printed. */
static int
conf_file(const struct import *im)
{
	struct buf text = BUF_INIT;
	int fd = memfd_create(DAEMON ".conf", 0);
	enum err e;

	make_conf(im, &text);
	e = fd < 0 ? ERR_SYSTEM : buf_ok(&text) ? file_pwrite(fd, text.data, text.len, 0, NULL) : ERR_MEMORY;
	if (e != ERR_OK) {
		msg_error("import: configuration for " DAEMON ": %s", err_text(e));
		if (fd >= 0)
			(void)close(fd);
		fd = -1;
	}
	buf_clear(&text);
	return fd;
}

static void
find_daemon(char out[PATH_MAX])
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (len > 0) {
		self[len] = '\0';
		if (snprintf(out, PATH_MAX, "%s/" DAEMON, dirname(self)) < PATH_MAX && access(out, X_OK) == 0)
			return;
	}
	(void)snprintf(out, PATH_MAX, "%s/" DAEMON, SBINDIR);
}

static int
wait_for_daemon(const char *daemon, pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR) {
			msg_error("%s: %s", daemon, strerror(errno));
			return EXIT_UNABLE;
		}
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) <= EXIT_UNABLE)
		return WEXITSTATUS(status);
	if (WIFSIGNALED(status))
		msg_error("%s: ended by signal %d", daemon, WTERMSIG(status));
	else
		msg_error("%s: exit status %d", daemon, WEXITSTATUS(status));
	return EXIT_UNABLE;
}

static int
run_daemon(char **argv)
{
	char daemon[PATH_MAX];
	int error;
	pid_t pid;

	find_daemon(daemon);
	error = posix_spawn(&pid, daemon, NULL, NULL, argv, environ);
	if (error == 0)
		return wait_for_daemon(daemon, pid);
	msg_error("%s: %s", daemon, strerror(error));
	return EXIT_UNABLE;
}

int
import_captures(const struct import *im, char *const *paths, size_t count)
{
	static char name[] = DAEMON, any[] = "--any-port", file[] = "-f", read[] = "-r";
	char **argv = calloc(2 * count + 5, sizeof(*argv));
	char conf[64];
	size_t n = 0;
	int status = EXIT_UNABLE, fd = conf_file(im);

	if (argv == NULL)
		msg_error("import: %s", err_text(ERR_MEMORY));
	if (argv != NULL && fd >= 0) {
		(void)snprintf(conf, sizeof(conf), "/proc/self/fd/%d", fd);
		argv[n++] = name;
		argv[n++] = file;
		argv[n++] = conf;
		if (im->port_count == 0)
			argv[n++] = any;
		for (size_t i = 0; i < count; i++) {
			argv[n++] = read;
			argv[n++] = paths[i];
		}
		status = run_daemon(argv);
	}
	if (fd >= 0)
		(void)close(fd);
	free(argv);
	return status;
}
