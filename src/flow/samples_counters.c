/* SPDX-License-Identifier: ISC
 *
 * Counter records: numbers one behind the other, and our elements for them in the same order.
 */
#include "flow/samples_put.h"

/* sizes: of each number. What a later version adds behind them is left out. */
static bool
put_run(struct samples *s, struct rd r, uint16_t first, const char *sizes)
{
	struct rd whole = r;

	for (const char *size = sizes; *size != '\0'; size++)
		rd_skip(&whole, (size_t)(*size - '0'));
	if (!rd_ok(&whole))
		return false;
	for (uint16_t i = 0; sizes[i] != '\0'; i++) {
		size_t size = (size_t)(sizes[i] - '0');

		samples_number(s, PEN_SFLOW, (uint16_t)(first + i), size, rd_uint(&r, size));
	}
	return true;
}

static bool
put_generic(struct samples *s, struct rd r)
{
	return put_run(s, r, SFLOW_COUNTER_ELEMENTS, "4484484444448444444");
}

static bool
put_ethernet(struct samples *s, struct rd r)
{
	return put_run(s, r, SFLOW_COUNTER_ELEMENTS + 20, "4444444444444");
}

static bool
put_token_ring(struct samples *s, struct rd r)
{
	return put_run(s, r, SFLOW_COUNTER_ELEMENTS + 40, "444444444444444444");
}

static bool
put_vlan(struct samples *s, struct rd r)
{
	return put_run(s, r, SFLOW_COUNTER_ELEMENTS + 60, "484444");
}

static bool
put_processor(struct samples *s, struct rd r)
{
	return put_run(s, r, SFLOW_COUNTER_ELEMENTS + 70, "44488");
}

static bool
put_host_cpu(struct samples *s, struct rd r)
{
	return put_run(s, r, SFLOW_COUNTER_ELEMENTS + 80, "44444444444444444");
}

static bool
put_host_memory(struct samples *s, struct rd r)
{
	return put_run(s, r, SFLOW_COUNTER_ELEMENTS + 100, "88888884444");
}

static bool
put_host_disk(struct samples *s, struct rd r)
{
	return put_run(s, r, SFLOW_COUNTER_ELEMENTS + 115, "884484484");
}

static bool
put_host_network(struct samples *s, struct rd r)
{
	return put_run(s, r, SFLOW_COUNTER_ELEMENTS + 130, "84448444");
}

static const struct samples_format formats[] = {
    {1, put_generic},
    {2, put_ethernet},
    {3, put_token_ring},
    {5, put_vlan},
    {1001, put_processor},
    {2003, put_host_cpu},
    {2004, put_host_memory},
    {2005, put_host_disk},
    {2006, put_host_network},
};

const struct samples_format *
samples_counters(size_t *ret_count)
{
	*ret_count = sizeof(formats) / sizeof(formats[0]);
	return formats;
}
