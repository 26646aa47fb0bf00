/* SPDX-License-Identifier: ISC
 *
 * Writes one JSON document (RFC 8259) into a buf. Commas and nesting are kept here; text is escaped, and
 * bytes that are not UTF-8 become U+FFFD, so the output always parses.
 *
 *	struct json j; json_init(&j, &buf);
 *	json_object(&j); json_key(&j, "exporter"); json_text(&j, "192.0.2.1"); json_end(&j);
 */
#ifndef FLOWBRAID_BASE_JSON_H
#define FLOWBRAID_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

struct buf;

/* Whether text is UTF-8 throughout. */
bool json_is_utf8(const void *text, size_t len);

#define JSON_DEPTH 32

struct json {
	struct buf *out; /* borrowed */
	uint8_t depth;
	bool comma[JSON_DEPTH]; /* a value stands before the next one */
	bool array[JSON_DEPTH];
	bool after_key;
	int indent; /* spaces a level; 0: on one line */
};

void json_init(struct json *j, struct buf *out);
void json_object(struct json *j);
void json_array(struct json *j);
void json_end(struct json *j); /* of the innermost object or array */
void json_key(struct json *j, const char *key);
void json_text(struct json *j, const char *text);
void json_text_len(struct json *j, const void *text, size_t len);
void json_u64(struct json *j, uint64_t v);
void json_i64(struct json *j, int64_t v);
void json_double(struct json *j, double v); /* shortest form that reads back the same; null when not finite */
void json_bool(struct json *j, bool v);
void json_null(struct json *j);
void json_raw(struct json *j, const void *text, size_t len); /* already JSON: a value made elsewhere */

/* key and value in one */
void json_put_text(struct json *j, const char *key, const char *text);
void json_put_u64(struct json *j, const char *key, uint64_t v);
void json_put_bool(struct json *j, const char *key, bool v);

#endif
