/* SPDX-License-Identifier: ISC
 *
 * Buffers are as large as they may become before anything is read, so that growing leaves no copies behind.
 */
#include "base/serve_secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rd.h"
#include "base/serve_tls.h"
#include "base/serve_users.h"

#define HEAD_SIZE (4 * SERVE_FILES)

const char *const serve_file_names[SERVE_FILES] = {"certificate", "key", "client_ca", "users"};

/* --- what is permitted --- */

bool
serve_is_local(const struct addr *a)
{
	static const struct prefix local[] = {{.addr = {{[10] = 0xff, [11] = 0xff, [12] = 127}}, .bits = 104},
	    {.addr = {{[15] = 1}}, .bits = 128}};

	return prefix_has(&local[0], a) || prefix_has(&local[1], a);
}

const char *
serve_refusal(const struct addr *address, const char *const files[SERVE_FILES], bool public)
{
	bool has[SERVE_FILES];

	for (unsigned i = 0; i < SERVE_FILES; i++)
		has[i] = files[i] != NULL && files[i][0] != '\0';
	if (has[SERVE_CERTIFICATE] != has[SERVE_KEY])
		return has[SERVE_KEY] ? "a key needs its certificate" : "a certificate needs its key";
	if (has[SERVE_CLIENT_CA] && !has[SERVE_CERTIFICATE])
		return "client_ca needs TLS: a certificate and its key";
	if (serve_is_local(address))
		return NULL;
	if (has[SERVE_USERS] && !has[SERVE_CERTIFICATE])
		return "others reach this address, and could read passwords on their way: users needs TLS here, a "
		       "certificate and its key";
	if (!has[SERVE_USERS] && !has[SERVE_CLIENT_CA] && !public)
		return "others reach this address: it needs TLS (certificate, key) with client_ca or users, or public = "
		       "true when everybody may read it";
	return NULL;
}

/* --- files --- */

static bool
reserve(struct buf *b, size_t len)
{
	(void)buf_room(b, len);
	buf_reset(b);
	return buf_ok(b);
}

static enum err
read_one(enum serve_file which, const char *path, struct buf *b, struct buf *errors)
{
	enum err e = reserve(b, SERVE_FILE_MOST + 1) ? file_slurp(AT_FDCWD, path, SERVE_FILE_MOST, b)
						     : ERR_MEMORY;

	if (e == ERR_OK && b->len == 0)
		e = ERR_CUT;
	if (e != ERR_OK)
		buf_printf(errors, "%s %s: %s\n", serve_file_names[which], path,
		    e == ERR_CUT ? "is empty" : err_text(e));
	return e;
}

static enum err
check(const char *const files[SERVE_FILES], const struct serve_secrets *s, struct buf *errors)
{
	struct ssl_ctx_st *tls = NULL;
	struct serve_users *users = NULL;
	enum err e = ERR_OK, f = ERR_OK;

	if (s->of[SERVE_CERTIFICATE].len > 0)
		e = serve_tls_new(s, files, &tls, errors);
	if (s->of[SERVE_USERS].len > 0)
		f = serve_users_new(&s->of[SERVE_USERS], files[SERVE_USERS], &users, errors);
	serve_tls_free(tls);
	serve_users_free(users);
	return e != ERR_OK ? e : f;
}

enum err
serve_secrets_load(const char *const files[SERVE_FILES], struct serve_secrets *ret, struct buf *errors)
{
	struct serve_secrets s = {.of = {BUF_INIT}};
	enum err e = ERR_OK;

	for (unsigned i = 0; i < SERVE_FILES; i++) {
		enum err f = ERR_OK;

		if (files[i] != NULL && files[i][0] != '\0')
			f = read_one((enum serve_file)i, files[i], &s.of[i], errors);
		if (e == ERR_OK)
			e = f;
	}
	if (e == ERR_OK)
		e = check(files, &s, errors);
	if (e == ERR_OK)
		*ret = s;
	else
		serve_secrets_clear(&s);
	return e;
}

void
serve_secrets_clear(struct serve_secrets *s)
{
	for (unsigned i = 0; i < SERVE_FILES; i++) {
		if (s->of[i].data != NULL)
			OPENSSL_cleanse(s->of[i].data, s->of[i].room);
		buf_clear(&s->of[i]);
	}
}

bool
serve_secrets_equal(const struct serve_secrets *a, const struct serve_secrets *b)
{
	for (unsigned i = 0; i < SERVE_FILES; i++) {
		if (a->of[i].len != b->of[i].len ||
		    (a->of[i].len > 0 && CRYPTO_memcmp(a->of[i].data, b->of[i].data, a->of[i].len) != 0))
			return false;
	}
	return true;
}

/* --- another process --- */

enum err
serve_secrets_pack(const struct serve_secrets *s, int *ret_fd)
{
	int fd = memfd_create("secrets", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct buf head = BUF_INIT;
	uint64_t at = HEAD_SIZE;
	enum err e = ERR_OK;

	if (fd < 0)
		return ERR_SYSTEM;
	for (unsigned i = 0; i < SERVE_FILES; i++)
		buf_u32(&head, (uint32_t)s->of[i].len);
	e = buf_ok(&head) ? file_pwrite(fd, head.data, head.len, 0, NULL) : ERR_MEMORY;
	buf_clear(&head);
	for (unsigned i = 0; i < SERVE_FILES && e == ERR_OK; i++) {
		if (s->of[i].len > 0)
			e = file_pwrite(fd, s->of[i].data, s->of[i].len, at, NULL);
		at += s->of[i].len;
	}
	if (e == ERR_OK &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
		e = ERR_SYSTEM;
	if (e == ERR_OK)
		*ret_fd = fd;
	else
		(void)close(fd);
	return e;
}

enum err
serve_secrets_unpack(int fd, struct serve_secrets *ret)
{
	struct serve_secrets s = {.of = {BUF_INIT}};
	uint8_t head[HEAD_SIZE];
	uint64_t at = HEAD_SIZE;
	size_t len = 0;
	enum err e = file_pread(fd, head, sizeof(head), 0, &len);
	struct rd r = rd_init(head, len);

	for (unsigned i = 0; i < SERVE_FILES && e == ERR_OK; i++) {
		uint32_t want = rd_u32(&r);

		if (!rd_ok(&r) || want > SERVE_FILE_MOST) {
			e = ERR_MALFORMED;
		} else if (want > 0) {
			uint8_t *room = buf_room(&s.of[i], want);

			e = room != NULL ? file_pread(fd, room, want, at, &len) : ERR_MEMORY;
			if (e == ERR_OK && len != want)
				e = ERR_CUT;
			at += want;
		}
	}
	if (e == ERR_OK)
		*ret = s;
	else
		serve_secrets_clear(&s);
	return e;
}
