/* SPDX-License-Identifier: ISC
 *
 * What a server needs that others must not see: its key, with certificates, and who may ask. Files are read and checked by who may
 * read them; what stands in them is handed to the process that serves in a descriptor, and is nowhere else for long.
 */
#ifndef FLOWBRAID_BASE_SERVE_SECRETS_H
#define FLOWBRAID_BASE_SERVE_SECRETS_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/err.h"

#define SERVE_FILE_MOST (256U << 10)

enum serve_file {
	SERVE_CERTIFICATE, /* PEM: its chain, the server's own first */
	SERVE_KEY,         /* PEM, not encrypted */
	SERVE_CLIENT_CA,   /* PEM: whoever has a certificate of one of these may ask, and nobody else */
	SERVE_USERS,       /* lines "user:hash", see serve_users.h */
	SERVE_FILES
};
/* The keys of a configuration: "certificate", "key", "client_ca", "users". */
extern const char *const serve_file_names[SERVE_FILES];

/* What is wrong with serving these files (NULL or "": none) on this address, which others may reach; NULL: nothing. */
const char *serve_refusal(const struct addr *address, const char *const files[SERVE_FILES], bool public);
bool serve_is_local(const struct addr *address); /* nobody else reaches it */

struct serve_secrets {
	struct buf of[SERVE_FILES]; /* empty: none */
};

/* Reads the files (NULL or "": none) and checks what stands in them. Otherwise ERR_MALFORMED or ERR_SYSTEM, and errors has a line
 * "certificate /path: what is wrong" for each fault; or ERR_MEMORY. */
enum err serve_secrets_load(
    const char *const files[SERVE_FILES], struct serve_secrets *ret, struct buf *errors) WARN_UNUSED;
/* Wipes it. */
void serve_secrets_clear(struct serve_secrets *s);
bool serve_secrets_equal(const struct serve_secrets *a, const struct serve_secrets *b);

/* For another process: an anonymous file that nobody can change. */
enum err serve_secrets_pack(const struct serve_secrets *s, int *ret_fd) WARN_UNUSED;
enum err serve_secrets_unpack(int fd, struct serve_secrets *ret) WARN_UNUSED;

#endif
