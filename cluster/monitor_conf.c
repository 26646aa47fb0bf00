/* SPDX-License-Identifier: ISC
 *
 * See monitor_conf.h.
 */
#include "cluster/monitor_conf.h"

#include <errno.h>
#include <event2/http.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libconfig.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cluster/command.h"

#define PASSWORD_MOST 1024
#define SECOND NS_PER_SEC

void
monitor_conf_init(struct monitor_conf *c)
{
	*c = (struct monitor_conf){.answer_most = 32U << 20};
}

static void
clear_node(struct monitor_node *n)
{
	free(n->url);
	free(n->host);
	free(n->base);
	if (n->authorization != NULL)
		explicit_bzero(n->authorization, strlen(n->authorization));
	free(n->authorization);
}

void
monitor_conf_clear(struct monitor_conf *c)
{
	for (uint32_t i = 0; i < c->node_count; i++)
		clear_node(&c->nodes[i]);
	for (unsigned i = 0; i < SERVE_FILES; i++)
		free(c->files[i]);
	free(c->nodes);
	free(c->cluster);
	free(c->ca);
	free(c->certificate);
	free(c->key);
	free(c->page);
	monitor_conf_init(c);
}

/* --- nodes --- */

static char *
text_of(struct buf *b)
{
	buf_u8(b, 0);
	if (buf_ok(b))
		return (char *)b->data;
	buf_clear(b);
	return NULL;
}

/* "Basic ..." of "user:password". */
static char *
basic_of(const char *userinfo)
{
	size_t len = strlen(userinfo), room = 7 + (len + 2) / 3 * 4;
	char *text = malloc(room);

	if (text == NULL)
		return NULL;
	memcpy(text, "Basic ", 6);
	(void)EVP_EncodeBlock((unsigned char *)text + 6, (const unsigned char *)userinfo, (int)len);
	return text;
}

static bool
set_userinfo(struct monitor_node *n, const char *encoded)
{
	char *plain = evhttp_uridecode(encoded, 0, NULL);

	n->authorization = plain != NULL ? basic_of(plain) : NULL;
	free(plain);
	return n->authorization != NULL;
}

/* Its parts. false: memory is out. */
static bool
set_parts(struct monitor_node *n, const struct evhttp_uri *uri)
{
	const char *host = evhttp_uri_get_host(uri), *path = evhttp_uri_get_path(uri),
		   *userinfo = evhttp_uri_get_userinfo(uri);
	size_t host_len = strlen(host), base_len = path != NULL ? strlen(path) : 0;
	struct buf url = BUF_INIT;

	n->tls = strcmp(evhttp_uri_get_scheme(uri), "https") == 0;
	n->port = (uint16_t)(evhttp_uri_get_port(uri) > 0 ? evhttp_uri_get_port(uri) : n->tls ? 443 : 80);
	while (base_len > 0 && path[base_len - 1] == '/')
		base_len--;
	buf_printf(&url, "%s://%s:%u%.*s", n->tls ? "https" : "http", host, n->port, (int)base_len,
	    path != NULL ? path : "");
	n->url = text_of(&url);
	n->host = host[0] == '[' ? strndup(host + 1, host_len - 2) : strdup(host);
	n->base = strndup(path != NULL ? path : "", base_len);
	return n->url != NULL && n->host != NULL && n->base != NULL &&
	    (userinfo == NULL || set_userinfo(n, userinfo));
}

bool
monitor_conf_node(struct monitor_conf *c, const char *url, struct buf *errors)
{
	struct evhttp_uri *uri = evhttp_uri_parse(url);
	const char *scheme = uri != NULL ? evhttp_uri_get_scheme(uri) : NULL,
		   *host = uri != NULL ? evhttp_uri_get_host(uri) : NULL;
	struct monitor_node *more, n = {.url = NULL};
	bool good = false;

	/* The address may hold a password: it is not repeated. */
	if (scheme == NULL || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0) || host == NULL ||
	    host[0] == '\0' || (host[0] == '[' && host[strlen(host) - 1] != ']') ||
	    evhttp_uri_get_query(uri) != NULL || evhttp_uri_get_port(uri) == 0 ||
	    evhttp_uri_get_port(uri) > UINT16_MAX) {
		buf_printf(errors,
		    "node %" PRIu32 ": expected http://HOST:PORT or https://USER:PASSWORD@HOST:PORT\n",
		    c->node_count + 1);
	} else if (c->node_count == VIEW_NODES_MOST) {
		buf_printf(errors, "nodes: expected at most %d\n", VIEW_NODES_MOST);
	} else {
		more = reallocarray(c->nodes, c->node_count + 1U, sizeof(*more));
		if (more != NULL)
			c->nodes = more;
		good = more != NULL && set_parts(&n, uri);
		if (good)
			c->nodes[c->node_count++] = n;
		else
			buf_text(errors, "out of memory\n");
	}
	if (uri != NULL)
		evhttp_uri_free(uri);
	if (!good)
		clear_node(&n);
	return good;
}

/* --- values --- */

bool
monitor_conf_duration(const char *name, const char *text, int64_t low, int64_t *ret_ns, struct buf *errors)
{
	int64_t ns;

	if (command_duration(text, &ns) && ns >= low && ns <= 31 * 86400 * SECOND) {
		*ret_ns = ns;
		return true;
	}
	buf_printf(errors,
	    "%s: expected a duration such as \"3h\", from %" PRIi64 " ms to 31 days, found \"%s\"\n", name,
	    (int64_t)(low / NS_PER_MSEC), text);
	return false;
}

/* "192.0.2.1:8080", "[::1]:8080" */
bool
monitor_conf_listen(struct monitor_conf *c, const char *text, struct buf *errors)
{
	const char *colon = strrchr(text, ':');
	char host[ADDR_TEXT_SIZE];
	size_t len = colon != NULL ? (size_t)(colon - text) : 0;
	unsigned long port = 0;
	char *end = NULL;

	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (colon != NULL && colon[1] >= '0' && colon[1] <= '9')
		port = strtoul(colon + 1, &end, 10);
	if (end == NULL || *end != '\0' || port == 0 || port > UINT16_MAX || len == 0 ||
	    len >= sizeof(host)) {
		buf_printf(errors, "--listen: expected ADDRESS:PORT, found \"%s\"\n", text);
		return false;
	}
	memcpy(host, text, len);
	host[len] = '\0';
	if (!addr_parse(host, &c->address)) {
		buf_printf(errors, "--listen: expected a numeric address, found \"%s\"\n", host);
		return false;
	}
	c->port = (uint16_t)port;
	c->listens = true;
	return true;
}

/* --- the file --- */

struct reading {
	struct monitor_conf *c;
	const char *path;
	struct buf *errors;
	bool failed;
};

static void __attribute__((format(printf, 3, 4)))
fault(struct reading *r, const config_setting_t *at, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_printf(r->errors, "%s line %u: %s%s%s\n", r->path, (unsigned)config_setting_source_line(at),
	    config_setting_name(at) != NULL ? config_setting_name(at) : "",
	    config_setting_name(at) != NULL ? ": " : "", text);
	r->failed = true;
}

static const char *
text_at(struct reading *r, const config_setting_t *at)
{
	const char *text = config_setting_get_string(at);

	if (text == NULL || text[0] == '\0')
		fault(r, at, "expected a string");
	return text != NULL && text[0] != '\0' ? text : NULL;
}

static void
set_text(struct reading *r, const config_setting_t *at, char **to)
{
	const char *text = text_at(r, at);

	if (text == NULL || *to != NULL) /* an option said so already */
		return;
	*to = strdup(text);
	r->failed |= *to == NULL;
}

static void
set_duration(struct reading *r, const config_setting_t *at, int64_t low, int64_t *to)
{
	const char *text = text_at(r, at);
	struct buf why = BUF_INIT;
	int64_t ns;

	if (text == NULL)
		return;
	if (!monitor_conf_duration(config_setting_name(at), text, low, &ns, &why)) {
		buf_printf(r->errors, "%s line %u: %.*s", r->path, (unsigned)config_setting_source_line(at),
		    (int)why.len, (const char *)why.data);
		r->failed = true;
	} else if (*to == 0) {
		*to = ns;
	}
	buf_clear(&why);
}

static void
set_number(struct reading *r, const config_setting_t *at, int64_t low, int64_t high, uint64_t *to)
{
	int type = config_setting_type(at);
	int64_t v = type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64 ? config_setting_get_int64(at)
									 : low - 1;

	if (v < low || v > high)
		fault(r, at, "expected a number from %" PRIi64 " to %" PRIi64, low, high);
	else if (*to == 0)
		*to = (uint64_t)v;
}

static void
set_bool(struct reading *r, const config_setting_t *at, bool *to)
{
	if (config_setting_type(at) != CONFIG_TYPE_BOOL)
		fault(r, at, "expected true or false");
	else
		*to = config_setting_get_bool(at) != 0;
}

typedef void member_call(struct reading *r, const char *key, const config_setting_t *at, void *ctx);

static void
each_member(struct reading *r, const config_setting_t *group, member_call *call, void *ctx)
{
	if (!config_setting_is_group(group)) {
		fault(r, group, "expected a group, { ... }");
		return;
	}
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *at = config_setting_get_elem(group, (unsigned)i);

		call(r, config_setting_name(at), at, ctx);
	}
}

static void
unknown(struct reading *r, const config_setting_t *at)
{
	fault(r, at, "no such key");
}

struct node_keys {
	const config_setting_t *url, *user, *password_file;
};

static void
node_member(struct reading *r, const char *key, const config_setting_t *at, void *ctx)
{
	struct node_keys *k = ctx;

	if (strcmp(key, "url") == 0)
		k->url = at;
	else if (strcmp(key, "user") == 0)
		k->user = at;
	else if (strcmp(key, "password_file") == 0)
		k->password_file = at;
	else
		unknown(r, at);
}

/* The user, and the first line of the file. */
static void
read_password(struct reading *r, const struct node_keys *k, struct monitor_node *n)
{
	const char *user = text_at(r, k->user), *path = text_at(r, k->password_file);
	struct buf text = BUF_INIT, file = BUF_INIT;
	enum err e;

	if (user == NULL || path == NULL)
		return;
	e = file_slurp(AT_FDCWD, path, PASSWORD_MOST, &file);
	if (e != ERR_OK) {
		fault(r, k->password_file, "%s: cannot read: %s", path,
		    e == ERR_LIMIT ? "too large" : err_text(e));
	} else {
		size_t len = 0;

		while (len < file.len && file.data[len] != '\n' && file.data[len] != '\0')
			len++;
		buf_printf(&text, "%s:%.*s", user, (int)len, (const char *)file.data);
		buf_u8(&text, 0);
		free(n->authorization);
		n->authorization = buf_ok(&text) ? basic_of((const char *)text.data) : NULL;
		r->failed |= n->authorization == NULL;
	}
	if (file.len > 0)
		explicit_bzero(file.data, file.len);
	if (text.len > 0)
		explicit_bzero(text.data, text.len);
	buf_clear(&file);
	buf_clear(&text);
}

static void
read_node(struct reading *r, const config_setting_t *at)
{
	struct node_keys k = {.url = at};
	const char *url;
	struct buf why = BUF_INIT;

	if (config_setting_is_group(at)) {
		k.url = NULL;
		each_member(r, at, node_member, &k);
		if (k.url == NULL)
			fault(r, at, "expected url");
	}
	url = k.url != NULL ? text_at(r, k.url) : NULL;
	if (url != NULL && !monitor_conf_node(r->c, url, &why)) {
		fault(r, at, "%.*s", (int)(why.len > 0 ? why.len - 1 : 0), (const char *)why.data);
	} else if (url != NULL && (k.user != NULL || k.password_file != NULL)) {
		if (k.user == NULL || k.password_file == NULL)
			fault(r, at, "user and password_file go together");
		else
			read_password(r, &k, &r->c->nodes[r->c->node_count - 1]);
	}
	buf_clear(&why);
}

static void
tls_member(struct reading *r, const char *key, const config_setting_t *at, void *ctx)
{
	(void)ctx;
	if (strcmp(key, "ca") == 0)
		set_text(r, at, &r->c->ca);
	else if (strcmp(key, "certificate") == 0)
		set_text(r, at, &r->c->certificate);
	else if (strcmp(key, "key") == 0)
		set_text(r, at, &r->c->key);
	else
		unknown(r, at);
}

static void
listen_member(struct reading *r, const char *key, const config_setting_t *at, void *ctx)
{
	bool *option = ctx; /* --listen says where */
	const char *text;
	uint64_t port = 0;

	for (unsigned i = 0; i < SERVE_FILES; i++) {
		if (strcmp(key, serve_file_names[i]) == 0) {
			set_text(r, at, &r->c->files[i]);
			return;
		}
	}
	if (strcmp(key, "public") == 0) {
		set_bool(r, at, &r->c->is_public);
	} else if (strcmp(key, "port") == 0) {
		set_number(r, at, 1, UINT16_MAX, &port);
		if (!*option)
			r->c->port = (uint16_t)port;
	} else if (strcmp(key, "address") == 0) {
		struct addr a;

		text = text_at(r, at);
		if (text != NULL && !addr_parse(text, &a))
			fault(r, at, "expected a numeric address");
		else if (text != NULL && !*option)
			r->c->address = a;
	} else {
		unknown(r, at);
	}
}

static void
read_listen(struct reading *r, const config_setting_t *at)
{
	bool option = r->c->listens;

	if (!option)
		(void)addr_parse("127.0.0.1", &r->c->address);
	each_member(r, at, listen_member, &option);
	if (r->c->port == 0 && !r->failed)
		fault(r, at, "expected port");
	r->c->listens = true;
}

static void
read_nodes(struct reading *r, const config_setting_t *at, bool options)
{
	if (!config_setting_is_list(at) && !config_setting_is_array(at)) {
		fault(r, at, "expected a list of addresses, ( \"http://...\", ... )");
		return;
	}
	for (int i = 0; !options && i < config_setting_length(at); i++)
		read_node(r, config_setting_get_elem(at, (unsigned)i));
}

static void
top_member(struct reading *r, const char *key, const config_setting_t *at, void *ctx)
{
	struct monitor_conf *c = r->c;
	const bool *options = ctx;

	if (strcmp(key, "cluster") == 0)
		set_text(r, at, &c->cluster);
	else if (strcmp(key, "nodes") == 0)
		read_nodes(r, at, *options);
	else if (strcmp(key, "tls") == 0)
		each_member(r, at, tls_member, NULL);
	else if (strcmp(key, "listen") == 0)
		read_listen(r, at);
	else if (strcmp(key, "window") == 0)
		set_duration(r, at, VIEW_BUCKETS * SECOND, &c->window_ns);
	else if (strcmp(key, "interval") == 0)
		set_duration(r, at, SECOND / 5, &c->interval_ns);
	else if (strcmp(key, "timeout") == 0)
		set_duration(r, at, SECOND / 5, &c->timeout_ns);
	else if (strcmp(key, "streams") == 0)
		set_number(r, at, 1, VIEW_STREAMS_MOST, &c->streams);
	else if (strcmp(key, "series") == 0)
		set_number(r, at, 1, 1000000, &c->series);
	else if (strcmp(key, "page") == 0)
		set_text(r, at, &c->page);
	else
		unknown(r, at);
}

bool
monitor_conf_parse(struct monitor_conf *c, const char *text, const char *path, struct buf *errors)
{
	struct reading r = {.c = c, .path = path, .errors = errors};
	bool options = c->node_count > 0; /* --node says which */
	config_t tree;

	config_init(&tree);
	if (config_read_string(&tree, text) == CONFIG_TRUE) {
		each_member(&r, config_root_setting(&tree), top_member, &options);
	} else {
		buf_printf(
		    errors, "%s line %d: %s\n", path, config_error_line(&tree), config_error_text(&tree));
		r.failed = true;
	}
	config_destroy(&tree);
	return !r.failed;
}

/* --- the whole --- */

bool
monitor_conf_finish(struct monitor_conf *c, struct buf *errors)
{
	const char *why;

	if (c->window_ns == 0)
		c->window_ns = 3 * 3600 * SECOND;
	if (c->interval_ns == 0)
		c->interval_ns = SECOND;
	if (c->timeout_ns == 0)
		c->timeout_ns = 5 * SECOND;
	if (c->streams == 0)
		c->streams = 200;
	if (c->series == 0)
		c->series = 10000;
	if (c->node_count == 0) {
		buf_text(errors, "no nodes: expected --node URL, or nodes in a file (-f)\n");
		return false;
	}
	if ((c->certificate == NULL) != (c->key == NULL)) {
		buf_text(errors, "tls: certificate and key go together\n");
		return false;
	}
	for (uint32_t i = 0; i < c->node_count; i++) {
		struct addr a;

		if (c->nodes[i].authorization == NULL || c->nodes[i].tls)
			continue;
		if (strcmp(c->nodes[i].host, "localhost") == 0 ||
		    (addr_parse(c->nodes[i].host, &a) && serve_is_local(&a)))
			continue;
		buf_printf(errors, "node %s: a password is sent over https only\n", c->nodes[i].url);
		return false;
	}
	why = c->listens ? serve_refusal(&c->address, (const char *const *)c->files, c->is_public) : NULL;
	if (why != NULL)
		buf_printf(errors, "listen: %s\n", why);
	return why == NULL;
}
