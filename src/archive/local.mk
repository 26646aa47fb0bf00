# SPDX-License-Identifier: ISC
noinst_LIBRARIES += src/archive/libfb-archive.a
src_archive_libfb_archive_a_SOURCES = \
	src/archive/chunks.c src/archive/chunks.h \
	src/archive/entry.c src/archive/entry.h \
	src/archive/follow.c src/archive/follow.h \
	src/archive/hearings.c src/archive/hearings.h \
	src/archive/input.c src/archive/input.h \
	src/archive/life.c src/archive/life.h \
	src/archive/manifest.c src/archive/manifest.h \
	src/archive/plan.c src/archive/plan.h src/archive/plan_clock.c src/archive/plan_clock.h src/archive/plan_decode.c src/archive/plan_decode.h src/archive/plan_numbering.c src/archive/plan_numbering.h \
	src/archive/pool.c src/archive/pool.h src/archive/pool_close.c src/archive/pool_datagrams.c src/archive/pool_private.h \
	src/archive/pool_policy.c src/archive/pool_read.c src/archive/pool_selected.c \
	src/archive/reader.c src/archive/reader.h src/archive/reader_archive.c src/archive/reader_private.h \
	src/archive/records.c src/archive/records.h \
	src/archive/sampled.c src/archive/sampled.h \
	src/archive/segment_file.c src/archive/segment_file.h \
	src/archive/spool.c src/archive/spool.h \
	src/archive/state_table.c src/archive/state_table.h \
	src/archive/tables.c src/archive/tables.h \
	src/archive/unpack.c src/archive/unpack.h \
	src/archive/window_check.c src/archive/window_check.h \
	src/archive/window_sum.c src/archive/window_sum.h \
	src/archive/write.c src/archive/write.h src/archive/write_private.h \
	src/archive/write_window.c
