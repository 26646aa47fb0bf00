/* SPDX-License-Identifier: ISC
 *
 * A bit of the stand-in is the bit of the address, turned over or not by a bit that the cipher makes of all bits before it. All
 * blocks of an address are encrypted at once. Addresses that were met are remembered, since flows repeat them.
 */
#include "flow/anonymise.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "flow/element.h"

#define BLOCK 16
#define MET_MOST 8192 /* a power of two */

struct met {
	uint8_t len; /* 0: empty */
	uint8_t address[16], stand_in[16];
};

struct anonymiser {
	EVP_CIPHER_CTX *cipher; /* owned */
	uint8_t pad[BLOCK];
	struct met met[MET_MOST];
};

static bool
encrypt(struct anonymiser *a, const uint8_t *in, uint8_t *out, size_t len)
{
	int done = 0;

	return EVP_EncryptUpdate(a->cipher, out, &done, in, (int)len) == 1 && done == (int)len;
}

enum err
anonymiser_new(const uint8_t key[ANONYMISE_KEY_SIZE], struct anonymiser **ret)
{
	struct anonymiser *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return ERR_MEMORY;
	a->cipher = EVP_CIPHER_CTX_new();
	if (a->cipher == NULL || EVP_EncryptInit_ex(a->cipher, EVP_aes_128_ecb(), NULL, key, NULL) != 1 ||
	    EVP_CIPHER_CTX_set_padding(a->cipher, 0) != 1 || !encrypt(a, key + BLOCK, a->pad, BLOCK)) {
		anonymiser_free(a);
		return ERR_SYSTEM;
	}
	*ret = a;
	return ERR_OK;
}

void
anonymiser_free(struct anonymiser *a)
{
	if (a == NULL)
		return;
	EVP_CIPHER_CTX_free(a->cipher);
	OPENSSL_cleanse(a, sizeof(*a));
	free(a);
}

/* Block number i: the first i bits of the address, and the pad's from there on. */
static void
make_blocks(const struct anonymiser *a, const uint8_t *bytes, size_t bits, uint8_t *ret)
{
	for (size_t i = 0; i < bits; i++) {
		uint8_t *block = ret + i * BLOCK, mask = (uint8_t)(0xff00 >> (i % 8));

		memcpy(block, a->pad, BLOCK);
		memcpy(block, bytes, i / 8);
		block[i / 8] = (uint8_t)((bytes[i / 8] & mask) | (a->pad[i / 8] & ~mask));
	}
}

static bool
make_stand_in(struct anonymiser *a, const uint8_t *bytes, size_t len, uint8_t *ret)
{
	uint8_t in[128 * BLOCK], out[128 * BLOCK];
	size_t bits = 8 * len;

	make_blocks(a, bytes, bits, in);
	if (!encrypt(a, in, out, bits * BLOCK))
		return false;
	memcpy(ret, bytes, len);
	for (size_t i = 0; i < bits; i++)
		ret[i / 8] ^= (uint8_t)((out[i * BLOCK] >> 7) << (7 - i % 8));
	return true;
}

enum err
anonymise_address(struct anonymiser *a, uint8_t *bytes, size_t len)
{
	struct met *m;

	if (len != 4 && len != 16)
		return ERR_MALFORMED;
	m = &a->met[hash_bytes(bytes, len) & (MET_MOST - 1)];
	if (m->len != len || memcmp(m->address, bytes, len) != 0) {
		m->len = 0;
		if (!make_stand_in(a, bytes, len, m->stand_in))
			return ERR_SYSTEM;
		memcpy(m->address, bytes, len);
		m->len = (uint8_t)len;
	}
	memcpy(bytes, m->stand_in, len);
	return ERR_OK;
}

/* --- flows --- */

/* ipHeaderPacketSection, ipPayloadPacketSection, dataLinkFrameSection, mplsLabelStackSection, mplsPayloadPacketSection, and the v9
 * numbers that came before them. */
static bool
is_section_of_packet(const struct tmpl_field *f)
{
	return f->pen == 0 && ((f->id >= 313 && f->id <= 317) || f->id == 103 || f->id == 104);
}

static enum err
rewrite(struct anonymiser *a, const struct tmpl_field *field, uint8_t *bytes, uint16_t len)
{
	const struct element *e = element_find(field->pen, field->id);
	uint8_t type = e != NULL ? e->type : (uint8_t)ELEMENT_OCTETS;

	if (type == ELEMENT_IPV4 || type == ELEMENT_IPV6) {
		if (len == 4 || len == 16)
			return anonymise_address(a, bytes, len);
		memset(bytes, 0, len); /* a cut one: what is there of it may tell enough */
	} else if (type >= ELEMENT_BASIC_LIST || is_section_of_packet(field)) {
		memset(bytes, 0, len);
	}
	return ERR_OK;
}

enum err
anonymise_flow(struct anonymiser *a, struct flow *f, struct buf *scratch)
{
	struct flow copy = *f;
	struct flow_walk w;
	struct flow_value v;
	enum err e = ERR_OK;

	buf_reset(scratch);
	buf_bytes(scratch, f->record.base, rd_left(&f->record) + rd_offset(&f->record));
	if (!buf_ok(scratch)) {
		buf_clear(scratch);
		return ERR_MEMORY;
	}
	copy.record = rd_init(scratch->data, scratch->len);
	flow_walk_init(&w, &copy);
	while (e == ERR_OK && flow_walk_next(&w, &v))
		e = rewrite(a, v.field, scratch->data + (v.bytes - scratch->data), v.len);
	if (e == ERR_OK)
		*f = copy;
	return e;
}
