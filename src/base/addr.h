/* SPDX-License-Identifier: ISC
 *
 * An IP address as flowbraid stores and compares it everywhere: 16 bytes, IPv4 as IPv4-mapped IPv6
 * (RFC 4291 section 2.5.5.2), so that an exporter heard over a dual-stack socket is the same exporter.
 */
#ifndef FLOWBRAID_BASE_ADDR_H
#define FLOWBRAID_BASE_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

struct addr {
	uint8_t b[16];
};

#define ADDR_TEXT_SIZE 48

static inline int
addr_cmp(const struct addr *a, const struct addr *b)
{
	return memcmp(a->b, b->b, 16);
}
struct addr addr_v4(uint32_t host_order);
bool addr_is_v4(const struct addr *a);
bool addr_is_multicast(const struct addr *a);

/* Text without port; IPv4-mapped as dotted quad. Returns out. */
char *addr_text(const struct addr *a, char out[ADDR_TEXT_SIZE]);

/* Parses a numeric address. False when text is none; *ret is written only on success. */
bool addr_parse(const char *text, struct addr *ret);

/* From and to the kernel's form. Port in host order. addr_to_sockaddr gives AF_INET for IPv4. */
bool addr_from_sockaddr(const struct sockaddr *sa, struct addr *ret, uint16_t *ret_port);
socklen_t addr_to_sockaddr(const struct addr *a, uint16_t port, struct sockaddr_storage *ret);

/* A prefix: the first `bits` of addr (0..128; an IPv4 prefix counts from 96, so ::/0 has IPv4, too). */
struct prefix {
	struct addr addr;
	uint8_t bits;
};

/* "192.0.2.0/24", "2001:db8::/32", or a single address. Bits behind the prefix are cleared. */
bool prefix_parse(const char *text, struct prefix *ret);
bool prefix_has(const struct prefix *p, const struct addr *a);

#endif
