/* SPDX-License-Identifier: ISC
 *
 * Addresses that stand for others: Crypto-PAn (Xu, Fan, Ammar, Moon: "Prefix-Preserving IP Address Anonymization", ICNP 2002),
 * with AES-128. Two addresses that share their first n bits have stand-ins that share their first n bits and no more; the
 * same key gives the same stand-ins, in any run and in other tools.
 */
#ifndef FLOWBRAID_FLOW_ANONYMISE_H
#define FLOWBRAID_FLOW_ANONYMISE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "flow/flow.h"

#define ANONYMISE_KEY_SIZE 32 /* the cipher's key, then what the pad is made of */

struct anonymiser;

enum err anonymiser_new(const uint8_t key[ANONYMISE_KEY_SIZE], struct anonymiser **ret) WARN_UNUSED;
void anonymiser_free(struct anonymiser *a); /* NULL is fine; the key is wiped */

/* In place, 4 or 16 bytes. */
enum err anonymise_address(struct anonymiser *a, uint8_t *bytes, size_t len) WARN_UNUSED;

/* Turns a flow into one whose record, a copy in scratch, has stand-ins for all addresses; lives until the next call with it.
 * What cannot be looked into and may hold addresses is overwritten with zeros: sections of packets, lists of structured data. The
 * exporter's address is not the flow's, and stays. ERR_MEMORY, ERR_SYSTEM: *f is as it was, and must not be shown. */
enum err anonymise_flow(struct anonymiser *a, struct flow *f, struct buf *scratch) WARN_UNUSED;

#endif
