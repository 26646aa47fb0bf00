/* SPDX-License-Identifier: ISC
 *
 * See monitor_poll.h.
 */
#include "cluster/monitor_poll.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/util.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/loop.h"

#define HEADERS_MOST 16384

enum document { DOCUMENT_GAPS, DOCUMENT_STATUS, DOCUMENTS };

struct fetch {
	struct asked *of;
	struct evhttp_connection *connection; /* owned; ended outside of its own calls only */
	struct bufferevent *stream;           /* owned by the connection */
	struct buf body;
	bool done;
	int failed;                /* enum evhttp_request_error, or -1 */
	int error;                 /* errno of a connection that was not made; 0: none */
	bufferevent_event_cb call; /* the library's */
	void *call_ctx;
};

/* A node that is asked. */
struct asked {
	struct poll *poll;
	uint32_t node;
	bool busy;
	bool answered; /* it was told of; what is left of the connections is to be freed */
	mono_t since;
	struct node_told told;
	struct fetch fetch[DOCUMENTS];
};

struct poll {
	const struct monitor_conf *conf;
	struct event_base *base; /* borrowed */
	struct evdns_base *dns;
	SSL_CTX *tls; /* NULL: none is needed */
	poll_call *call;
	void *ctx;
	struct asked *nodes; /* one for each of conf's */
};

static const char *const paths[DOCUMENTS] = {"/gaps?since=", "/status"};

/* --- TLS --- */

static bool
tls_failed(struct buf *errors, const char *what, const char *file)
{
	char text[120];

	ERR_error_string_n(ERR_peek_last_error(), text, sizeof(text));
	ERR_clear_error();
	buf_printf(errors, "%s %s: cannot use it: %s\n", what, file, text);
	return false;
}

static bool
load_files(SSL_CTX *tls, const struct monitor_conf *c, struct buf *errors)
{
	if (c->ca == NULL ? SSL_CTX_set_default_verify_paths(tls) != 1
			  : SSL_CTX_load_verify_locations(tls, c->ca, NULL) != 1)
		return tls_failed(errors, "tls.ca", c->ca != NULL ? c->ca : "of the system");
	if (c->certificate != NULL && SSL_CTX_use_certificate_chain_file(tls, c->certificate) != 1)
		return tls_failed(errors, "tls.certificate", c->certificate);
	if (c->key != NULL &&
	    (SSL_CTX_use_PrivateKey_file(tls, c->key, SSL_FILETYPE_PEM) != 1 ||
		SSL_CTX_check_private_key(tls) != 1))
		return tls_failed(errors, "tls.key", c->key);
	return true;
}

static enum err
tls_new(const struct monitor_conf *c, SSL_CTX **ret, struct buf *errors)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	if (tls == NULL)
		return ERR_MEMORY;
	(void)SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	if (!load_files(tls, c, errors)) {
		SSL_CTX_free(tls);
		return ERR_MALFORMED;
	}
	*ret = tls;
	return ERR_OK;
}

/* The certificate is to be of the host that was asked for. */
static SSL *
ssl_for(SSL_CTX *tls, const char *host)
{
	SSL *ssl = SSL_new(tls);
	struct in6_addr ip;
	bool is_ip = inet_pton(AF_INET, host, &ip) == 1 || inet_pton(AF_INET6, host, &ip) == 1, good;

	if (ssl == NULL)
		return NULL;
	if (is_ip)
		good = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
	else
		good = SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
	if (good)
		return ssl;
	SSL_free(ssl);
	return NULL;
}

/* --- answers --- */

static void
end_fetches(struct asked *a)
{
	for (unsigned i = 0; i < DOCUMENTS; i++) {
		struct fetch *f = &a->fetch[i];

		if (f->connection != NULL)
			evhttp_connection_free(f->connection);
		f->connection = NULL;
		f->stream = NULL;
		f->done = false;
		buf_reset(&f->body);
	}
	a->busy = a->answered = false;
}

static void
tell(struct asked *a, const struct node_report *r, const char *why)
{
	a->answered = true;
	if (!a->poll->call(a->poll->ctx, a->node, r, why))
		node_told_forget(&a->told);
}

static void
tell_report(struct asked *a)
{
	const struct buf *gaps = &a->fetch[DOCUMENT_GAPS].body, *status = &a->fetch[DOCUMENT_STATUS].body;
	struct node_report r;
	const char *why = NULL;
	enum err e = node_report_read(
	    &a->told, (const char *)gaps->data, gaps->len, (const char *)status->data, status->len, &r, &why);

	if (e != ERR_OK) {
		tell(a, NULL, e == ERR_MALFORMED ? why : err_text(e));
		return;
	}
	tell(a, &r, NULL);
	node_report_clear(&r);
}

static const char *
why_not_connected(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return "connection refused";
	case EHOSTUNREACH:
	case ENETUNREACH:
		return "no way to it";
	case ETIMEDOUT:
		return "timed out";
	default:
		return "cannot connect";
	}
}

static const char *
why_failed(const struct fetch *f, int saved)
{
	const SSL *ssl = f->stream != NULL ? bufferevent_openssl_get_ssl(f->stream) : NULL;
	unsigned long tls = f->stream != NULL && ssl != NULL ? bufferevent_get_openssl_error(f->stream) : 0;

	if (f->stream != NULL && bufferevent_socket_get_dns_error(f->stream) != 0)
		return evutil_gai_strerror(bufferevent_socket_get_dns_error(f->stream));
	if (ssl != NULL && SSL_get_verify_result(ssl) != X509_V_OK)
		return X509_verify_cert_error_string(SSL_get_verify_result(ssl));
	if (tls != 0 && ERR_reason_error_string(tls) != NULL)
		return ERR_reason_error_string(tls);
	switch (f->failed) {
	case EVREQ_HTTP_DATA_TOO_LONG:
		return "its answer is too long";
	case EVREQ_HTTP_INVALID_HEADER:
		return "it does not speak HTTP";
	case EVREQ_HTTP_TIMEOUT:
		return "timed out";
	case EVREQ_HTTP_EOF:
		return "it ended the connection";
	default:
		return why_not_connected(f->error != 0 ? f->error : saved);
	}
}

static void
on_error(enum evhttp_request_error e, void *ctx)
{
	struct fetch *f = ctx;

	f->failed = (int)e;
}

static const char *
why_refused(int code)
{
	switch (code) {
	case HTTP_NOTFOUND:
		return "it has no /gaps or no /status: is this a flowbraid node?";
	case 401:
		return "it wants another user or password";
	case 403:
		return "it does not permit that";
	default:
		return "it answers with an error";
	}
}

static void
on_answer(struct evhttp_request *req, void *ctx)
{
	struct fetch *f = ctx;
	struct asked *a = f->of;
	int saved = EVUTIL_SOCKET_ERROR(), code = req != NULL ? evhttp_request_get_response_code(req) : 0;
	struct evbuffer *in = req != NULL ? evhttp_request_get_input_buffer(req) : NULL;
	size_t len = in != NULL ? evbuffer_get_length(in) : 0;
	uint8_t *to;

	if (a->answered)
		return;
	if (code != HTTP_OK) {
		tell(a, NULL, code == 0 ? why_failed(f, saved) : why_refused(code));
		return;
	}
	to = buf_room(&f->body, len);
	if (to == NULL || evbuffer_remove(in, to, len) != (int)len) {
		tell(a, NULL, err_text(ERR_MEMORY));
		return;
	}
	f->done = true;
	if (a->fetch[DOCUMENT_GAPS].done && a->fetch[DOCUMENT_STATUS].done)
		tell_report(a);
}

/* --- questions --- */

static struct bufferevent *
stream_for(struct poll *p, const struct monitor_node *n)
{
	SSL *ssl;
	struct bufferevent *b;

	if (!n->tls)
		return bufferevent_socket_new(p->base, -1, BEV_OPT_CLOSE_ON_FREE);
	ssl = ssl_for(p->tls, n->host);
	if (ssl == NULL)
		return NULL;
	b = bufferevent_openssl_socket_new(
	    p->base, -1, ssl, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (b == NULL)
		SSL_free(ssl);
	else
		bufferevent_openssl_set_allow_dirty_shutdown(b, 1); /* lengths are in headers */
	return b;
}

static bool
connect_to(struct poll *p, const struct monitor_node *n, struct fetch *f)
{
	struct timeval patience = {.tv_sec = p->conf->timeout_ns / NS_PER_SEC + 1};

	f->failed = -1;
	f->error = 0;
	f->stream = stream_for(p, n);
	if (f->stream == NULL)
		return false;
	f->connection = evhttp_connection_base_bufferevent_new(p->base, p->dns, f->stream, n->host, n->port);
	if (f->connection == NULL) {
		bufferevent_free(f->stream);
		f->stream = NULL;
		return false;
	}
	evhttp_connection_set_timeout_tv(f->connection, &patience);
	evhttp_connection_set_max_headers_size(f->connection, HEADERS_MOST);
	evhttp_connection_set_max_body_size(f->connection, (ev_ssize_t)p->conf->answer_most);
	return true;
}

/* Before the library, which loses the reason as it cleans up. With TLS a connection that is refused has an end. */
static void
on_connection(struct bufferevent *b, short what, void *ctx)
{
	struct fetch *f = ctx;

	if ((what & (BEV_EVENT_ERROR | BEV_EVENT_EOF)) != 0)
		f->error = EVUTIL_SOCKET_ERROR();
	f->call(b, what, f->call_ctx);
}

/* Until the connection is made; then the library sets its own again. */
static void
watch_connection(struct fetch *f)
{
	bufferevent_data_cb read, write;

	bufferevent_getcb(f->stream, &read, &write, &f->call, &f->call_ctx);
	if (f->call != NULL)
		bufferevent_setcb(f->stream, read, write, on_connection, f);
}

static bool
ask(struct poll *p, const struct monitor_node *n, struct fetch *f, const char *path, const char *token)
{
	struct evhttp_request *req;
	struct evkeyvalq *headers;
	struct buf text = BUF_INIT;
	bool good;

	if (!connect_to(p, n, f))
		return false;
	req = evhttp_request_new(on_answer, f);
	if (req == NULL)
		return false;
	evhttp_request_set_error_cb(req, on_error);
	headers = evhttp_request_get_output_headers(req);
	buf_printf(&text, strchr(n->host, ':') != NULL ? "[%s]:%u" : "%s:%u", n->host, n->port);
	buf_u8(&text, 0);
	good = buf_ok(&text) && evhttp_add_header(headers, "Host", (const char *)text.data) == 0 &&
	    evhttp_add_header(headers, "Connection", "close") == 0 &&
	    (n->authorization == NULL || evhttp_add_header(headers, "Authorization", n->authorization) == 0);
	buf_reset(&text);
	buf_printf(&text, "%s%s%s", n->base, path, token);
	buf_u8(&text, 0);
	if (!good || !buf_ok(&text))
		evhttp_request_free(req);
	else /* it belongs to the connection then */
		good = evhttp_make_request(f->connection, req, EVHTTP_REQ_GET, (const char *)text.data) == 0;
	buf_clear(&text);
	if (good && !f->of->answered)
		watch_connection(f);
	return good;
}

void
poll_round(struct poll *p, mono_t now)
{
	for (uint32_t i = 0; i < p->conf->node_count; i++) {
		struct asked *a = &p->nodes[i];

		if (a->busy && !a->answered && now.ns - a->since.ns < p->conf->timeout_ns)
			continue;
		if (a->busy && !a->answered)
			tell(a, NULL, "timed out");
		end_fetches(a);
		a->busy = true;
		a->since = now;
		for (unsigned k = 0; k < DOCUMENTS && !a->answered; k++) {
			if (!ask(p, &p->conf->nodes[i], &a->fetch[k], paths[k],
				k == DOCUMENT_GAPS ? a->told.token : "") &&
			    !a->answered)
				tell(a, NULL, "cannot connect");
		}
	}
}

bool
poll_is_done(const struct poll *p)
{
	for (uint32_t i = 0; i < p->conf->node_count; i++) {
		if (p->nodes[i].busy && !p->nodes[i].answered)
			return false;
	}
	return true;
}

/* --- life --- */

enum err
poll_new(struct loop *loop, const struct monitor_conf *conf, poll_call *call, void *ctx, struct poll **ret,
    struct buf *errors)
{
	struct poll *p = calloc(1, sizeof(*p));
	bool tls = false;
	enum err e = ERR_OK;

	if (p == NULL)
		return ERR_MEMORY;
	*p = (struct poll){.conf = conf, .base = loop_base(loop), .call = call, .ctx = ctx};
	p->nodes = calloc(conf->node_count + 1U, sizeof(*p->nodes));
	/* Names are asked for without waiting, too. What it has open does not keep the loop. */
	p->dns = evdns_base_new(
	    p->base, EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (p->dns == NULL)
		p->dns = evdns_base_new(p->base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	for (uint32_t i = 0; i < conf->node_count && p->nodes != NULL; i++) {
		p->nodes[i].poll = p;
		p->nodes[i].node = i;
		for (unsigned k = 0; k < DOCUMENTS; k++)
			p->nodes[i].fetch[k].of = &p->nodes[i];
		tls |= conf->nodes[i].tls;
	}
	if (p->nodes == NULL || p->dns == NULL)
		e = ERR_MEMORY;
	else if (tls)
		e = tls_new(conf, &p->tls, errors);
	if (e != ERR_OK) {
		poll_free(p);
		return e;
	}
	*ret = p;
	return ERR_OK;
}

enum err
poll_reload(struct poll *p, struct buf *errors)
{
	SSL_CTX *tls;
	enum err e;

	if (p->tls == NULL)
		return ERR_OK;
	e = tls_new(p->conf, &tls, errors);
	if (e != ERR_OK)
		return e;
	SSL_CTX_free(p->tls); /* connections hold it as long as they need it */
	p->tls = tls;
	return ERR_OK;
}

void
poll_free(struct poll *p)
{
	if (p == NULL)
		return;
	for (uint32_t i = 0; p->nodes != NULL && i < p->conf->node_count; i++) {
		p->nodes[i].answered = true; /* nobody is told any more */
		end_fetches(&p->nodes[i]);
		node_told_forget(&p->nodes[i].told);
		for (unsigned k = 0; k < DOCUMENTS; k++)
			buf_clear(&p->nodes[i].fetch[k].body);
	}
	free(p->nodes);
	if (p->dns != NULL) {
		/* Whoever waits for a name is told, and only then freed: connections that were given up. */
		evdns_base_free(p->dns, 1);
		(void)event_base_loop(p->base, EVLOOP_NONBLOCK);
	}
	SSL_CTX_free(p->tls);
	free(p);
}
