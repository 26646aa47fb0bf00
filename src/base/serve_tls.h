/* SPDX-License-Identifier: ISC
 *
 * OpenSSL's side of a server: TLS 1.2 and 1.3, ciphers with forward secrecy and authentication only, no renegotiation, and no
 * sessions that are gone on with, as they would outlast a reload.
 */
#ifndef FLOWBRAID_BASE_SERVE_TLS_H
#define FLOWBRAID_BASE_SERVE_TLS_H

#include "base/serve_secrets.h"

struct ssl_ctx_st; /* OpenSSL's SSL_CTX */
struct bufferevent;
struct event_base;

/* ERR_MALFORMED, and errors tells of the file (named as in files); or ERR_MEMORY. */
enum err serve_tls_new(const struct serve_secrets *s, const char *const files[SERVE_FILES],
    struct ssl_ctx_st **ret, struct buf *errors) WARN_UNUSED;
void serve_tls_free(struct ssl_ctx_st *tls); /* NULL is fine; connections go on */

/* For a connection that will be told of its descriptor. NULL: memory is out. */
struct bufferevent *serve_tls_connection(struct ssl_ctx_st *tls, struct event_base *base);

#endif
