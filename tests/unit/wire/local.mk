# SPDX-License-Identifier: ISC
check_PROGRAMS += \
	tests/unit/wire/t-frame \
	tests/unit/wire/t-proto \
	tests/unit/wire/t-sets \
	tests/unit/wire/t-sflow \
	tests/unit/wire/t-stream \
	tests/unit/wire/t-template \
	tests/unit/wire/t-template-cache \
	tests/unit/wire/t-udp_packet
WIRE_BUILD_EXPORT = tests/unit/wire/build-export.c tests/unit/wire/build-export.h
tests_unit_wire_t_proto_SOURCES = tests/unit/wire/t-proto.c $(WIRE_BUILD_EXPORT)
tests_unit_wire_t_sets_SOURCES = tests/unit/wire/t-sets.c $(WIRE_BUILD_EXPORT)
tests_unit_wire_t_template_SOURCES = tests/unit/wire/t-template.c $(WIRE_BUILD_EXPORT)
tests_unit_wire_t_template_cache_SOURCES = tests/unit/wire/t-template-cache.c $(WIRE_BUILD_EXPORT)
tests_unit_wire_t_proto_LDADD = $(LIBFB_WIRE)
tests_unit_wire_t_sets_LDADD = $(LIBFB_WIRE)
tests_unit_wire_t_stream_LDADD = $(LIBFB_WIRE)
tests_unit_wire_t_template_LDADD = $(LIBFB_WIRE)
tests_unit_wire_t_template_cache_LDADD = $(LIBFB_WIRE)
tests_unit_wire_t_udp_packet_LDADD = $(LIBFB_WIRE)
tests_unit_wire_t_frame_LDADD = $(LIBFB_WIRE)
tests_unit_wire_t_sflow_LDADD = $(LIBFB_WIRE)
EXTRA_DIST += tests/sample.h
