/* SPDX-License-Identifier: ISC
 *
 * The manifest: one text for one manifest; every prefix and every line that is wrong is refused, by its number.
 */
#include "archive/manifest.h"
#include "tests/tap.h"

#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const char *const good[] = {"flowbraid-archive 1", "cluster lab", "window 300000000000",
    "stream-key port", "compression none", "file " DIGEST " 10 20231114T221500Z.fbw",
    "file " DIGEST " 7 common.fbs"};
#define LINES (sizeof(good) / sizeof(good[0]))

static const struct {
	unsigned line;
	enum err error;
	const char *text, *name;
} wrong[] = {
    {1, ERR_UNKNOWN, "flowbraid-archive 2", "another version"},
    {1, ERR_UNKNOWN, "", "an empty first line"},
    {2, ERR_MALFORMED, "cluster ", "no cluster"},
    {2, ERR_MALFORMED, "cluster 0123456789012345678901234567890123456789012345678901234567890123",
	"a name too long"},
    {3, ERR_MALFORMED, "window 0", "no window"},
    {3, ERR_MALFORMED, "window -1", "a negative window"},
    {3, ERR_MALFORMED, "window 300000000000s", "a unit"},
    {3, ERR_MALFORMED, "window 0300000000000", "a leading zero"},
    {3, ERR_MALFORMED, "window 9223372036854775808", "a window that is no time"},
    {3, ERR_MALFORMED, "window 99999999999999999999999", "a number that is none"},
    {4, ERR_UNKNOWN, "stream-key address", "another stream key"},
    {5, ERR_UNKNOWN, "compression lz4 1 1.9.4", "another compression"},
    {5, ERR_UNKNOWN, "compression zstd", "no level"},
    {5, ERR_UNKNOWN, "compression zstd 3", "no version"},
    {5, ERR_UNKNOWN, "compression zstd 3 ", "an empty version"},
    {5, ERR_UNKNOWN, "compression zstd 0 1.5.4", "level 0"},
    {5, ERR_MALFORMED, "compression zstd 03 1.5.4", "a level with a leading zero"},
    {5, ERR_UNKNOWN, "compression zstd 3 1.5.4 ", "a blank at the end"},
    {5, ERR_UNKNOWN, "compression zstd 3 1.5.4444444444444444444444444", "a version too long"},
    {5, ERR_UNKNOWN, "compression none ", "a blank behind none"},
    {6, ERR_MALFORMED, "shard 8/8", "a shard behind the last"},
    {6, ERR_MALFORMED, "shard 0/1", "a shard that is the whole"},
    {6, ERR_MALFORMED, "shard 00/8", "a shard with a leading zero"},
    {6, ERR_MALFORMED, "shard 0/8 ", "a blank behind a shard"},
    {6, ERR_MALFORMED, "file " DIGEST " 10 ", "no name"},
    {6, ERR_MALFORMED, "file " DIGEST " 10 a/b", "a path"},
    {6, ERR_MALFORMED, "file " DIGEST " 10 ..", "the folder above"},
    {6, ERR_MALFORMED, "file " DIGEST " 010 a", "a size with a leading zero"},
    {6, ERR_MALFORMED, "file " DIGEST " 99999999999999999999999 a", "a size that is none"},
    {6, ERR_MALFORMED, "file " DIGEST "0 10 a", "a digest too long"},
    {6, ERR_MALFORMED, "file 0 10 a", "a digest too short"},
    {6, ERR_MALFORMED, "file 00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff 10 a",
	"upper case"},
    {6, ERR_MALFORMED, "fole " DIGEST " 10 a", "another word"},
    {7, ERR_MALFORMED, "file " DIGEST " 7 20231114T221500Z.fbw", "a name twice"},
    {7, ERR_MALFORMED, "file " DIGEST " 7 0", "names out of order"},
};

static void
compose(struct buf *b, unsigned line, const char *instead)
{
	char hex[SHA256_TEXT_SIZE];
	struct sha256 d;

	buf_reset(b);
	for (unsigned i = 0; i < LINES; i++)
		buf_printf(b, "%s\n", i + 1 == line ? instead : good[i]);
	d = sha256_of(b->data, b->len);
	buf_printf(b, "end %s\n", sha256_text(&d, hex));
}

static void
window_names(void)
{
	char name[MANIFEST_NAME_SIZE];

	manifest_window_name(wall_from_sec(1700000100, 0), name);
	is_text(name, "20231114T221500Z.fbw", "a window's name");
	manifest_window_name(wall_from_sec(1700000100, 5), name);
	is_text(name, "20231114T221500.000000005Z.fbw", "with a part of a second");
	manifest_window_name(wall_from_sec(-300, 0), name);
	is_text(name, "19691231T235500Z.fbw", "before 1970");
}

static void
window_starts(void)
{
	static const char *const none[] = {"", "manifest", "common.fbs", "20231114T221500Z.fbs",
	    "20231114T221500.fbw", "20231114T226000Z.fbw", "20231114T221500.5Z.fbw",
	    "20231114T221500.000000000Z.fbw", "20231114 221500Z.fbw", "20231114T221500Z.fbw.tmp",
	    "2023111T4221500Z.fbw", "20231114T221500.0000000050000000000Z.fbw"};
	static const wall_t starts[] = {
	    {1700000100 * NS_PER_SEC}, {1700000100 * NS_PER_SEC + 5}, {-300 * NS_PER_SEC}};
	char name[MANIFEST_NAME_SIZE];
	wall_t t;

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		manifest_window_name(starts[i], name);
		ok(manifest_window_start(name, &t) && t.ns == starts[i].ns, "%s is read back", name);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		ok(!manifest_window_start(none[i], &t), "'%s' is no window", none[i]);
}

/* An archive of a part: the lines stand between the options and the files. */
static void
limits(void)
{
	static const struct {
		const char *lines;
		int64_t from_ns, to_ns;
	} right[] = {{"from 5\nto 6", 5, 6}, {"from -7", -7, INT64_MAX}, {"to 0", INT64_MIN, 0}};
	static const char *const off[] = {"to 6\nfrom 5", "from 5\nfrom 5", "from ", "to", "from 05",
	    "from -0", "from 9223372036854775807", "from 5 ", "from 99999999999999999999"};
	struct buf b = BUF_INIT, again = BUF_INIT;
	char text[128];
	struct manifest m;
	unsigned line;

	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		snprintf(text, sizeof(text), "compression none\n%s", right[i].lines);
		compose(&b, 5, text);
		buf_reset(&again);
		if (!ok(manifest_read((char *)b.data, b.len, &m, &line) == ERR_OK, "limits %zu", i))
			continue;
		ok(m.limited && m.from_ns == right[i].from_ns && m.to_ns == right[i].to_ns, "are read");
		manifest_write(&m, &again);
		ok(again.len == b.len && memcmp(again.data, b.data, b.len) == 0, "and written");
		manifest_clear(&m);
	}
	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		snprintf(text, sizeof(text), "compression none\n%s", off[i]);
		compose(&b, 5, text);
		ok(manifest_read((char *)b.data, b.len, &m, &line) == ERR_MALFORMED && line >= 6,
		    "limits that are none %zu", i);
	}
	compose(&b, 6, "file " DIGEST " 10 20231114T221500Z.fbw\nfrom 5");
	ok(manifest_read((char *)b.data, b.len, &m, &line) == ERR_MALFORMED, "limits behind a file");
	buf_clear(&b);
	buf_clear(&again);
}

/* A policy's text, whose lines may be of any length. */
static void
policy(void)
{
	struct buf b = BUF_INIT, again = BUF_INIT, text = BUF_INIT;
	struct manifest m;
	unsigned line;

	buf_printf(&text, "compression none\npolicy rules = (\npolicy \t%0999d\npolicy );\nshard 0/2", 7);
	buf_u8(&text, 0);
	compose(&b, 5, (const char *)text.data);
	if (ok(manifest_read((char *)b.data, b.len, &m, &line) == ERR_OK, "a policy")) {
		ok(m.policy.len == 10 + 1001 + 3 && memcmp(m.policy.data, "rules = (\n\t00", 13) == 0 &&
			m.shard.of == 2,
		    "is read");
		manifest_write(&m, &again);
		ok(again.len == b.len && memcmp(again.data, b.data, b.len) == 0, "and written");
		manifest_clear(&m);
	}
	compose(&b, 5, "compression none\nshard 0/2\npolicy rules = ();");
	ok(manifest_read((char *)b.data, b.len, &m, &line) == ERR_MALFORMED && line == 6,
	    "not behind a shard");
	compose(&b, 4, "policy rules = ();\nstream-key port");
	ok(manifest_read((char *)b.data, b.len, &m, &line) == ERR_UNKNOWN && line == 4, "nor anywhere else");
	buf_clear(&b);
	buf_clear(&again);
	buf_clear(&text);
}

int
main(void)
{
	struct buf b = BUF_INIT, again = BUF_INIT;
	struct manifest m;
	unsigned line, refused = 0;

	compose(&b, 0, NULL);
	ok(manifest_read((char *)b.data, b.len, &m, &line) == ERR_OK && m.count == 2 &&
		m.window_ns == 300 * NS_PER_SEC,
	    "a manifest is read");
	ok(m.compression.level == 0, "without compression");
	manifest_write(&m, &again);
	ok(again.len == b.len && memcmp(again.data, b.data, b.len) == 0, "and written the same");
	manifest_clear(&m);
	for (size_t i = 0; i < b.len; i++) {
		if (manifest_read((char *)b.data, i, &m, &line) == ERR_OK) {
			manifest_clear(&m);
		} else {
			refused++;
		}
	}
	is_u64(refused, b.len, "every prefix is refused");
	refused = 0;
	for (size_t i = 0; i < b.len; i++) {
		b.data[i] ^= 1;
		if (manifest_read((char *)b.data, b.len, &m, &line) == ERR_OK)
			manifest_clear(&m);
		else
			refused++;
		b.data[i] ^= 1;
	}
	is_u64(refused, b.len, "with any byte changed it is refused");
	buf_printf(&b, "file " DIGEST " 7 zzz\n");
	ok(manifest_read((char *)b.data, b.len, &m, &line) == ERR_MALFORMED && line == LINES + 1,
	    "so it is with a file behind the end");
	compose(&b, 5, "compression zstd 3 1.5.4");
	buf_reset(&again);
	if (manifest_read((char *)b.data, b.len, &m, &line) == ERR_OK) {
		is_u64((uint64_t)m.compression.level, 3, "compression: the level");
		is_text(m.compression.version, "1.5.4", "and the version");
		manifest_write(&m, &again);
		manifest_clear(&m);
	}
	ok(again.len == b.len && memcmp(again.data, b.data, b.len) == 0, "written the same");
	compose(&b, 5, "compression none\nshard 3/8");
	buf_reset(&again);
	if (manifest_read((char *)b.data, b.len, &m, &line) == ERR_OK) {
		ok(m.shard.number == 3 && m.shard.of == 8, "a shard");
		manifest_write(&m, &again);
		manifest_clear(&m);
	}
	ok(again.len == b.len && memcmp(again.data, b.data, b.len) == 0, "written the same");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		enum err e;

		compose(&b, wrong[i].line, wrong[i].text);
		line = 0;
		e = manifest_read((char *)b.data, b.len, &m, &line);
		ok(e == wrong[i].error && line == wrong[i].line, "line %u: %s", wrong[i].line, wrong[i].name);
		if (e == ERR_OK)
			manifest_clear(&m);
	}
	compose(&b, 0, NULL);
	b.data[b.len - 3] = '\0';
	ok(manifest_read((char *)b.data, b.len, &m, &line) == ERR_MALFORMED, "NUL is refused");
	window_names();
	window_starts();
	limits();
	buf_clear(&b);
	buf_clear(&again);
	policy();
	return done_testing();
}
