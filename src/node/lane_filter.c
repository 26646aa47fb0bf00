/* SPDX-License-Identifier: ISC
 *
 * A socket's filter sees a datagram from its UDP header on, the one that chooses a socket from its payload on;
 * both reach the IP header through SKF_NET_OFF. A program that reads behind the datagram's end answers 0, so only
 * what is always there is read.
 */
#include "node/lane_filter.h"

#include <stdint.h>
#include <sys/types.h>

#define V4_SOURCE 12
#define V6_SOURCE 8
#define V6_NEXT 6
#define V6_HEADER 40
#define UDP 17
#define ACCEPT_ALL 0x40000 /* bytes of the datagram that are kept: more than there can be */

/* Odd, with their bits spread: those of MurmurHash3 and the golden ratio. */
#define FACTOR_PORT 0x9e3779b1U
#define FACTOR_WORD 0x85ebca6bU
#define FACTOR_LAST 0xc2b2ae35U

struct program {
	struct sock_filter *out;
	size_t count;
};

static void
put_jump(struct program *p, int code, uint32_t k, uint8_t yes, uint8_t no)
{
	p->out[p->count++] = (struct sock_filter){.code = (uint16_t)code, .jt = yes, .jf = no, .k = k};
}

static void
put(struct program *p, int code, uint32_t k)
{
	put_jump(p, code, k, 0, 0);
}

static uint32_t
of_ip_header(uint32_t offset)
{
	return (uint32_t)SKF_NET_OFF + offset;
}

/* A ^= A >> bits: what multiplication moved up comes down again. */
static void
put_fold(struct program *p, uint32_t bits)
{
	put(p, BPF_MISC | BPF_TAX, 0);
	put(p, BPF_ALU | BPF_RSH | BPF_K, bits);
	put(p, BPF_ALU | BPF_XOR | BPF_X, 0);
}

/* The port in A becomes the lane in A. */
static void
put_hash(struct program *p, bool v6, unsigned lanes)
{
	uint32_t at = of_ip_header(v6 ? V6_SOURCE : V4_SOURCE);

	put(p, BPF_ALU | BPF_MUL | BPF_K, FACTOR_PORT);
	for (int word = 0; word < (v6 ? 4 : 1); word++) {
		put(p, BPF_MISC | BPF_TAX, 0);
		put(p, BPF_LD | BPF_W | BPF_ABS, at + (uint32_t)word * 4);
		put(p, BPF_ALU | BPF_XOR | BPF_X, 0);
		put(p, BPF_ALU | BPF_MUL | BPF_K, FACTOR_WORD);
	}
	put_fold(p, 16);
	put(p, BPF_ALU | BPF_MUL | BPF_K, FACTOR_LAST);
	put_fold(p, 15);
	put(p, BPF_ALU | BPF_MOD | BPF_K, lanes);
}

size_t
lane_filter_make(bool v6, unsigned lane, unsigned lanes, struct sock_filter out[LANE_FILTER_MOST])
{
	struct program p = {.out = out};

	put(&p, BPF_LD | BPF_H | BPF_ABS, 0); /* of the UDP header: the source port */
	put_hash(&p, v6, lanes);
	put_jump(&p, BPF_JMP | BPF_JEQ | BPF_K, lane, 0, 1);
	put(&p, BPF_RET | BPF_K, ACCEPT_ALL);
	put(&p, BPF_RET | BPF_K, 0);
	return p.count;
}

size_t
lane_select_make(bool v6, unsigned lanes, struct sock_filter out[LANE_FILTER_MOST])
{
	struct program p = {.out = out};

	if (v6) { /* behind extension headers the port is not looked for: the address alone decides */
		put(&p, BPF_LD | BPF_B | BPF_ABS, of_ip_header(V6_NEXT));
		put_jump(&p, BPF_JMP | BPF_JEQ | BPF_K, UDP, 0, 2);
		put(&p, BPF_LD | BPF_H | BPF_ABS, of_ip_header(V6_HEADER));
		put(&p, BPF_JMP | BPF_JA, 1);
		put(&p, BPF_LD | BPF_IMM, 0);
	} else {
		put(&p, BPF_LDX | BPF_B | BPF_MSH, of_ip_header(0)); /* X: length of the header */
		put(&p, BPF_LD | BPF_H | BPF_IND, of_ip_header(0));
	}
	put_hash(&p, v6, lanes);
	put(&p, BPF_RET | BPF_A, 0);
	return p.count;
}
