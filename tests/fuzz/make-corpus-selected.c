/* SPDX-License-Identifier: ISC
 *
 * Bodies of selected flows: of a v5 datagram, of v9 with options, and one with fields of variable length and tags.
 */
#include <stdio.h>
#include <stdlib.h>

#include "flow/decode.h"
#include "flow/selected.h"
#include "tests/fuzz/make-corpus.h"
#include "tests/templates.h"

static struct selected_writer *writer;

static bool
tag_all(void *ctx, const struct flow *f, uint32_t *tags, size_t *n_tags)
{
	(void)ctx;
	tags[0] = 1 + f->index;
	*n_tags = 1;
	return true;
}

static void
must_be(enum err e, const char *what)
{
	if (e != ERR_OK) {
		fprintf(stderr, "make-corpus: %s: %s\n", what, err_text(e));
		exit(1);
	}
}

static void
save_selected(const char *file, const struct buf *payload)
{
	struct selected_choice choice = {.flow = tag_all};
	struct sha256 digest = sha256_of(payload->data, payload->len);
	struct template_list templates = {.count = 0};
	struct buf body = BUF_INIT;
	struct proto_info info;
	struct stream_key key;
	bool complete;

	must_be(proto_recognise(payload->data, payload->len, &info), file);
	key = stream_key_of(&(struct addr){{0}}, 0, &info);
	templates_learn(&templates, &key, &info, payload->data, payload->len);
	must_be(selected_write(writer, payload->data, payload->len, &info, &digest, templates_resolve,
		    &templates, &choice, &body, &complete),
	    file);
	save("selected", file, &body);
	templates_clear(&templates);
	buf_clear(&body);
}

void
make_selected(void)
{
	struct buf b = BUF_INIT, body = BUF_INIT;
	struct selected_head h = {.len = 24, .records = 2, .skeleton_len = 24};
	uint32_t tags[] = {7, 9};

	writer = selected_writer_new();
	if (writer == NULL)
		exit(1);
	put_v5(&b, 2, 1000);
	save_selected("v5", &b);
	h.skeleton = b.data;
	h.digest = sha256_of(b.data, b.len);
	selected_begin(writer, &h);
	selected_record(writer, false, 0, true, tags, 2);
	selected_field(writer, 2, 0, 8, false, "\300\0\2\1", 4);
	selected_field(writer, 4, 0, 82, true, "name", 4);
	selected_record(writer, true, 1, false, NULL, 0);
	must_be(selected_end(writer, &body), "variable");
	save("selected", "variable", &body);
	buf_reset(&b);
	put_v9_header(&b, 4);
	put_v9_template(&b);
	put_v9_options_template(&b);
	put_v9_data(&b);
	save_selected("v9", &b);
	selected_writer_free(writer);
	buf_clear(&b);
	buf_clear(&body);
}
