/* SPDX-License-Identifier: ISC
 *
 * What libflowbraid shows as text. The forms are those of flowbraid cat.
 */
#include <inttypes.h>
#include <string.h>

#include "api/api.h"
#include "base/addr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"

const char *
flowbraid_flow_json(const struct flowbraid_flow *f, size_t *ret_len)
{
	struct flowbraid_reader *r = api_owner(f);

	buf_reset(&r->json);
	flow_json(&r->flow, &r->context, &r->json);
	if (!buf_ok(&r->json)) {
		buf_clear(&r->json);
		return NULL;
	}
	r->json.data[--r->json.len] = '\0'; /* in place of the newline */
	if (ret_len != NULL)
		*ret_len = r->json.len;
	return (const char *)r->json.data;
}

/* As much as fits, and a NUL. */
static size_t
give_text(const void *bytes, size_t len, char *text, size_t size)
{
	size_t part = len < size ? len : size - 1;

	if (size > 0) {
		if (part > 0)
			memcpy(text, bytes, part);
		text[part] = '\0';
	}
	return len;
}

size_t
flowbraid_address_text(const uint8_t address[16], char *text, size_t size)
{
	char out[ADDR_TEXT_SIZE];
	struct addr a;

	memcpy(a.b, address, sizeof(a.b));
	addr_text(&a, out);
	return give_text(out, strlen(out), text, size);
}

size_t
flowbraid_time_text(int64_t ns, int digits, char *text, size_t size)
{
	char out[WALL_TEXT_SIZE];

	wall_text((wall_t){ns}, digits <= 0 ? 0 : digits <= 3 ? 3 : digits <= 6 ? 6 : 9, out);
	return give_text(out, strlen(out), text, size);
}

size_t
flowbraid_field_name(const struct flowbraid_field *field, char *text, size_t size)
{
	struct buf out = BUF_INIT;
	size_t len;

	if (field->name != NULL)
		return give_text(field->name, strlen(field->name), text, size);
	buf_printf(&out, "%" PRIu32 "/%" PRIu16, field->pen, field->id);
	len = give_text(out.data, buf_ok(&out) ? out.len : 0, text, size);
	buf_clear(&out);
	return len;
}

static void
put_hex(const struct flowbraid_field *field, struct buf *out)
{
	for (uint16_t i = 0; i < field->len; i++)
		buf_printf(out, "%02x", field->bytes[i]);
}

static void
put_mac(const struct flowbraid_field *field, struct buf *out)
{
	for (uint16_t i = 0; i < field->len; i++)
		buf_printf(out, "%s%02x", i > 0 ? ":" : "", field->bytes[i]);
}

static void
put_double(double v, struct buf *out)
{
	struct json j;

	json_init(&j, out);
	json_double(&j, v);
}

static void
put_time(const struct flowbraid_field *field, struct buf *out)
{
	buf_wall(out, (wall_t){field->value.time_ns}, 3 * (field->type - FLOWBRAID_SECONDS));
}

static void
put_address(const struct flowbraid_field *field, struct buf *out)
{
	char text[ADDR_TEXT_SIZE];

	flowbraid_address_text(field->value.address, text, sizeof(text));
	buf_text(out, text);
}

static void
put_field(const struct flowbraid_field *field, struct buf *out)
{
	switch ((enum flowbraid_type)field->type) {
	case FLOWBRAID_UNSIGNED:
		buf_decimal(out, field->value.u64);
		break;
	case FLOWBRAID_SIGNED:
		buf_printf(out, "%" PRIi64, field->value.i64);
		break;
	case FLOWBRAID_FLOAT:
		put_double(field->value.f64, out);
		break;
	case FLOWBRAID_BOOLEAN:
		buf_text(out, field->value.u64 != 0 ? "true" : "false");
		break;
	case FLOWBRAID_MAC:
		put_mac(field, out);
		break;
	case FLOWBRAID_TEXT:
		buf_bytes(out, field->bytes, field->len);
		break;
	case FLOWBRAID_SECONDS:
	case FLOWBRAID_MILLISECONDS:
	case FLOWBRAID_MICROSECONDS:
	case FLOWBRAID_NANOSECONDS:
		put_time(field, out);
		break;
	case FLOWBRAID_IPV4:
	case FLOWBRAID_IPV6:
		put_address(field, out);
		break;
	case FLOWBRAID_OCTETS:
	case FLOWBRAID_BASIC_LIST:
	case FLOWBRAID_TEMPLATE_LIST:
	case FLOWBRAID_MULTI_LIST:
		put_hex(field, out);
		break;
	case FLOWBRAID_ABSENT:
		break;
	}
}

size_t
flowbraid_field_text(const struct flowbraid_field *field, char *text, size_t size)
{
	struct buf out = BUF_INIT;
	size_t len;

	put_field(field, &out);
	len = give_text(out.data, buf_ok(&out) ? out.len : 0, text, size);
	buf_clear(&out);
	return len;
}
