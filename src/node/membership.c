/* SPDX-License-Identifier: ISC
 *
 * The options of RFC 3678 that serve both families: the first source makes the membership, and then the whole list
 * is set at once, which the kernel does by joining what is new before it leaves what is old. One report goes out.
 */
#include "node/membership.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

static int
level_of(const struct conf_listener *conf)
{
	return addr_is_v4(&conf->address) ? IPPROTO_IP : IPPROTO_IPV6;
}

static socklen_t
filter_size(size_t sources)
{
	return (socklen_t)GROUP_FILTER_SIZE(sources);
}

/* --- limits --- */

struct limit {
	const char *sysctl;
	const char *path;
	uint64_t needed;
};

#define LIMITS_MOST 3

static size_t
limits_of(const struct conf_listener *conf, unsigned memberships, struct limit out[LIMITS_MOST])
{
	bool v4 = addr_is_v4(&conf->address);
	size_t count = 0;

	if (v4)
		out[count++] = (struct limit){
		    "net.ipv4.igmp_max_memberships", "/proc/sys/net/ipv4/igmp_max_memberships", memberships};
	if (conf->join_source_count > 0)
		out[count++] = v4 ? (struct limit){"net.ipv4.igmp_max_msf", "/proc/sys/net/ipv4/igmp_max_msf",
					conf->join_source_count}
				  : (struct limit){"net.ipv6.mld_max_msf", "/proc/sys/net/ipv6/mld_max_msf",
					conf->join_source_count};
	if (conf->join_source_count > 1)
		out[count++] = (struct limit){"net.core.optmem_max", "/proc/sys/net/core/optmem_max",
		    filter_size(conf->join_source_count)};
	return count;
}

static bool
read_limit(const char *path, uint64_t *ret)
{
	char text[32];
	size_t len = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool good;

	if (fd < 0)
		return false; /* in a network namespace some are not shown */
	good = file_pread(fd, text, sizeof(text) - 1, 0, &len) == ERR_OK;
	(void)close(fd);
	text[len] = '\0';
	return good && sscanf(text, "%" SCNu64, ret) == 1;
}

bool
membership_fits(const struct conf_listener *conf, unsigned memberships, char why[MEMBERSHIP_TEXT_SIZE])
{
	struct limit limits[LIMITS_MOST];
	size_t count = limits_of(conf, memberships, limits);

	for (size_t i = 0; i < count; i++) {
		uint64_t value;

		if (!read_limit(limits[i].path, &value) || value >= limits[i].needed)
			continue;
		(void)snprintf(why, MEMBERSHIP_TEXT_SIZE, "%s is %" PRIu64 ", and %" PRIu64 " is needed",
		    limits[i].sysctl, value, limits[i].needed);
		return false;
	}
	return true;
}

void
membership_explain(const struct conf_listener *conf, unsigned memberships, char why[MEMBERSHIP_TEXT_SIZE])
{
	struct limit limits[LIMITS_MOST];
	size_t count = limits_of(conf, memberships, limits), used = 0;

	if (!membership_fits(conf, memberships, why))
		return;
	used = (size_t)snprintf(why, MEMBERSHIP_TEXT_SIZE, "the kernel's limits are too low; needed are");
	for (size_t i = 0; i < count && used < MEMBERSHIP_TEXT_SIZE; i++) {
		uint64_t value;
		bool known = read_limit(limits[i].path, &value);

		used += (size_t)snprintf(why + used, MEMBERSHIP_TEXT_SIZE - used, "%s %s %" PRIu64,
		    i > 0 ? "," : "", limits[i].sysctl, limits[i].needed);
		if (known && used < MEMBERSHIP_TEXT_SIZE)
			used += (size_t)snprintf(
			    why + used, MEMBERSHIP_TEXT_SIZE - used, " (it is %" PRIu64 ")", value);
	}
}

/* --- joining --- */

static void
put_address(const struct addr *a, struct sockaddr_storage *ret)
{
	(void)addr_to_sockaddr(a, 0, ret);
}

bool
membership_join(int fd, const struct conf_listener *conf, uint32_t ifindex)
{
	struct group_req any = {.gr_interface = ifindex};
	struct group_source_req one = {.gsr_interface = ifindex};
	int error;

	if (conf->join_source_count == 0) {
		put_address(&conf->address, &any.gr_group);
		return setsockopt(fd, level_of(conf), MCAST_JOIN_GROUP, &any, sizeof(any)) == 0;
	}
	put_address(&conf->address, &one.gsr_group);
	put_address(&conf->join_sources[0], &one.gsr_source);
	if (setsockopt(fd, level_of(conf), MCAST_JOIN_SOURCE_GROUP, &one, sizeof(one)) != 0)
		return false;
	if (conf->join_source_count == 1 || membership_set_sources(fd, conf, ifindex))
		return true;
	error = errno;
	(void)membership_leave(fd, conf, ifindex);
	errno = error;
	return false;
}

bool
membership_leave(int fd, const struct conf_listener *conf, uint32_t ifindex)
{
	struct group_req group = {.gr_interface = ifindex};

	put_address(&conf->address, &group.gr_group);
	return setsockopt(fd, level_of(conf), MCAST_LEAVE_GROUP, &group, sizeof(group)) == 0;
}

bool
membership_set_sources(int fd, const struct conf_listener *conf, uint32_t ifindex)
{
	size_t count = conf->join_source_count;
	socklen_t size = filter_size(count > 0 ? count : 1);
	struct group_filter *f = calloc(1, size);
	bool good;

	if (f == NULL)
		return false;
	f->gf_interface = ifindex;
	put_address(&conf->address, &f->gf_group);
	f->gf_fmode = count > 0 ? MCAST_INCLUDE : MCAST_EXCLUDE; /* none excluded: every source */
	f->gf_numsrc = (uint32_t)count;
	for (size_t i = 0; i < count; i++)
		put_address(&conf->join_sources[i], &f->gf_slist[i]);
	good = setsockopt(fd, level_of(conf), MCAST_MSFILTER, f, filter_size(count)) == 0;
	free(f);
	return good;
}
