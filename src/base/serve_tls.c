/* SPDX-License-Identifier: ISC
 *
 * Everything is read from memory, by OpenSSL's own readers.
 */
#include "base/serve_tls.h"

#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#define CHAIN_MOST 16           /* certificates in a file */
#define CLIENT_CHAIN_MOST 4     /* between a client and its CA */
#define CLIENT_BYTES_MOST 16384 /* of certificates that a client sends */

/* Without a question at the terminal. */
static int
no_password(char *out, int size, int writing, void *ctx)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

static enum err
bad(enum serve_file which, const char *const files[SERVE_FILES], const char *what, struct buf *errors)
{
	unsigned long code = ERR_peek_last_error();
	const char *why = code != 0 ? ERR_reason_error_string(code) : NULL;

	buf_printf(errors, "%s %s: %s%s%s\n", serve_file_names[which], files[which], what,
	    why != NULL ? ": " : "", why != NULL ? why : "");
	ERR_clear_error();
	return ERR_MALFORMED;
}

static BIO *
reader(const struct serve_secrets *s, enum serve_file which)
{
	return BIO_new_mem_buf(s->of[which].data, (int)s->of[which].len);
}

/* NULL at the end of the file; then *ret_bad tells whether it ends well. */
static X509 *
next_certificate(BIO *in, bool *ret_bad)
{
	X509 *x = PEM_read_bio_X509(in, NULL, no_password, NULL);

	if (x == NULL) {
		*ret_bad = ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
		if (!*ret_bad)
			ERR_clear_error();
	}
	return x;
}

static enum err
take_chain(SSL_CTX *tls, BIO *in, const char *const files[SERVE_FILES], struct buf *errors)
{
	bool broken = false;
	unsigned count = 0;
	X509 *x;

	while ((x = next_certificate(in, &broken)) != NULL) {
		bool good = ++count <= CHAIN_MOST &&
		    (count == 1 ? SSL_CTX_use_certificate(tls, x) : SSL_CTX_add1_chain_cert(tls, x)) == 1;

		X509_free(x);
		if (!good)
			return bad(SERVE_CERTIFICATE, files,
			    count > CHAIN_MOST ? "too many certificates" : "cannot be used", errors);
	}
	if (broken || count == 0)
		return bad(SERVE_CERTIFICATE, files,
		    count == 0 && !broken ? "no certificate (PEM) in it" : "is damaged", errors);
	return ERR_OK;
}

static enum err
take_key(SSL_CTX *tls, BIO *in, const char *const files[SERVE_FILES], struct buf *errors)
{
	EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, no_password, NULL);
	enum err e = ERR_OK;

	if (key == NULL)
		return bad(SERVE_KEY, files, "no private key (PEM, not encrypted) in it", errors);
	if (SSL_CTX_use_PrivateKey(tls, key) != 1 || SSL_CTX_check_private_key(tls) != 1)
		e = bad(SERVE_KEY, files, "is not the certificate's", errors);
	EVP_PKEY_free(key);
	return e;
}

static enum err
take_client_ca(SSL_CTX *tls, BIO *in, const char *const files[SERVE_FILES], struct buf *errors)
{
	X509_STORE *store = SSL_CTX_get_cert_store(tls);
	bool broken = false;
	unsigned count = 0;
	X509 *x;

	while ((x = next_certificate(in, &broken)) != NULL) {
		bool good = X509_STORE_add_cert(store, x) == 1 && SSL_CTX_add_client_CA(tls, x) == 1;

		X509_free(x);
		count++;
		if (!good)
			return bad(SERVE_CLIENT_CA, files, "cannot be used", errors);
	}
	if (broken || count == 0)
		return bad(SERVE_CLIENT_CA, files,
		    count == 0 && !broken ? "no certificate (PEM) in it" : "is damaged", errors);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_verify_depth(tls, CLIENT_CHAIN_MOST);
	return ERR_OK;
}

static bool
set_up(SSL_CTX *tls)
{
	(void)SSL_CTX_set_options(tls,
	    SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
		SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
	(void)SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
	(void)SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(tls, CLIENT_BYTES_MOST);
	return SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) == 1 &&
	    SSL_CTX_set_num_tickets(tls, 0) == 1 &&
	    SSL_CTX_set_cipher_list(tls, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1;
}

typedef enum err (*taker)(SSL_CTX *tls, BIO *in, const char *const files[SERVE_FILES], struct buf *errors);

enum err
serve_tls_new(const struct serve_secrets *s, const char *const files[SERVE_FILES], struct ssl_ctx_st **ret,
    struct buf *errors)
{
	static const taker takers[] = {
	    [SERVE_CERTIFICATE] = take_chain, [SERVE_KEY] = take_key, [SERVE_CLIENT_CA] = take_client_ca};
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	enum err e = tls != NULL && set_up(tls) ? ERR_OK : ERR_MEMORY;

	ERR_clear_error();
	for (unsigned i = 0; i <= SERVE_CLIENT_CA && e == ERR_OK; i++) {
		BIO *in;

		if (s->of[i].len == 0)
			continue;
		in = reader(s, (enum serve_file)i);
		e = in != NULL ? takers[i](tls, in, files, errors) : ERR_MEMORY;
		(void)BIO_free(in);
	}
	if (e == ERR_OK)
		*ret = tls;
	else
		SSL_CTX_free(tls);
	return e;
}

void
serve_tls_free(struct ssl_ctx_st *tls)
{
	SSL_CTX_free(tls);
}

struct bufferevent *
serve_tls_connection(struct ssl_ctx_st *tls, struct event_base *base)
{
	SSL *ssl = SSL_new(tls);
	struct bufferevent *b;

	if (ssl == NULL)
		return NULL;
	b = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (b == NULL)
		SSL_free(ssl);
	return b;
}
