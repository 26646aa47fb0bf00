# SPDX-License-Identifier: ISC
check_PROGRAMS += \
	tests/unit/wire/t-proto \
	tests/unit/wire/t-sets \
	tests/unit/wire/t-stream \
	tests/unit/wire/t-template
tests_unit_wire_t_proto_LDADD = $(LIBFB_WIRE)
tests_unit_wire_t_sets_LDADD = $(LIBFB_WIRE)
tests_unit_wire_t_stream_LDADD = $(LIBFB_WIRE)
tests_unit_wire_t_template_LDADD = $(LIBFB_WIRE)
EXTRA_DIST += tests/message.h tests/templates.h
