/* SPDX-License-Identifier: ISC
 *
 * The JSON writer: commas and nesting, escapes, bytes that are not UTF-8, numbers at their limits.
 */
#include "base/json.h"

#include <math.h>

#include "base/buf.h"
#include "tests/tap.h"

static struct buf out = BUF_INIT;

static const char *
written(void)
{
	buf_u8(&out, 0);
	out.len--;
	return (const char *)out.data;
}

static struct json
start(void)
{
	struct json j;

	buf_reset(&out);
	json_init(&j, &out);
	return j;
}

static void
test_nesting(void)
{
	struct json j = start();

	json_object(&j);
	json_put_text(&j, "exporter", "192.0.2.1");
	json_put_u64(&j, "port", 2055);
	json_key(&j, "ranges");
	json_array(&j);
	for (uint64_t i = 0; i < 2; i++) {
		json_array(&j);
		json_u64(&j, i);
		json_i64(&j, -1);
		json_end(&j);
	}
	json_end(&j);
	json_key(&j, "empty");
	json_object(&j);
	json_end(&j);
	json_put_bool(&j, "yes", true);
	json_key(&j, "raw");
	json_raw(&j, "[1]", 3);
	json_key(&j, "none");
	json_null(&j);
	json_end(&j);
	is_text(written(),
	    "{\"exporter\":\"192.0.2.1\",\"port\":2055,\"ranges\":[[0,-1],[1,-1]],\"empty\":{},\"yes\":true,"
	    "\"raw\":[1],\"none\":null}",
	    "objects and arrays");
	is_u64(j.depth, 0, "all ended");
}

static void
test_indent(void)
{
	struct json j = start();

	j.indent = 2;
	json_object(&j);
	json_key(&j, "a");
	json_array(&j);
	json_bool(&j, false);
	json_null(&j);
	json_end(&j);
	json_key(&j, "b");
	json_array(&j);
	json_end(&j);
	json_end(&j);
	is_text(written(), "{\n  \"a\": [\n    false,\n    null\n  ],\n  \"b\": []\n}", "indented");
}

static void
test_text(void)
{
	static const struct {
		const char *in, *want, *what;
	} cases[] = {
	    {"plain", "\"plain\"", "plain text"},
	    {"", "\"\"", "no text"},
	    {"a\"b\\c/d", "\"a\\\"b\\\\c/d\"", "quote and backslash"},
	    {"\n\r\t\x01\x1f\x7f", "\"\\n\\r\\t\\u0001\\u001f\x7f\"", "control characters"},
	    {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
		"\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\"", "UTF-8"},
	    {"a\xffz", "\"a\xef\xbf\xbdz\"", "a byte that never stands in UTF-8"},
	    {"a\xc3", "\"a\xef\xbf\xbd\"", "a cut sequence"},
	    {"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"", "overlong, two bytes"},
	    {"\xe0\x80\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", "overlong, three bytes"},
	    {"\xf0\x80\x80\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
		"overlong, four bytes"},
	    {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", "a surrogate"},
	    {"\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", "beyond U+10FFFF"},
	    {"\xf4\x8f\xbf\xbf\xed\x9f\xbf", "\"\xf4\x8f\xbf\xbf\xed\x9f\xbf\"", "the last of each kind"},
	    {"\xe2\x82(", "\"\xef\xbf\xbd\xef\xbf\xbd(\"", "what follows a broken sequence is kept"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json j = start();

		json_text(&j, cases[i].in);
		is_text(written(), cases[i].want, "%s", cases[i].what);
	}
	struct json j = start();
	json_text_len(&j, "a\0b", 3);
	is_text(written(), "\"a\\u0000b\"", "NUL inside");
}

static void
test_numbers(void)
{
	static const struct {
		double in;
		const char *want;
	} cases[] = {
	    {0.0, "0"},
	    {0.1, "0.1"},
	    {1e300, "1e+300"},
	    {1.0 / 3.0, "0.3333333333333333"},
	    {-2.5, "-2.5"},
	    {5e-324, "4.94065645841247e-324"},
	    {(double)INFINITY, "null"},
	    {(double)NAN, "null"},
	};
	struct json j;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		j = start();
		json_double(&j, cases[i].in);
		is_text(written(), cases[i].want, "double %s", cases[i].want);
	}
	j = start();
	json_array(&j);
	json_i64(&j, INT64_MIN);
	json_i64(&j, INT64_MAX);
	json_u64(&j, UINT64_MAX);
	json_double(&j, (double)NAN);
	json_end(&j);
	is_text(written(), "[-9223372036854775808,9223372036854775807,18446744073709551615,null]",
	    "integers at their limits");
}

int
main(void)
{
	test_nesting();
	test_indent();
	test_text();
	test_numbers();
	buf_clear(&out);
	return done_testing();
}
