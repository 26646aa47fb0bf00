/* SPDX-License-Identifier: ISC
 *
 * Sockets of listeners while they live: of which sources a group is joined, changed in place; an interface that goes
 * and comes back; limits of the kernel; buffers. For tests/node/33-groups.t, in a namespace of its own with interfaces
 * d0, of the addresses 10.77.0.1 to .4 and fd00:77::1 to ::4, and d1, of 10.77.1.1 and fd00:77:1::1.
 */
#include <linux/capability.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/node/sockets.h"

#define PORT 2055
#define GROUP4 "232.255.77.1"
#define GROUP6 "ff35::77:1"
#define SOURCES 4
#define MANY CONF_JOIN_SOURCES_MOST

static struct addr sources4[MANY], sources6[MANY];

static void
make_sources(void)
{
	for (unsigned i = 0; i < MANY; i++) {
		sources4[i] = address("10.77.0.0");
		sources6[i] = address("fd00:77::");
		sources4[i].b[15] = sources6[i].b[15] = (uint8_t)(i + 1);
		sources4[i].b[14] = sources6[i].b[14] = (uint8_t)((i + 1) >> 8);
	}
}

static struct conf_listener
group_conf(bool v6, const char *interface, size_t first, size_t count)
{
	struct conf_listener l = listener_conf(v6 ? GROUP6 : GROUP4, PORT, interface);

	l.join_sources = (v6 ? sources6 : sources4) + first;
	l.join_source_count = count;
	return l;
}

static void
send_group(const struct addr *from, const char *to, const char *interface, uint32_t number)
{
	int fd = sender(from, 0, if_nametoindex(interface));
	struct addr group = address(to);

	send_number(fd, &group, PORT, number);
	(void)close(fd);
}

/* Each source sends once. Which of them is heard, as a text: "013". */
static const char *
heard(const struct listener *l, bool v6)
{
	static char text[SOURCES + 1];
	uint32_t number;
	size_t len = 0;

	for (uint32_t i = 0; i < SOURCES; i++)
		send_group(&(v6 ? sources6 : sources4)[i], v6 ? GROUP6 : GROUP4, "d0", i);
	settle();
	while (len < SOURCES && take_number(l, &number))
		text[len++] = (char)('0' + number);
	text[len] = '\0';
	return text;
}

static void
adjusts(struct listener *l, const struct conf_listener *from, const struct conf_listener *to,
    const char *want, const char *name)
{
	ok(listener_adjust(l, from, to) == LISTENER_OK, "%s: changed in place", name);
	is_text(heard(l, l->v6), want, "%s: is heard, and nothing else", name);
	is_u64(l->sources_joined, to->join_source_count, "%s: counted", name);
}

static void
chosen_sources(bool v6)
{
	struct conf_listener any = group_conf(v6, "d0", 0, 0), first = group_conf(v6, "d0", 0, 1),
			     others = group_conf(v6, "d0", 1, 3), two = group_conf(v6, "d0", 0, 2), larger;
	struct listener l;
	int fd;

	(void)said();
	open_lanes(&any, 1, &l);
	says("the group is for source-specific multicast, and there is no join_sources",
	    "joined of everybody: a warning");
	is_text(heard(&l, v6), "0123", "joined of everybody");
	listener_close(&l);
	open_lanes(&others, 1, &l);
	is_text(said(), "", "joined of some: nothing is said");
	is_text(heard(&l, v6), "123", "joined of three");
	ok(l.joined && l.sources_joined == 3, "it is known of how many");
	listener_close(&l);

	open_lanes(&first, 1, &l);
	fd = l.fd;
	is_text(heard(&l, v6), "0", "joined of one");
	ok(listener_same_socket(&first, &others), "the same socket serves other sources");
	adjusts(&l, &first, &others, "123", "others");
	adjusts(&l, &others, &two, "01", "two, of which one was there");
	adjusts(&l, &two, &any, "0123", "everybody");
	adjusts(&l, &any, &first, "0", "one again");
	larger = first;
	larger.receive_buffer *= 2;
	ok(listener_adjust(&l, &first, &larger) == LISTENER_OK && l.buffer == 4 << 20, "a larger buffer");
	ok(listener_adjust(&l, &larger, &first) == LISTENER_OK && l.buffer == 2 << 20, "a smaller buffer");
	is_u64((uint64_t)l.fd, (uint64_t)fd, "it is still the same socket");
	listener_close(&l);
}

static void
limits(void)
{
	struct conf_listener one = group_conf(false, "d0", 0, 1), two = group_conf(false, "d0", 0, 2),
			     other_two = group_conf(false, "d0", 2, 2), three = group_conf(false, "d0", 0, 3),
			     many4 = group_conf(false, "d0", 0, MANY), many6 = group_conf(true, "d0", 0, 100);
	struct listener l, other;

	shell("echo 2 >/proc/sys/net/ipv4/igmp_max_msf");
	(void)said();
	ok(listener_open(&three, 0, 1, &other) == LISTENER_FAILED, "too many sources for the kernel");
	says("listener 232.255.77.1 port 2055 on d0 (test.conf:1): cannot join the group: "
	     "net.ipv4.igmp_max_msf is 2, and 3 is needed",
	    "the message names the sysctl, its value and what is needed");
	open_lanes(&two, 1, &l);
	adjusts(&l, &two, &other_two, "23", "two others, with room for two");
	ok(listener_adjust(&l, &other_two, &three) == LISTENER_FAILED, "too many to change to");
	says("net.ipv4.igmp_max_msf is 2, and 3 is needed", "it is said");
	is_text(heard(&l, false), "23", "and nothing has changed");
	listener_close(&l);

	shell("echo 0 >/proc/sys/net/ipv4/igmp_max_memberships");
	ok(listener_open(&one, 0, 1, &other) == LISTENER_FAILED, "no memberships");
	says("net.ipv4.igmp_max_memberships is 0, and 1 is needed", "it is said");
	shell("echo 20 >/proc/sys/net/ipv4/igmp_max_memberships; echo 2000 >/proc/sys/net/ipv4/igmp_max_msf");
	if (listener_open(&many4, 0, 1, &l) == LISTENER_OK) {
		is_u64(l.sources_joined, MANY, "as many sources as a configuration may have");
		listener_close(&l);
	} else {
		says(
		    "net.core.optmem_max is ", "the memory for options is too small for as many: it is said");
	}
	if (listener_open(&many6, 0, 1, &l) == LISTENER_OK) {
		skip("the kernel permits many sources on IPv6");
		listener_close(&l);
	} else {
		says("net.ipv6.mld_max_msf", "IPv6: the kernel refuses, and the sysctl is named");
	}
	shell("echo 10 >/proc/sys/net/ipv4/igmp_max_msf");
}

static void
make_d1(const char *how)
{
	char command[400];

	(void)snprintf(command, sizeof(command),
	    "ip link add d1 %s type veth peer name p1 && ip link set d1 up && ip link set p1 up && "
	    "ip addr add 10.77.1.1/24 dev d1 && ip -6 addr add fd00:77:1::1/64 dev d1 nodad",
	    how);
	shell(command);
}

static bool
hears_d1(const struct listener *l, const char *group, const char *interface, uint32_t number)
{
	struct addr from = address(l->v6 ? "fd00:77:1::1" : "10.77.1.1");
	uint32_t got = UINT32_MAX;

	send_group(&from, group, interface, number);
	settle();
	return take_number(l, &got) && got == number;
}

static void
interface_returns(const char *group)
{
	struct conf_listener conf = listener_conf(group, PORT, "d1");
	struct listener l;
	char command[64];
	unsigned first, second;

	open_lanes(&conf, 1, &l);
	first = l.ifindex;
	ok(hears_d1(&l, group, "d1", 1), "%s: heard", group);
	shell("ip link del d1");
	make_d1("");
	second = if_nametoindex("d1");
	ok(second != first && !hears_d1(&l, group, "d1", 2), "%s: not on a new interface of that name",
	    group);
	ok(listener_rejoin(&l, &conf, second) == LISTENER_OK, "%s: joined there", group);
	ok(l.joined && l.ifindex == second && hears_d1(&l, group, "d1", 3), "%s: heard there", group);

	shell("ip link del d1");
	l.joined = false;
	(void)snprintf(command, sizeof(command), "index %u", second);
	make_d1(command);
	ok(!hears_d1(&l, group, "d1", 4), "%s: not on one that has the same index, either", group);
	ok(listener_rejoin(&l, &conf, second) == LISTENER_OK, "%s: joined there, too", group);
	ok(l.joined && hears_d1(&l, group, "d1", 5), "%s: and heard", group);

	/* Another one gets the name while the old one lives on. */
	shell("ip link set d1 down && ip link set d1 name x1 && ip link set x1 up && ip addr flush dev x1 && "
	      "ip link set p1 name y1");
	make_d1("");
	ok(listener_rejoin(&l, &conf, if_nametoindex("d1")) == LISTENER_OK && hears_d1(&l, group, "d1", 6),
	    "%s: the interface that has the name now", group);
	ok(!hears_d1(&l, group, "x1", 7), "%s: and no longer the one that had it", group);
	for (unsigned i = 0, moved = 0; i < 60; i++) {
		moved += listener_rejoin(&l, &conf, if_nametoindex(i % 2 == 0 ? "x1" : "d1")) == LISTENER_OK;
		if (i == 59)
			is_u64(moved, 60, "%s: memberships do not pile up", group);
	}
	ok(listener_rejoin(&l, &conf, 9999) == LISTENER_NO_INTERFACE, "%s: no such index", group);
	shell("ip link del x1");
	listener_close(&l);
}

static void
missing_interface(void)
{
	struct conf_listener group = listener_conf(GROUP4, PORT, "nosuch0"),
			     host = listener_conf("127.0.0.1", PORT, "nosuch0"), other = group;
	struct listener l;

	(void)said();
	ok(listener_open(&group, 0, 1, &l) == LISTENER_NO_INTERFACE,
	    "a group on an interface that is not there");
	ok(listener_open(&host, 0, 1, &l) == LISTENER_NO_INTERFACE, "an address on one");
	is_text(said(), "", "nothing is said");
	other.port++;
	ok(!listener_same_socket(&group, &host) && !listener_same_socket(&group, &other),
	    "other addresses and ports need other sockets");
	other = listener_conf(GROUP4, PORT, "d0");
	ok(!listener_same_socket(&group, &other), "other interfaces, too");
}

static void
drop_capability(unsigned capability)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) != 0)
		_exit(99);
	data[capability / 32].effective &= ~(1U << capability % 32);
	if (syscall(SYS_capset, &head, data) != 0)
		_exit(99);
}

/* Its answer, without that capability (or, with new_user, in a user namespace of its own). */
static int
without(unsigned capability, bool new_user, int (*act)(void))
{
	pid_t child;
	int status;

	(void)fflush(stdout);
	child = fork();
	if (child == 0) {
		if (new_user && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
			_exit(98);
		if (!new_user)
			drop_capability(capability);
		_exit(act());
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		die("fork");
	return WEXITSTATUS(status);
}

static struct listener bound;
static struct conf_listener bound_conf;

static int
rejoin_bound(void)
{
	return (int)listener_rejoin(&bound, &bound_conf, if_nametoindex("d0"));
}

static int
device_of(const struct listener *l)
{
	int device = 0;
	socklen_t len = sizeof(device);

	(void)getsockopt(l->fd, SOL_SOCKET, SO_BINDTOIFINDEX, &device, &len);
	return device;
}

/* Sockets that the kernel bound to an interface: addresses with `interface`, and groups of one link. */
static void
bound_to_device(const char *where)
{
	int before;

	bound_conf = listener_conf(where, PORT, "d1");
	open_lanes(&bound_conf, 1, &bound);
	before = device_of(&bound);
	is_u64((uint64_t)before, if_nametoindex("d1"), "%s: bound to the interface", where);
	is_u64((uint64_t)without(CAP_NET_RAW, false, rejoin_bound), LISTENER_REOPEN,
	    "%s: without CAP_NET_RAW a new socket is needed", where);
	is_u64((uint64_t)device_of(&bound), (uint64_t)before, "%s: nothing was changed", where);
	ok(rejoin_bound() == LISTENER_OK && device_of(&bound) == (int)if_nametoindex("d0"),
	    "%s: with it the socket is bound to the other", where);
	listener_close(&bound);
}

static int
open_huge(void)
{
	struct conf_listener conf = listener_conf("0.0.0.0", PORT, "");
	struct listener l;

	conf.receive_buffer = (1 << 30) - 1;
	return (int)listener_open(&conf, 0, 1, &l);
}

static void
buffers(void)
{
	static const char want[] = ": raise net.core.rmem_max from ";
	int result;

	(void)said();
	is_u64(
	    (uint64_t)without(CAP_NET_ADMIN, false, open_huge), LISTENER_OK, "a buffer that cannot be had");
	says(want, "without CAP_NET_ADMIN: the message names the sysctl");
	result = without(0, true, open_huge);
	if (result == 98) {
		skip("no user namespaces here");
		return;
	}
	is_u64((uint64_t)result, LISTENER_OK, "in a user namespace");
	says(" to 1073741823, or give CAP_NET_ADMIN (of the host, not of a user namespace)",
	    "with CAP_NET_ADMIN in a user namespace: the same");
}

/* A wildcard address, and a group that another socket joined for another port. */
static void
foreign_groups(bool v6)
{
	struct conf_listener any = listener_conf(v6 ? "::" : "0.0.0.0", PORT, ""),
			     foreign = listener_conf(v6 ? GROUP6 : GROUP4, PORT + 1, "d0");
	struct addr host = v6 ? sources6[1] : sources4[1];
	struct listener l, other;
	int fd;

	open_lanes(&any, 1, &l);
	open_lanes(&foreign, 1, &other);
	send_group(&host, v6 ? GROUP6 : GROUP4, "d0", 1);
	fd = sender(&host, 0, 0);
	send_number(fd, &host, PORT, 2);
	is_u64(wait_number(&l), 2, "%s: hears its host, and not a group that another program joined",
	    v6 ? "::" : "0.0.0.0");
	(void)close(fd);
	listener_close(&l);
	listener_close(&other);
}

int
main(void)
{
	listen_to_messages();
	stay_on_one_cpu();
	make_sources();
	chosen_sources(false);
	chosen_sources(true);
	limits();
	missing_interface();
	interface_returns("239.255.77.1");
	interface_returns("ff05::77:1");
	bound_to_device("10.77.1.1");
	bound_to_device("ff02::77:1");
	buffers();
	foreign_groups(false);
	foreign_groups(true);
	return done_testing();
}
