/* SPDX-License-Identifier: ISC
 *
 * Headers and files of users, who is known, and what it may cost. Time is made here.
 */
#include "base/serve_users.h"

#include <crypt.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "tests/tap.h"

#define tap_note(...) (void)(printf("# "), printf(__VA_ARGS__), putchar('\n'))

static mono_t the_time;
static int64_t cost_ns; /* what the clock goes on each time it is looked at */

static mono_t
clock_here(void)
{
	the_time.ns += cost_ns;
	return the_time;
}

static void
test_header(void)
{
	static const struct {
		const char *in;
		bool good;
		const char *name, *password;
	} cases[] = {
	    {"Basic b25lOnNlY3JldA==", true, "one", "secret"},
	    {"basic   b25lOnNlY3JldA==", true, "one", "secret"},
	    {"Basic b25lOg==", true, "one", ""},
	    {"Basic OnNlY3JldA==", true, "", "secret"},
	    {"Basic b25lOmE6Yg==", true, "one", "a:b"},
	    {"Basic", false, NULL, NULL},
	    {"Basic ", false, NULL, NULL},
	    {"", false, NULL, NULL},
	    {"Bas", false, NULL, NULL},
	    {"Bearer b25lOnNlY3JldA==", false, NULL, NULL},
	    {"Basic b25lOnNlY3JldA=", false, NULL, NULL},
	    {"Basic b25lOnNlY3JldA", false, NULL, NULL},
	    {"Basic b25l", false, NULL, NULL},     /* no colon */
	    {"Basic b25lOgBh", false, NULL, NULL}, /* a NUL */
	    {"Basic b25lOnNl==JldA==", false, NULL, NULL},
	    {"Basic b25lOnNlY3Jl ZA==", false, NULL, NULL},
	    {"Basic b25lOnNlY3JldA== ", false, NULL, NULL},
	    {"Basic ====", false, NULL, NULL},
	    {"Basic b25lOnNlY3JldA======", false, NULL, NULL},
	};
	char name[SERVE_NAME_SIZE], password[SERVE_PASSWORD_SIZE];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool good = serve_basic_parse(cases[i].in, name, password);

		ok(good == cases[i].good, "'%s': %s", cases[i].in, cases[i].good ? "read" : "refused");
		if (good && cases[i].good) {
			is_text(name, cases[i].name, "... its name");
			is_text(password, cases[i].password, "... its password");
		}
	}
}

/* "Basic" of a name and a password of so many letters. */
static const char *
long_header(int name, int password)
{
	static char out[2048];
	char plain[1024];
	int len = snprintf(plain, sizeof(plain), "%0*d:%0*d", name, 0, password, 0);

	memcpy(out, "Basic ", 6);
	(void)EVP_EncodeBlock((unsigned char *)out + 6, (const unsigned char *)plain, len);
	return out;
}

static void
test_long(void)
{
	char name[SERVE_NAME_SIZE], password[SERVE_PASSWORD_SIZE];

	ok(serve_basic_parse(long_header(127, 255), name, password) && strlen(name) == 127 &&
		strlen(password) == 255,
	    "the longest");
	ok(!serve_basic_parse(long_header(128, 10), name, password), "a longer name");
	ok(!serve_basic_parse(long_header(10, 256), name, password), "a longer password");
	ok(!serve_basic_parse(long_header(300, 600), name, password), "a long header");
}

static enum err
users_of(const char *text, struct serve_users **ret, char *why, size_t size)
{
	struct buf in = BUF_INIT, errors = BUF_INIT;
	enum err e;

	buf_text(&in, text);
	buf_u8(&in, 0);
	in.len--;
	e = serve_users_new(&in, "f", ret, &errors);
	(void)snprintf(why, size, "%.*s", (int)errors.len, errors.len > 0 ? (const char *)errors.data : "");
	buf_clear(&in);
	buf_clear(&errors);
	return e;
}

#define BCRYPT "$2y$05$abcdefghijklmnopqrstuuO5iZyqc.xLlIoUfTQS7Yb3oCyAwMpuC"
#define LETTERS43 "0123456789012345678901234567890123456789012"
#define LETTERS86 LETTERS43 LETTERS43

static void
test_files(void)
{
	static const struct {
		const char *in, *why;
	} cases[] = {
	    {"a:" BCRYPT "\n", ""},
	    {"a:" BCRYPT, ""},
	    {"# x\r\n\r\na:" BCRYPT "\r\nb:$6$salt$" LETTERS86 "\n", ""},
	    {"a:$5$rounds=5000$salt$" LETTERS43 "\n", ""},
	    {"# x\n", "users f: nobody stands in it\n"},
	    {"a\n", "users f: line 1: expected user:hash\n"},
	    {":" BCRYPT "\n", "users f: line 1: expected a name of 1 to 127 bytes\n"},
	    {"a:" BCRYPT "\na:" BCRYPT "\n", "users f: line 2: this user stands there twice\n"},
	    {"a:secret\n",
		"users f: line 1: expected a hash of bcrypt ($2y$), SHA-512 ($6$) or SHA-256 ($5$)\n"},
	    {"a:\n", "users f: line 1: expected a hash of bcrypt ($2y$), SHA-512 ($6$) or SHA-256 ($5$)\n"},
	    {"a:$apr1$salt$0123456789012345678901\n",
		"users f: line 1: expected a hash of bcrypt ($2y$), SHA-512 ($6$) or SHA-256 ($5$)\n"},
	    {"a:$2y$05$abc\n", "users f: line 1: is no whole bcrypt hash\n"},
	    {"a:$2y$15$abcdefghijklmnopqrstuuO5iZyqc.xLlIoUfTQS7Yb3oCyAwMpuC\n",
		"users f: line 1: a bcrypt hash of a cost above 14 takes too long\n"},
	    {"a:$6$rounds=999999$salt$" LETTERS86 "\n",
		"users f: line 1: a hash of more than 500000 rounds takes too long\n"},
	    {"a:$6$salt$short\n", "users f: line 1: is no whole SHA hash\n"},
	    {"a:$6$" LETTERS86 "\n", "users f: line 1: is no whole SHA hash\n"},
	    {"a\nb:x\n",
		"users f: line 1: expected user:hash\n"
		"users f: line 2: expected a hash of bcrypt ($2y$), SHA-512 ($6$) or SHA-256 ($5$)\n"},
	};
	char why[512], *line = malloc(600);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct serve_users *u = NULL;
		enum err e = users_of(cases[i].in, &u, why, sizeof(why));

		ok(e == (cases[i].why[0] == '\0' ? ERR_OK : ERR_MALFORMED), "file %zu", i);
		is_text(why, cases[i].why, "... what is said of it");
		serve_users_free(u);
	}
	if (line != NULL) {
		struct serve_users *u = NULL;

		memset(line, 'a', 599);
		line[599] = '\0';
		ok(users_of(line, &u, why, sizeof(why)) == ERR_MALFORMED, "a long line");
		is_text(why, "users f: line 1: is too long, or no text\n", "... is said to be one");
	}
	free(line);
}

static enum serve_verdict
ask(struct serve_users *u, const char *plain, uint32_t client)
{
	static char out[1024] = "Basic ";
	struct addr a = addr_v4(client);

	(void)EVP_EncodeBlock((unsigned char *)out + 6, (const unsigned char *)plain, (int)strlen(plain));
	return serve_users_ask(u, out, &a, clock_here);
}

static struct serve_users *
two_users(void)
{
	struct serve_users *u = NULL;
	char text[800], why[256], setting[CRYPT_GENSALT_OUTPUT_SIZE];
	static struct crypt_data one, two;

	(void)crypt_gensalt_rn("$2b$", 4, "0123456789abcdef", 16, setting, sizeof(setting));
	(void)crypt_r("secret", setting, &one);
	(void)crypt_r("other", "$6$rounds=1000$salt", &two);
	(void)snprintf(text, sizeof(text), "one:%s\ntwo:%s\n", one.output, two.output);
	if (!ok(users_of(text, &u, why, sizeof(why)) == ERR_OK, "two users"))
		tap_note("%s", why);
	return u;
}

static void
test_verdicts(void)
{
	struct serve_users *u = two_users();
	struct addr a = addr_v4(1);

	if (u == NULL)
		return;
	the_time.ns = 1000 * NS_PER_SEC;
	cost_ns = 0;
	ok(serve_users_ask(u, NULL, &a, clock_here) == SERVE_UNKNOWN, "no header");
	ok(ask(u, "one:secret", 1) == SERVE_KNOWN, "right: bcrypt");
	ok(ask(u, "two:other", 1) == SERVE_KNOWN, "right: SHA-512");
	is_u64(serve_users_hashes(u), 2, "each cost a hash");
	ok(ask(u, "one:secret", 2) == SERVE_KNOWN, "again");
	is_u64(serve_users_hashes(u), 2, "costs none");
	ok(ask(u, "one:other", 1) == SERVE_UNKNOWN, "another's password");
	ok(ask(u, "three:secret", 1) == SERVE_UNKNOWN, "nobody");
	is_u64(serve_users_hashes(u), 4, "each cost a hash, also nobody's");
	ok(ask(u, "one:other", 1) == SERVE_UNKNOWN && ask(u, "three:secret", 1) == SERVE_UNKNOWN, "again");
	is_u64(serve_users_hashes(u), 4, "costs none");
	serve_users_free(u);
}

static void
test_guesses(void)
{
	struct serve_users *u = two_users();
	unsigned wrong = 0, later = 0;
	char guess[32];

	if (u == NULL)
		return;
	the_time.ns = 1000 * NS_PER_SEC;
	cost_ns = 0;
	for (int i = 0; i < 50; i++) {
		enum serve_verdict v;

		(void)snprintf(guess, sizeof(guess), "one:%d", i);
		v = ask(u, guess, 1);
		wrong += v == SERVE_UNKNOWN;
		later += v == SERVE_LATER;
	}
	if (!ok(wrong == 6 && later == 44, "a client guesses a few times, then it waits"))
		tap_note("%u %u", wrong, later);
	ok(ask(u, "one:secret", 1) == SERVE_LATER, "also when it is right at last");
	ok(ask(u, "one:secret", 2) == SERVE_KNOWN, "another client does not");
	ok(ask(u, "one:secret", 1) == SERVE_KNOWN, "nor that one when this is known");
	the_time.ns += 2 * NS_PER_SEC;
	ok(ask(u, "one:x", 1) == SERVE_UNKNOWN && ask(u, "one:y", 1) == SERVE_UNKNOWN &&
		ask(u, "one:z", 1) == SERVE_LATER,
	    "a guess a second");
	serve_users_free(u);
}

/* Many clients, each of which guesses once. */
static void
test_share(void)
{
	struct serve_users *u = two_users();
	uint64_t hashes;
	char guess[32];

	if (u == NULL)
		return;
	the_time.ns = 1000 * NS_PER_SEC;
	cost_ns = 0;
	ok(ask(u, "two:other", 9) == SERVE_KNOWN, "somebody is known");
	hashes = serve_users_hashes(u);
	for (uint32_t i = 0; i < 2000; i++) {
		(void)snprintf(guess, sizeof(guess), "one:%u", i);
		cost_ns = 25 * NS_PER_MSEC; /* two looks at the clock: a hash takes 25 ms, and 25 ms go by */
		(void)ask(u, guess, i << 8);
	}
	cost_ns = 0;
	hashes = serve_users_hashes(u) - hashes;
	/* 25 ms of hash each, of a second and a quarter of some 50 s and more */
	ok(hashes * 25 <= 1100 + (uint64_t)((the_time.ns - 1000 * NS_PER_SEC) / 4 / NS_PER_MSEC) &&
		hashes > 40,
	    "hashes have their share of the time") ||
	    (tap_note("%llu hashes in %lld s", (unsigned long long)hashes,
		 (long long)(the_time.ns / NS_PER_SEC - 1000)),
		0);
	ok(ask(u, "two:other", 9) == SERVE_KNOWN, "who is known is answered nevertheless");
	serve_users_free(u);
}

int
main(void)
{
	test_header();
	test_long();
	test_files();
	test_verdicts();
	test_guesses();
	test_share();
	return done_testing();
}
