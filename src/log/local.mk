# SPDX-License-Identifier: ISC
noinst_LIBRARIES += src/log/libfb-log.a
src_log_libfb_log_a_SOURCES = \
	src/log/append.c src/log/append.h \
	src/log/check.c src/log/check.h src/log/check_read.c \
	src/log/finding.c src/log/finding.h \
	src/log/event.c src/log/event.h \
	src/log/expire.c src/log/expire.h \
	src/log/folder.c src/log/folder.h \
	src/log/log_writer.c src/log/log_writer.h \
	src/log/merged.c src/log/merged.h \
	src/log/recover.c src/log/recover.h \
	src/log/retain.c src/log/retain.h \
	src/log/segment.c src/log/segment.h \
	src/log/store.c src/log/store.h \
	src/log/window.c src/log/window.h
dist_man_MANS += man/flowbraid-segment.5
