/* SPDX-License-Identifier: ISC
 *
 * dump json|fields|datagrams|counts PATH [EXPRESSION [FROM-NS TO-NS]]: what libflowbraid gives. json: as cat -F json; fields: of
 * each flow a line of NAME=TEXT; datagrams: exporter, port, time, protocol, domain, sequence, witnesses and payload of each;
 * counts: flows, findings, undecoded sets. Damage goes to standard error.
 */
#include <flowbraid/flowbraid.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
on_finding(void *ctx, const char *text)
{
	fprintf((FILE *)ctx, "%s\n", text);
}

static void
print_json(const struct flowbraid_flow *f)
{
	size_t len;
	const char *text = flowbraid_flow_json(f, &len);

	if (text == NULL || strlen(text) != len)
		exit(99);
	puts(text);
}

static void
print_fields(const struct flowbraid_flow *f)
{
	const struct flowbraid_field *fields;
	char name[80], text[140000];
	size_t count;

	if (flowbraid_flow_fields(f, &fields, &count) != FLOWBRAID_OK)
		exit(99);
	for (size_t i = 0; i < count; i++) {
		flowbraid_field_name(&fields[i], name, sizeof(name));
		flowbraid_field_text(&fields[i], text, sizeof(text));
		printf("%s%s=%s", i > 0 ? " " : "", name, text);
	}
	if (f->start_digits >= 0) {
		flowbraid_time_text(f->start_ns, f->start_digits, text, sizeof(text));
		printf(" flowStart=%s", text);
	}
	if (f->end_digits >= 0) {
		flowbraid_time_text(f->end_ns, f->end_digits, text, sizeof(text));
		printf(" flowEnd=%s", text);
	}
	printf("%s%s\n", f->options ? " options" : "", f->late ? " late" : "");
}

static void
print_datagram(const struct flowbraid_datagram *d)
{
	char text[48];

	flowbraid_address_text(d->exporter, text, sizeof(text));
	printf("%s %u ", text, d->port);
	flowbraid_time_text(d->received_ns, 9, text, sizeof(text));
	printf("%s %u %" PRIu32 " %" PRIu32 " ", text, d->protocol, d->domain, d->sequence);
	for (size_t i = 0; i < d->witness_count; i++)
		printf("%s%s", i > 0 ? "," : "", d->witnesses[i]);
	printf(" ");
	for (size_t i = 0; d->payload != NULL && i < d->len; i++)
		printf("%02x", d->payload[i]);
	printf("\n");
}

static enum flowbraid_status
dump(struct flowbraid_reader *r, const char *what)
{
	const struct flowbraid_datagram *d;
	const struct flowbraid_flow *f;
	enum flowbraid_status status;
	uint64_t flows = 0;

	if (strcmp(what, "datagrams") == 0) {
		while ((status = flowbraid_reader_next_datagram(r, &d)) == FLOWBRAID_OK)
			print_datagram(d);
		return status;
	}
	while ((status = flowbraid_reader_next(r, &f)) == FLOWBRAID_OK) {
		flows++;
		if (strcmp(what, "json") == 0)
			print_json(f);
		else if (strcmp(what, "fields") == 0)
			print_fields(f);
	}
	if (strcmp(what, "counts") == 0)
		printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", flows, flowbraid_reader_findings(r),
		    flowbraid_reader_undecoded(r));
	return status;
}

int
main(int argc, char **argv)
{
	struct flowbraid_reader *r;
	enum flowbraid_status status = FLOWBRAID_OK;

	if (argc < 3 || flowbraid_reader_new(&r) != FLOWBRAID_OK)
		return 99;
	flowbraid_reader_on_finding(r, on_finding, stderr);
	flowbraid_reader_with_options(r, strcmp(argv[1], "json") == 0 || strcmp(argv[1], "fields") == 0);
	if (argc > 3 && argv[3][0] != '\0')
		status = flowbraid_reader_select(r, argv[3]);
	if (argc > 5)
		flowbraid_reader_span(r, strtoll(argv[4], NULL, 10), strtoll(argv[5], NULL, 10));
	if (status == FLOWBRAID_OK)
		status = flowbraid_reader_open(r, argv[2]);
	if (status == FLOWBRAID_OK)
		status = dump(r, argv[1]);
	if (status != FLOWBRAID_END)
		fprintf(stderr, "status %d column %zu: %s\n", (int)status, flowbraid_reader_error_column(r),
		    flowbraid_reader_error(r));
	flowbraid_reader_free(r);
	return status == FLOWBRAID_END ? 0 : 2;
}
