/* SPDX-License-Identifier: ISC
 *
 * Reads flowd's stores, versions 2 and 3: flow records with a bitmap of the fields that they have, in which order these follow.
 * Bytes come from the caller, who does the I/O. What cannot be believed is told as damage, and reading goes on at the next
 * record that can; nothing is passed over in silence.
 *
 * A record is believed when its checksum is right. Those without one (flowd gave none to NetFlow v9) are believed in version 3
 * when head, bitmap and length agree. In version 2 there is nothing but the bitmap: it must be one that was seen
 * before, or something that looks like a record must follow.
 */
#ifndef FLOWBRAID_FLOW_FLOWD_STORE_H
#define FLOWBRAID_FLOW_FLOWD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { FLOWD_V2 = 2, FLOWD_V3 = 3 }; /* versions of the format */

/* Bits of the bitmap. */
#define FLOWD_TAG (1u << 0)
#define FLOWD_RECV_TIME (1u << 1)
#define FLOWD_PROTO_FLAGS_TOS (1u << 2)
#define FLOWD_AGENT_ADDR4 (1u << 3)
#define FLOWD_AGENT_ADDR6 (1u << 4)
#define FLOWD_SRC_ADDR4 (1u << 5)
#define FLOWD_SRC_ADDR6 (1u << 6)
#define FLOWD_DST_ADDR4 (1u << 7)
#define FLOWD_DST_ADDR6 (1u << 8)
#define FLOWD_GATEWAY_ADDR4 (1u << 9)
#define FLOWD_GATEWAY_ADDR6 (1u << 10)
#define FLOWD_SRCDST_PORT (1u << 11)
#define FLOWD_PACKETS (1u << 12)
#define FLOWD_OCTETS (1u << 13)
#define FLOWD_IF_INDICES (1u << 14)
#define FLOWD_AGENT_INFO (1u << 15)
#define FLOWD_FLOW_TIMES (1u << 16)
#define FLOWD_AS_INFO (1u << 17)
#define FLOWD_FLOW_ENGINE_INFO (1u << 18)
#define FLOWD_CRC32 (1u << 30)

#define FLOWD_FILE_HEADER_SIZE 16             /* version 2 */
#define FLOWD_RECORD_MOST (8 + 4 * UINT8_MAX) /* bytes of a record, by its length; by its bitmap it is less */

/* What fields says is there; the rest is 0. */
struct flowd_record {
	uint32_t fields;
	uint32_t size; /* on disk */
	uint32_t tag;
	uint32_t recv_sec, recv_usec;
	uint8_t tcp_flags, protocol, tos;
	uint8_t src_mask, dst_mask;
	const uint8_t *agent4, *agent6, *src4, *src6, *dst4, *dst6, *gateway4,
	    *gateway6; /* into the record's bytes */
	uint16_t src_port, dst_port;
	uint64_t packets, octets;
	uint32_t if_in, if_out;
	uint32_t uptime_ms, export_sec, export_nsec; /* AGENT_INFO */
	uint16_t netflow;                            /* version of what the agent sent */
	uint32_t start_ms, finish_ms;                /* by the agent's uptime */
	uint32_t src_as, dst_as;
	uint16_t engine_type, engine_id; /* as they stand there */
	uint32_t sequence, source_id;
};

/* What is wrong at an offset. */
struct flowd_damage {
	uint64_t offset;
	uint64_t lost; /* bytes passed over from there; 0: none, what stands there is taken all the same */
	bool torn;     /* the store ends there */
	char text[160];
};

/* One record at the beginning of bytes. ERR_CUT: it is longer than len; ERR_MALFORMED; ERR_CHECKSUM. Then ret_why->text says what was
 * expected and found, and *ret is not written, unless the error is but the length of version 3 that contradicts the bitmap: then
 * it is what the bitmap says, and ret->size is not 0 (ERR_MALFORMED). */
enum err flowd_record_read(int version, const uint8_t *bytes, size_t len, struct flowd_record *ret,
    struct flowd_damage *ret_why) WARN_UNUSED;

/* The version whose store begins so; damaged ones are recognised, too. 0: no store at all. The more bytes the better. */
int flowd_recognise(const uint8_t *bytes, size_t len);

/* Fills dst; *ret_len is less than len only at the end. */
typedef enum err flowd_read(void *ctx, void *dst, size_t len, size_t *ret_len);

struct flowd_store;

/* Reads the beginning. ERR_UNKNOWN: no store; ERR_MEMORY; what read answers. An empty one is none. */
enum err flowd_store_open(flowd_read *read, void *ctx, struct flowd_store **ret) WARN_UNUSED;
void flowd_store_close(struct flowd_store *s); /* NULL is fine */

int flowd_store_version(const struct flowd_store *s);
uint32_t flowd_store_begun(const struct flowd_store *s);  /* seconds since 1970, of version 2; else 0 */
uint64_t flowd_store_offset(const struct flowd_store *s); /* of the record that was given last */

enum flowd_step { FLOWD_RECORD, FLOWD_DAMAGE, FLOWD_END, FLOWD_ERROR };

/* *ret and its bytes live until the next call. FLOWD_ERROR: *ret_error is what read answered. */
enum flowd_step flowd_store_next(struct flowd_store *s, struct flowd_record *ret, const uint8_t **ret_bytes,
    struct flowd_damage *ret_damage, enum err *ret_error);

#endif
