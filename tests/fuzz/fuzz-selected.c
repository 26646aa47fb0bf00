/* SPDX-License-Identifier: ISC
 *
 * Any bytes as a body of selected flows: what opens reads to its end, and is its own union with itself in the form that
 * is written.
 */
#include <string.h>

#include "flow/decode.h"
#include "flow/selected.h"
#include "tests/fuzz/target.h"

static const struct addr exporter = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1}};

static void
print(struct selected_reader *r, const uint8_t *bytes, size_t len)
{
	uint32_t flows = selected_count(r, false), options = selected_count(r, true);
	struct flow_context context = {.exporter = exporter, .received = {1}};
	struct buf out = BUF_INIT;
	struct decode d;
	struct flow f;

	decode_init_selected(&d, r, NULL, NULL);
	while (decode_next(&d, &f) == ERR_OK) {
		flow_json(&f, &context, &out);
		flow_text(&f, &context, &out);
		flow_text_long(&f, &context, &out);
		buf_reset(&out);
	}
	must(d.flows == flows && d.options == options);
	must(selected_open(r, bytes, len) == ERR_OK);
	buf_clear(&out);
}

static void
unite(const uint8_t *bytes, size_t len)
{
	struct selected_union u = {selected_reader_new(), selected_reader_new(), selected_writer_new()};
	struct buf once = BUF_INIT, twice = BUF_INIT;
	uint32_t conflicts;

	must(selected_unite(&u, bytes, len, bytes, len, &once, &conflicts) == ERR_OK && conflicts == 0);
	must(selected_unite(&u, bytes, len, once.data, once.len, &twice, &conflicts) == ERR_OK);
	must(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
	buf_clear(&once);
	buf_clear(&twice);
	selected_reader_free(u.a);
	selected_reader_free(u.b);
	selected_writer_free(u.w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct selected_reader *r = selected_reader_new();

	must(r != NULL);
	if (selected_open(r, bytes, len) == ERR_OK) {
		print(r, bytes, len);
		unite(bytes, len);
	}
	selected_reader_free(r);
	return 0;
}
