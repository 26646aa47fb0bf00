/* SPDX-License-Identifier: ISC
 *
 * Reads any text as an expression. One that is accepted must explain itself in a way that is accepted, means the same of a flow, and
 * explains itself in the same words; one that is refused must say why, and where in the text.
 */
#include <stdlib.h>
#include <string.h>

#include "flow/expr.h"
#include "tests/fuzz/target.h"

static const uint8_t record[48] = {10, 1, 2, 3, 192, 0, 2, 9, 10, 1, 1, 254, 0, 7, 0, 9, 0, 0, 0, 10, 0, 0,
    0x3a, 0x98, 0, 1, 2, 3, 0, 1, 2, 9, 4, 1, 1, 187, 0, 0x12, 6, 8, 0xfc, 0, 0xfd, 0xe8, 24, 16};

static bool
matches(struct expr *e)
{
	static const struct proto_info info = {
	    .proto = PROTO_V5, .has_time = true, .export_time = {1795600800000000000}};
	const struct flow f = {
	    .info = &info, .tmpl = tmpl_static(PROTO_V5), .record = rd_init(record, sizeof(record))};
	const struct flow_context c = {.port = 2055, .received = {1795600801000000000}};

	expr_datagram(e);
	return expr_match(e, &f, &c, 5);
}

static void
explain_and_parse_again(struct expr *e)
{
	struct buf first = BUF_INIT, second = BUF_INIT;
	struct expr_error error;
	struct expr *again;
	enum err result;

	expr_explain(e, &first);
	buf_u8(&first, 0);
	result = expr_parse((const char *)first.data, NULL, &again, &error);
	if (result == ERR_OK) {
		expr_explain(again, &second);
		buf_u8(&second, 0);
		if (first.len != second.len || memcmp(first.data, second.data, first.len) != 0 ||
		    matches(e) != matches(again))
			abort();
		expr_free(again);
	} else if (result != ERR_LIMIT) { /* brackets around everything may be too many */
		abort();
	}
	buf_clear(&first);
	buf_clear(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct buf text = BUF_INIT;
	struct expr_error error;
	struct expr *e;

	buf_bytes(&text, bytes, len);
	buf_u8(&text, 0);
	if (expr_parse((const char *)text.data, NULL, &e, &error) == ERR_OK) {
		explain_and_parse_again(e);
		expr_free(e);
	} else if (error.message[0] == '\0' || error.column < 1 ||
	    error.column > strlen((const char *)text.data) + 1) {
		abort();
	}
	buf_clear(&text);
	return 0;
}
