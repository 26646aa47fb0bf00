/* SPDX-License-Identifier: ISC
 *
 * What a service manager hears, on a socket of the kind that it has: at a path, and at an abstract name.
 */
#include "node/notify.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/tap.h"

static char folder[] = "/tmp/flowbraid-notify.XXXXXX";
static int manager = -1; /* its socket */

/* A manager that listens at a name: a path in the folder, or behind '@'. The environment says so. */
static void
listen_at(const char *name)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	char text[sizeof(to.sun_path)];
	socklen_t len;
	int n = snprintf(text, sizeof(text), "%s%s/%s", name[0] == '@' ? "@" : "", folder,
	    name[0] == '@' ? name + 1 : name);

	if (n < 0 || (size_t)n >= sizeof(text))
		abort();
	memcpy(to.sun_path, text, (size_t)n);
	if (name[0] == '@')
		to.sun_path[0] = '\0';
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n + (name[0] != '@'));
	if (manager >= 0)
		(void)close(manager);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (manager < 0 || bind(manager, (struct sockaddr *)&to, len) != 0 ||
	    setenv("NOTIFY_SOCKET", text, 1) != 0)
		abort();
}

/* What came, whole; "" when nothing did. */
static const char *
heard(void)
{
	static char text[4096];
	ssize_t n = recv(manager, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static mono_t
at(double sec)
{
	return (mono_t){(int64_t)(sec * 1000 + 0.5) * NS_PER_MSEC};
}

static void
says(const char *name)
{
	struct notify n;
	char longest[2000];

	listen_at(name);
	ok(notify_open(&n) == ERR_OK && n.fd >= 0, "%s: it is found", name);
	ok(getenv("NOTIFY_SOCKET") == NULL, "%s: no child will find it", name);
	ok(fcntl(n.fd, F_GETFD) == FD_CLOEXEC, "%s: nor inherit it", name);
	ok(notify_ready(&n, "receiving on 2 listeners") == ERR_OK, "%s: told", name);
	is_text(heard(), "READY=1\nSTATUS=receiving on 2 listeners", "%s: ready", name);
	ok(notify_ready(&n, NULL) == ERR_OK, "%s: told", name);
	is_text(heard(), "READY=1\n", "%s: ready, without a status", name);
	ok(notify_reloading(&n, (mono_t){1234567891234}) == ERR_OK, "%s: told", name);
	is_text(heard(), "RELOADING=1\nMONOTONIC_USEC=1234567891\n", "%s: reloading", name);
	ok(notify_status(&n, "one\ntwo") == ERR_OK, "%s: told", name);
	is_text(heard(), "STATUS=one two", "%s: a status is one line", name);
	ok(notify_stopping(&n, "sealing") == ERR_OK, "%s: told", name);
	is_text(heard(), "STOPPING=1\nSTATUS=sealing", "%s: stopping", name);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	ok(notify_status(&n, longest) == ERR_OK, "%s: told", name);
	is_u64(strlen(heard()), 511, "%s: a long status is cut", name);
	is_u64((uint64_t)notify_watchdog_interval(&n), 0, "%s: nobody watches", name);
	ok(notify_alive(&n, at(1)) == ERR_OK, "%s: nothing to tell", name);
	is_text(heard(), "", "%s: and nothing is told", name);
	notify_close(&n);
	ok(n.fd == -1 && notify_ready(&n, NULL) == ERR_OK, "%s: closed, it tells nobody", name);
	is_text(heard(), "", "%s: indeed", name);
}

static void
set_watchdog(const char *usec, const char *pid)
{
	(void)unsetenv("WATCHDOG_PID");
	if (setenv("WATCHDOG_USEC", usec, 1) != 0 || (pid != NULL && setenv("WATCHDOG_PID", pid, 1) != 0))
		abort();
}

static void
watchdog(void)
{
	static const char *const bad[] = {"0", "", "x", "1s", "-5", "99999999999999999999"};
	struct notify n;
	char pid[32];
	unsigned told = 0, failed = 0;

	(void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	listen_at("w1");
	set_watchdog("8000000", pid);
	ok(notify_open(&n) == ERR_OK, "a watchdog of 8 s");
	ok(getenv("WATCHDOG_USEC") == NULL && getenv("WATCHDOG_PID") == NULL, "is for no child");
	is_u64((uint64_t)notify_watchdog_interval(&n), 4 * NS_PER_SEC, "it wants to hear each 4 s");
	ok(notify_alive(&n, at(100)) == ERR_OK, "alive");
	is_text(heard(), "WATCHDOG=1\n", "is told at once");
	for (double t = 100.1; t < 200; t += 0.1) {
		failed += notify_alive(&n, at(t)) != ERR_OK;
		told += heard()[0] != '\0';
	}
	ok(failed == 0 && told >= 24 && told <= 50,
	    "and then often enough, and not ten times a second: %u times in 100 s", told);
	notify_close(&n);

	listen_at("w2");
	set_watchdog("8000000", NULL);
	ok(notify_open(&n) == ERR_OK && notify_watchdog_interval(&n) == 4 * NS_PER_SEC,
	    "without a pid it is ours");
	notify_close(&n);
	listen_at("w3");
	set_watchdog("8000000", "1");
	ok(notify_open(&n) == ERR_OK && notify_watchdog_interval(&n) == 0, "one for another process is not");
	notify_close(&n);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char name[8];

		(void)snprintf(name, sizeof(name), "bad%zu", i);
		listen_at(name);
		set_watchdog(bad[i], NULL);
		ok(notify_open(&n) == ERR_MALFORMED && n.fd == -1, "WATCHDOG_USEC=%s is none", bad[i]);
	}
}

static void
addresses(void)
{
	char longest[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	struct notify n;

	ok(notify_open(&n) == ERR_OK && n.fd == -1, "no service manager");
	ok(notify_ready(&n, "x") == ERR_OK && notify_alive(&n, at(1)) == ERR_OK,
	    "nobody is told, without an error");
	(void)setenv("NOTIFY_SOCKET", "", 1);
	ok(notify_open(&n) == ERR_OK && n.fd == -1, "an empty name is none");
	(void)setenv("NOTIFY_SOCKET", "run/notify", 1);
	ok(notify_open(&n) == ERR_MALFORMED && n.fd == -1, "a relative path");
	(void)setenv("NOTIFY_SOCKET", "@", 1);
	ok(notify_open(&n) == ERR_MALFORMED && n.fd == -1, "no abstract name");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	(void)setenv("NOTIFY_SOCKET", longest, 1);
	ok(notify_open(&n) == ERR_MALFORMED && n.fd == -1, "a path that is too long");
	(void)setenv("NOTIFY_SOCKET", "/tmp/there/is/none", 1);
	ok(notify_open(&n) == ERR_SYSTEM && errno == ENOENT && n.fd == -1, "a path that leads nowhere");
}

/* It is started anew, or does not read. */
static void
manager_fails(void)
{
	struct notify n;
	char path[128];
	enum err e = ERR_OK;

	listen_at("m");
	(void)snprintf(path, sizeof(path), "%s/m", folder);
	ok(notify_open(&n) == ERR_OK, "a service manager");
	(void)unlink(path);
	listen_at("m");
	ok(notify_status(&n, "again") == ERR_OK, "a new socket in the same place");
	is_text(heard(), "STATUS=again", "hears");
	for (int i = 0; i < 10000 && e == ERR_OK; i++)
		e = notify_status(&n, "and again");
	ok(e == ERR_BUSY, "one that does not read holds nobody for ever");
	(void)close(manager);
	manager = -1;
	ok(notify_status(&n, "gone") == ERR_SYSTEM && errno == ECONNREFUSED, "one that is gone");
	notify_close(&n);
}

static void
remove_folder(void)
{
	DIR *dir = opendir(folder);
	struct dirent *d;

	while (dir != NULL && (d = readdir(dir)) != NULL)
		(void)unlinkat(dirfd(dir), d->d_name, 0);
	if (dir != NULL)
		(void)closedir(dir);
	(void)rmdir(folder);
}

int
main(void)
{
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	if (mkdtemp(folder) == NULL)
		abort();
	addresses();
	says("path");
	says("@abstract");
	watchdog();
	manager_fails();
	remove_folder();
	return done_testing();
}
