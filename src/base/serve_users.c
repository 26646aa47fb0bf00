/* SPDX-License-Identifier: ISC
 *
 * Tables of fixed size, indexed by digests that nobody outside can choose. Right answers have a table of their own, so that wrong ones
 * do not drive them out.
 */
#include "base/serve_users.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PLACES 256
#define KEY_SIZE 32
#define DIGEST_SIZE 32
#define BCRYPT_COST_MOST 14    /* a second or so */
#define SHA_ROUNDS_MOST 500000 /* the same */
#define BUDGET_NS NS_PER_SEC   /* of hashing in one go */
#define SHARE 4                /* one part of so many of the time goes to hashes */
#define WRONG_NS NS_PER_SEC    /* what a wrong answer costs a client */
#define WRONG_BURST 5
#define LINE_MOST 512

struct user {
	char *name, *hash; /* owned */
};

struct serve_users {
	struct user of[SERVE_USERS_MOST];
	size_t count;
	uint8_t key[KEY_SIZE];
	uint8_t right[PLACES][DIGEST_SIZE], wrong[PLACES][DIGEST_SIZE];
	mono_t free_at[PLACES]; /* of a client */
	int64_t budget_ns;
	mono_t budget_at;
	uint64_t hashes;
	struct crypt_data work;
};

/* --- the file --- */

static bool
number_below(const char *text, const char *end, long most)
{
	char *stop;
	long n = strtol(text, &stop, 10);

	return stop == end && stop != text && n > 0 && n <= most;
}

/* NULL: fine. */
static const char *
hash_fault(const char *hash)
{
	const char *end;

	if (strncmp(hash, "$2a$", 4) == 0 || strncmp(hash, "$2b$", 4) == 0 || strncmp(hash, "$2y$", 4) == 0) {
		if (strlen(hash) != 60 || hash[6] != '$')
			return "is no whole bcrypt hash";
		if (!number_below(hash + 4, hash + 6, BCRYPT_COST_MOST))
			return "a bcrypt hash of a cost above 14 takes too long";
	} else if (strncmp(hash, "$5$", 3) == 0 || strncmp(hash, "$6$", 3) == 0) {
		if (strncmp(hash + 3, "rounds=", 7) == 0 &&
		    ((end = strchr(hash + 3, '$')) == NULL || !number_below(hash + 10, end, SHA_ROUNDS_MOST)))
			return "a hash of more than 500000 rounds takes too long";
		end = strrchr(hash, '$');
		if (end == hash + 2 || strlen(end + 1) != (hash[1] == '5' ? 43 : 86))
			return "is no whole SHA hash";
	} else {
		return "expected a hash of bcrypt ($2y$), SHA-512 ($6$) or SHA-256 ($5$)";
	}
	return crypt_checksalt(hash) == CRYPT_SALT_INVALID ? "is no hash that crypt(3) knows" : NULL;
}

static const char *
line_fault(const struct serve_users *u, const char *name, const char *hash)
{
	if (hash == NULL)
		return "expected user:hash";
	if (name[0] == '\0' || strlen(name) >= SERVE_NAME_SIZE)
		return "expected a name of 1 to 127 bytes";
	for (size_t i = 0; i < u->count; i++) {
		if (strcmp(u->of[i].name, name) == 0)
			return "this user stands there twice";
	}
	return u->count == SERVE_USERS_MOST ? "too many users" : hash_fault(hash);
}

static enum err
take_line(struct serve_users *u, char *line, const char *file, unsigned number, struct buf *errors)
{
	size_t len = strcspn(line, "\r");
	char *hash;
	const char *fault;

	line[len] = '\0';
	if (line[0] == '\0' || line[0] == '#')
		return ERR_OK;
	hash = strchr(line, ':');
	if (hash != NULL)
		*hash++ = '\0';
	fault = line_fault(u, line, hash);
	if (fault != NULL) {
		buf_printf(errors, "users %s: line %u: %s\n", file, number, fault);
		return ERR_MALFORMED;
	}
	u->of[u->count].name = strdup(line);
	u->of[u->count].hash = strdup(hash);
	u->count++;
	return u->of[u->count - 1].name != NULL && u->of[u->count - 1].hash != NULL ? ERR_OK : ERR_MEMORY;
}

static enum err
take_lines(struct serve_users *u, const struct buf *text, const char *file, struct buf *errors)
{
	const char *at = (const char *)text->data, *end = at + text->len;
	enum err e = ERR_OK;
	char line[LINE_MOST];

	for (unsigned number = 1; at < end && e != ERR_MEMORY; number++) {
		const char *next = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((next != NULL ? next : end) - at);
		enum err f = ERR_MALFORMED;

		if (len < sizeof(line) && memchr(at, '\0', len) == NULL) {
			memcpy(line, at, len);
			line[len] = '\0';
			f = take_line(u, line, file, number, errors);
		} else {
			buf_printf(errors, "users %s: line %u: is too long, or no text\n", file, number);
		}
		if (f != ERR_OK)
			e = f;
		at = next != NULL ? next + 1 : end;
	}
	OPENSSL_cleanse(line, sizeof(line));
	if (e == ERR_OK && u->count == 0) {
		buf_printf(errors, "users %s: nobody stands in it\n", file);
		e = ERR_MALFORMED;
	}
	return e;
}

enum err
serve_users_new(const struct buf *text, const char *name, struct serve_users **ret, struct buf *errors)
{
	struct serve_users *u = calloc(1, sizeof(*u));
	enum err e;

	if (u == NULL)
		return ERR_MEMORY;
	u->budget_ns = BUDGET_NS;
	e = RAND_bytes(u->key, sizeof(u->key)) == 1 ? take_lines(u, text, name, errors) : ERR_SYSTEM;
	if (e == ERR_OK)
		*ret = u;
	else
		serve_users_free(u);
	return e;
}

void
serve_users_free(struct serve_users *u)
{
	if (u == NULL)
		return;
	for (size_t i = 0; i < u->count; i++) {
		if (u->of[i].hash != NULL)
			OPENSSL_cleanse(u->of[i].hash, strlen(u->of[i].hash));
		free(u->of[i].hash);
		free(u->of[i].name);
	}
	OPENSSL_cleanse(u, sizeof(*u));
	free(u);
}

/* --- the header --- */

bool
serve_basic_parse(const char *authorization, char name[SERVE_NAME_SIZE], char password[SERVE_PASSWORD_SIZE])
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned char text[SERVE_NAME_SIZE + SERVE_PASSWORD_SIZE + 3];
	const char *in = authorization + 5;
	const unsigned char *colon;
	size_t letters, padding, len, name_len;
	bool good;

	if (strncasecmp(authorization, "Basic", 5) != 0 || *in != ' ')
		return false;
	in += strspn(in, " ");
	letters = strspn(in, alphabet);
	padding = strspn(in + letters, "=");
	if (letters == 0 || padding > 2 || in[letters + padding] != '\0' || (letters + padding) % 4 != 0 ||
	    (letters + padding) / 4 * 3 > sizeof(text))
		return false;
	if (EVP_DecodeBlock(text, (const unsigned char *)in, (int)(letters + padding)) < 0)
		return false;
	len = (letters + padding) / 4 * 3 - padding;
	colon = memchr(text, ':', len);
	name_len = colon != NULL ? (size_t)(colon - text) : 0;
	good = colon != NULL && memchr(text, '\0', len) == NULL && name_len < SERVE_NAME_SIZE &&
	    len - name_len - 1 < SERVE_PASSWORD_SIZE;
	if (good) {
		memcpy(name, text, name_len);
		name[name_len] = '\0';
		memcpy(password, colon + 1, len - name_len - 1);
		password[len - name_len - 1] = '\0';
	}
	OPENSSL_cleanse(text, sizeof(text));
	return good;
}

/* --- the question --- */

static bool
digest(const struct serve_users *u, const char *bytes, size_t len, uint8_t ret[DIGEST_SIZE])
{
	unsigned int size = DIGEST_SIZE;

	return HMAC(EVP_sha256(), u->key, KEY_SIZE, (const unsigned char *)bytes, len, ret, &size) != NULL;
}

static bool
stands(uint8_t table[PLACES][DIGEST_SIZE], const uint8_t d[DIGEST_SIZE])
{
	return CRYPTO_memcmp(table[d[0]], d, DIGEST_SIZE) == 0;
}

/* The same network is the same client. */
static mono_t *
place_of(struct serve_users *u, const struct addr *client)
{
	uint8_t d[DIGEST_SIZE] = {0};

	(void)digest(u, (const char *)client->b, addr_is_v4(client) ? 16 : 8, d);
	return &u->free_at[d[0]];
}

static bool
has_time(struct serve_users *u, mono_t now)
{
	int64_t more = u->budget_at.ns != 0 ? (now.ns - u->budget_at.ns) / SHARE : 0;

	u->budget_at = now;
	u->budget_ns = more > BUDGET_NS - u->budget_ns ? BUDGET_NS : u->budget_ns + more;
	return u->budget_ns > 0;
}

/* Takes as long for a name that is not there. */
static bool
is_right(struct serve_users *u, const char *name, const char *password)
{
	const struct user *who = NULL;
	const char *want, *got;
	bool same;

	for (size_t i = 0; i < u->count; i++) {
		if (strcmp(u->of[i].name, name) == 0)
			who = &u->of[i];
	}
	want = who != NULL ? who->hash : u->of[0].hash;
	got = crypt_r(password, want, &u->work);
	same = got != NULL && strlen(got) == strlen(want) && CRYPTO_memcmp(got, want, strlen(want)) == 0;
	OPENSSL_cleanse(&u->work, sizeof(u->work));
	u->hashes++;
	return same && who != NULL;
}

static enum serve_verdict
decide(struct serve_users *u, const char *name, const char *password, const struct addr *client,
    mono_t (*clock)(void))
{
	uint8_t both[SERVE_NAME_SIZE + SERVE_PASSWORD_SIZE], d[DIGEST_SIZE];
	size_t len = strlen(name) + 1;
	mono_t begun = clock(), *free_at = place_of(u, client);
	bool good;

	memcpy(both, name, len);
	memcpy(both + len, password, strlen(password));
	good = digest(u, (const char *)both, len + strlen(password), d);
	OPENSSL_cleanse(both, sizeof(both));
	if (!good)
		return SERVE_LATER;
	if (stands(u->right, d))
		return SERVE_KNOWN;
	if (stands(u->wrong, d))
		return SERVE_UNKNOWN;
	if (free_at->ns > begun.ns + WRONG_BURST * WRONG_NS || !has_time(u, begun))
		return SERVE_LATER;
	good = is_right(u, name, password);
	u->budget_ns -= clock().ns - begun.ns;
	memcpy(good ? u->right[d[0]] : u->wrong[d[0]], d, DIGEST_SIZE);
	if (!good)
		free_at->ns = (free_at->ns > begun.ns ? free_at->ns : begun.ns) + WRONG_NS;
	return good ? SERVE_KNOWN : SERVE_UNKNOWN;
}

enum serve_verdict
serve_users_ask(
    struct serve_users *u, const char *authorization, const struct addr *client, mono_t (*clock)(void))
{
	char name[SERVE_NAME_SIZE], password[SERVE_PASSWORD_SIZE];
	enum serve_verdict v = SERVE_UNKNOWN;

	if (authorization != NULL && serve_basic_parse(authorization, name, password))
		v = decide(u, name, password, client, clock);
	OPENSSL_cleanse(password, sizeof(password));
	return v;
}

uint64_t
serve_users_hashes(const struct serve_users *u)
{
	return u->hashes;
}
