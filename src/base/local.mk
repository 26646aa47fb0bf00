# SPDX-License-Identifier: ISC
noinst_LIBRARIES += src/base/libfb-base.a
src_base_libfb_base_a_SOURCES = \
	src/base/addr.c src/base/addr.h \
	src/base/array.c src/base/array.h \
	src/base/buf.c src/base/buf.h \
	src/base/clock.c src/base/clock.h \
	src/base/compress.c src/base/compress.h \
	src/base/crc32c.c src/base/crc32c.h \
	src/base/digest.c src/base/digest.h \
	src/base/err.c src/base/err.h \
	src/base/file.c src/base/file.h \
	src/base/hash.c src/base/hash.h \
	src/base/json.c src/base/json.h \
	src/base/msg.c src/base/msg.h \
	src/base/rd.h \
	src/base/sort.c src/base/sort.h \
	src/base/spill.c src/base/spill.h \
	src/base/udp.c src/base/udp.h \
	src/base/wr.h

# What a program serves, apart, since libevent is not for those that only read files.
noinst_LIBRARIES += src/base/libfb-serve.a
src_base_libfb_serve_a_SOURCES = \
	src/base/loop.c src/base/loop.h \
	src/base/serve.c src/base/serve.h \
	src/base/serve_connections.c src/base/serve_connections.h \
	src/base/serve_private.h \
	src/base/serve_secrets.c src/base/serve_secrets.h \
	src/base/serve_stream.c \
	src/base/serve_tls.c src/base/serve_tls.h \
	src/base/serve_users.c src/base/serve_users.h
