# SPDX-License-Identifier: ISC
noinst_LIBRARIES += src/wire/libfb-wire.a
src_wire_libfb_wire_a_SOURCES = \
	src/wire/frame.c src/wire/frame.h \
	src/wire/proto.c src/wire/proto.h \
	src/wire/sets.c src/wire/sets.h \
	src/wire/sflow.c src/wire/sflow.h \
	src/wire/stream.c src/wire/stream.h \
	src/wire/template.c src/wire/template.h src/wire/template_cache.c \
	src/wire/template_def.c src/wire/template_spec.h \
	src/wire/udp_packet.c src/wire/udp_packet.h
