/* SPDX-License-Identifier: ISC
 *
 * A socket at a path is made in the children's name (setfsuid), as the folder may be theirs, and the parent has no power over
 * others' files by then.
 */
#include "node/outputs.h"

#include <errno.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/msg.h"
#include "base/udp.h"

#define PENDING_MOST 16
#define PAUSE_NS (20 * NS_PER_MSEC)

/* --- forwards --- */

static struct udp_target
target_of(const struct conf_forward *f)
{
	struct udp_target t = {.to = f->address, .port = f->port, .hops = (uint8_t)f->hops};

	memcpy(t.interface, f->interface, sizeof(t.interface));
	return t;
}

static void
say(const struct conf_forward *f, enum msg_level level, const char *what, const char *more)
{
	char text[CONF_LISTENER_TEXT_SIZE];

	msg_at(level, "%s: %s: %s%s", conf_forward_text(f, text), what, strerror(errno), more);
}

/* Whatever keeps it from its target now may be over one day: routes, interfaces. */
static bool
lead(const struct conf_forward *f, int fd, bool said)
{
	const struct udp_target t = target_of(f);
	const char *what;

	if (udp_lead(fd, &t, f->exporter_address, &what) == ERR_OK)
		return true;
	if (!said)
		say(f, MSG_WARNING, what, "; tried again every second");
	return false;
}

static int
open_forward(const struct conf_forward *f, bool *ret_leads)
{
	const struct udp_target t = target_of(f);
	const char *what;
	int fd;

	if (udp_socket(&t, f->exporter_address, &fd, &what) != ERR_OK) {
		say(f, MSG_ERROR, what,
		    errno == EPERM ? " (CAP_NET_RAW is kept where a start finds exporter_address)" : "");
		return -1;
	}
	*ret_leads = lead(f, fd, false);
	return fd;
}

void
outputs_lead(struct outputs *o, const struct conf *conf, bool again)
{
	char text[CONF_LISTENER_TEXT_SIZE];

	for (size_t i = 0; i < o->forward_count; i++) {
		bool did = o->leads[i];

		if (did && !again)
			continue;
		o->leads[i] = lead(&conf->forwards[i], o->forward_fds[i], !did);
		if (!did && o->leads[i])
			msg_notice("%s: there is a way now", conf_forward_text(&conf->forwards[i], text));
	}
}

static bool
same_socket(const struct conf_forward *a, const struct conf_forward *b)
{
	return addr_cmp(&a->address, &b->address) == 0 && a->port == b->port && a->hops == b->hops &&
	    a->exporter_address == b->exporter_address && strcmp(a->interface, b->interface) == 0;
}

/* --- feeds --- */

static void
as_children(const struct identity *who)
{
	if (!who->change)
		return;
	(void)setfsgid(who->gid);
	(void)setfsuid(who->uid);
}

static void
as_ourselves(const struct identity *who)
{
	if (!who->change)
		return;
	(void)setfsuid(geteuid());
	(void)setfsgid(getegid());
}

static struct sockaddr_un
address_of(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	_Static_assert(sizeof(sa.sun_path) == CONF_SOCKET_PATH_SIZE, "a path fits");
	memcpy(sa.sun_path, path, strlen(path) + 1);
	return sa;
}

/* Whether somebody listens there. */
static bool
is_answered(const char *path)
{
	const struct sockaddr_un sa = address_of(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool answered = fd >= 0 &&
	    (connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) == 0 || errno == EAGAIN);

	if (fd >= 0)
		(void)close(fd);
	return answered;
}

/* What a node that was killed has left there goes; nothing else does. NULL: the path is free. */
static const char *
make_way(const char *path, int64_t patience_ns)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	mono_t until = {mono_now().ns + patience_ns};
	struct stat st;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? NULL : strerror(errno);
	if (!S_ISSOCK(st.st_mode))
		return "there is a file that is no socket";
	while (is_answered(path)) {
		if (mono_now().ns >= until.ns)
			return "another process listens there";
		(void)nanosleep(&pause, NULL);
	}
	return unlink(path) == 0 || errno == ENOENT ? NULL : strerror(errno);
}

static const char *
listen_at(const struct conf_feed *f, int fd, struct output_path *ret)
{
	const struct sockaddr_un sa = address_of(f->path);
	mode_t before = umask((mode_t)(~f->mode & 0777));
	bool bound = bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) == 0;
	int saved = errno;
	struct stat st;

	(void)umask(before);
	if (!bound)
		return strerror(saved);
	if (lstat(f->path, &st) != 0 || listen(fd, PENDING_MOST) != 0) {
		saved = errno;
		(void)unlink(f->path);
		return strerror(saved);
	}
	memcpy(ret->path, f->path, sizeof(ret->path));
	ret->device = st.st_dev;
	ret->inode = st.st_ino;
	return NULL;
}

static int
open_feed(const struct conf_feed *f, const struct identity *who, int64_t patience_ns, struct output_path *ret)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const char *why = fd < 0 ? strerror(errno) : NULL;

	as_children(who);
	if (why == NULL)
		why = make_way(f->path, patience_ns);
	if (why == NULL)
		why = listen_at(f, fd, ret);
	as_ourselves(who);
	if (why == NULL)
		return fd;
	msg_error("feed %s: cannot listen: %s", f->path, why);
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* Only if it is what we made. */
static void
remove_path(const struct output_path *p, const struct identity *who)
{
	struct stat st;

	as_children(who);
	if (lstat(p->path, &st) == 0 && st.st_dev == p->device && st.st_ino == p->inode)
		(void)unlink(p->path);
	as_ourselves(who);
}

/* --- all of them --- */

static const struct output_path *
path_of(const struct outputs *o, const char *path, int *ret_fd)
{
	for (size_t i = 0; o != NULL && i < o->feed_count; i++) {
		if (strcmp(o->feed_paths[i].path, path) == 0) {
			*ret_fd = o->feed_fds[i];
			return &o->feed_paths[i];
		}
	}
	return NULL;
}

static bool
has_forward(const struct outputs *o, int fd)
{
	for (size_t i = 0; o != NULL && i < o->forward_count; i++) {
		if (o->forward_fds[i] == fd)
			return true;
	}
	return false;
}

void
outputs_close(struct outputs *o, const struct outputs *successor, const struct identity *who)
{
	int other;

	for (size_t i = 0; i < o->forward_count; i++) {
		if (!has_forward(successor, o->forward_fds[i]))
			(void)close(o->forward_fds[i]);
	}
	for (size_t i = 0; i < o->feed_count; i++) {
		if (path_of(successor, o->feed_paths[i].path, &other) != NULL)
			continue;
		(void)close(o->feed_fds[i]);
		remove_path(&o->feed_paths[i], who);
	}
	o->forward_count = o->feed_count = 0;
}

static bool
follow_forward(const struct outputs *o, const struct conf *from, const struct conf_forward *to, int *ret,
    bool *ret_leads)
{
	for (size_t i = 0; i < o->forward_count; i++) {
		if (same_socket(&from->forwards[i], to)) {
			*ret = o->forward_fds[i];
			*ret_leads = o->leads[i];
			return true;
		}
	}
	*ret = open_forward(to, ret_leads);
	return *ret >= 0;
}

/* The mode of one that is taken over changes in its place. */
static bool
follow_feed(const struct outputs *o, const struct conf_feed *to, const struct identity *who,
    int64_t patience_ns, int *ret, struct output_path *ret_path)
{
	const struct output_path *p = path_of(o, to->path, ret);

	if (p == NULL) {
		*ret = open_feed(to, who, patience_ns, ret_path);
		return *ret >= 0;
	}
	*ret_path = *p;
	as_children(who);
	if (chmod(to->path, (mode_t)to->mode) != 0)
		msg_warn("feed %s: mode %04o: %s", to->path, (unsigned)to->mode, strerror(errno));
	as_ourselves(who);
	return true;
}

static bool
open_rest(const struct outputs *o, const struct conf *from, const struct conf *to, const struct identity *who,
    int64_t patience_ns, struct outputs *ret)
{
	struct outputs made = {.forward_count = 0};
	bool good = true;

	while (good && made.forward_count < to->forward_count) {
		size_t i = made.forward_count;

		good = follow_forward(o, from, &to->forwards[i], &made.forward_fds[i], &made.leads[i]);
		made.forward_count += good;
	}
	while (good && made.feed_count < to->feed_count) {
		size_t i = made.feed_count;

		good = follow_feed(
		    o, &to->feeds[i], who, patience_ns, &made.feed_fds[i], &made.feed_paths[i]);
		made.feed_count += good;
	}
	if (good)
		*ret = made;
	else
		outputs_close(&made, o, who);
	return good;
}

bool
outputs_open(const struct conf *conf, const struct identity *who, int64_t patience_ns, struct outputs *ret)
{
	const struct outputs none = {.forward_count = 0};

	return open_rest(&none, conf, conf, who, patience_ns, ret);
}

bool
outputs_follow(const struct outputs *o, const struct conf *from, const struct conf *to,
    const struct identity *who, struct outputs *ret)
{
	return open_rest(o, from, to, who, 0, ret);
}
