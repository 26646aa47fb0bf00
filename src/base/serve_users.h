/* SPDX-License-Identifier: ISC
 *
 * Who may ask: basic authentication against lines "user:hash" with crypt(3)'s bcrypt, SHA-256 or SHA-512 hashes. Hashes cost time by
 * design, so they have a share of it: known answers are remembered (of a password a keyed digest, never itself), a client that
 * is often wrong waits, and so does everybody when the share is used up, but for those who are known.
 */
#ifndef FLOWBRAID_BASE_SERVE_USERS_H
#define FLOWBRAID_BASE_SERVE_USERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#define SERVE_USERS_MOST 1024
#define SERVE_NAME_SIZE 128
#define SERVE_PASSWORD_SIZE 256

struct serve_users;

/* ERR_MALFORMED, and errors has a line "users NAME: line N: what is wrong" for each fault; or ERR_MEMORY. */
enum err serve_users_new(
    const struct buf *text, const char *name, struct serve_users **ret, struct buf *errors) WARN_UNUSED;
void serve_users_free(struct serve_users *u); /* wipes; NULL is fine */

enum serve_verdict {
	SERVE_KNOWN,
	SERVE_UNKNOWN, /* nobody, or wrong */
	SERVE_LATER,   /* there is no time to find out now */
};

/* authorization: the header's value, or NULL. The time that hashes take is measured by clock. */
enum serve_verdict serve_users_ask(
    struct serve_users *u, const char *authorization, const struct addr *client, mono_t (*clock)(void));
uint64_t serve_users_hashes(const struct serve_users *u); /* computed so far */

/* "Basic ...": false when it is no such thing, or name or password is too long. */
bool serve_basic_parse(
    const char *authorization, char name[SERVE_NAME_SIZE], char password[SERVE_PASSWORD_SIZE]);

#endif
