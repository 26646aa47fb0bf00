# SPDX-License-Identifier: ISC
#
# Configured with --enable-fuzzing the targets fuzz; otherwise they replay files. A target NAME is
# tests/fuzz/fuzz-NAME.c, its inputs are tests/fuzz/corpus/NAME/*; add here:
#
#	check_PROGRAMS += tests/fuzz/fuzz-NAME
#	tests_fuzz_fuzz_NAME_SOURCES = tests/fuzz/fuzz-NAME.c $(FUZZ_MAIN)
#	tests_fuzz_fuzz_NAME_LDFLAGS = $(FUZZ_LINK)
#	tests_fuzz_fuzz_NAME_LDADD = $(LIBFB_WIRE)

if FUZZING
FUZZ_MAIN = tests/fuzz/target.h
else
FUZZ_MAIN = tests/fuzz/target.h tests/fuzz/replay-main.c
endif
FUZZ_LINK = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

EXTRA_DIST += tests/fuzz/replay.t tests/fuzz/smoke tests/fuzz/corpus

check_PROGRAMS += tests/fuzz/fuzz-segment
tests_fuzz_fuzz_segment_SOURCES = tests/fuzz/fuzz-segment.c $(FUZZ_MAIN)
tests_fuzz_fuzz_segment_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_segment_LDADD = $(LIBFB_LOG)

EXTRA_PROGRAMS += tests/fuzz/make-corpus
tests_fuzz_make_corpus_SOURCES = tests/fuzz/make-corpus.c tests/fuzz/make-corpus-logs.c \
	tests/fuzz/make-corpus-selected.c tests/fuzz/make-corpus.h
tests_fuzz_make_corpus_LDADD = $(LIBFB_ARCHIVE)

check_PROGRAMS += tests/fuzz/fuzz-conf
tests_fuzz_fuzz_conf_SOURCES = tests/fuzz/fuzz-conf.c tests/fuzz/scanner-leak.h $(FUZZ_MAIN)
tests_fuzz_fuzz_conf_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_conf_LDADD = $(LIBFB_NODE)

FUZZ_DATAGRAM = tests/fuzz/datagram.c tests/fuzz/datagram.h $(FUZZ_MAIN)
check_PROGRAMS += tests/fuzz/fuzz-v1 tests/fuzz/fuzz-v5 tests/fuzz/fuzz-v7 tests/fuzz/fuzz-v9 \
	tests/fuzz/fuzz-ipfix tests/fuzz/fuzz-sflow tests/fuzz/fuzz-any tests/fuzz/fuzz-templates
tests_fuzz_fuzz_v1_SOURCES = tests/fuzz/fuzz-v1.c $(FUZZ_DATAGRAM)
tests_fuzz_fuzz_v1_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_v1_LDADD = $(LIBFB_FLOW)
tests_fuzz_fuzz_v5_SOURCES = tests/fuzz/fuzz-v5.c $(FUZZ_DATAGRAM)
tests_fuzz_fuzz_v5_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_v5_LDADD = $(LIBFB_FLOW)
tests_fuzz_fuzz_v7_SOURCES = tests/fuzz/fuzz-v7.c $(FUZZ_DATAGRAM)
tests_fuzz_fuzz_v7_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_v7_LDADD = $(LIBFB_FLOW)
tests_fuzz_fuzz_v9_SOURCES = tests/fuzz/fuzz-v9.c $(FUZZ_DATAGRAM)
tests_fuzz_fuzz_v9_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_v9_LDADD = $(LIBFB_FLOW)
tests_fuzz_fuzz_ipfix_SOURCES = tests/fuzz/fuzz-ipfix.c $(FUZZ_DATAGRAM)
tests_fuzz_fuzz_ipfix_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_ipfix_LDADD = $(LIBFB_FLOW)
tests_fuzz_fuzz_sflow_SOURCES = tests/fuzz/fuzz-sflow.c $(FUZZ_DATAGRAM)
tests_fuzz_fuzz_sflow_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_sflow_LDADD = $(LIBFB_FLOW)
tests_fuzz_fuzz_any_SOURCES = tests/fuzz/fuzz-any.c $(FUZZ_DATAGRAM)
tests_fuzz_fuzz_any_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_any_LDADD = $(LIBFB_FLOW)
tests_fuzz_fuzz_templates_SOURCES = tests/fuzz/fuzz-templates.c $(FUZZ_DATAGRAM)
tests_fuzz_fuzz_templates_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_templates_LDADD = $(LIBFB_FLOW)

check_PROGRAMS += tests/fuzz/fuzz-archive
tests_fuzz_fuzz_archive_SOURCES = tests/fuzz/fuzz-archive.c $(FUZZ_MAIN)
tests_fuzz_fuzz_archive_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_archive_LDADD = $(LIBFB_ARCHIVE)

check_PROGRAMS += tests/fuzz/fuzz-expr
tests_fuzz_fuzz_expr_SOURCES = tests/fuzz/fuzz-expr.c $(FUZZ_MAIN)
tests_fuzz_fuzz_expr_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_expr_LDADD = $(LIBFB_FLOW)

check_PROGRAMS += tests/fuzz/fuzz-links
tests_fuzz_fuzz_links_SOURCES = tests/fuzz/fuzz-links.c $(FUZZ_MAIN)
tests_fuzz_fuzz_links_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_links_LDADD = $(LIBFB_NODE)

check_PROGRAMS += tests/fuzz/fuzz-merged
tests_fuzz_fuzz_merged_SOURCES = tests/fuzz/fuzz-merged.c $(FUZZ_MAIN)
tests_fuzz_fuzz_merged_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_merged_LDADD = $(LIBFB_LOG)

check_PROGRAMS += tests/fuzz/fuzz-reload
tests_fuzz_fuzz_reload_SOURCES = tests/fuzz/fuzz-reload.c tests/fuzz/scanner-leak.h $(FUZZ_MAIN)
tests_fuzz_fuzz_reload_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_reload_LDADD = $(LIBFB_NODE)

check_PROGRAMS += tests/fuzz/fuzz-selected
tests_fuzz_fuzz_selected_SOURCES = tests/fuzz/fuzz-selected.c $(FUZZ_MAIN)
tests_fuzz_fuzz_selected_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_selected_LDADD = $(LIBFB_FLOW)

check_PROGRAMS += tests/fuzz/fuzz-flowd
tests_fuzz_fuzz_flowd_SOURCES = tests/fuzz/fuzz-flowd.c $(FUZZ_MAIN)
tests_fuzz_fuzz_flowd_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_flowd_LDADD = $(LIBFB_FLOW)

check_PROGRAMS += tests/fuzz/fuzz-basic
tests_fuzz_fuzz_basic_SOURCES = tests/fuzz/fuzz-basic.c $(FUZZ_MAIN)
tests_fuzz_fuzz_basic_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_basic_LDADD = $(LIBFB_SERVE) $(LIBFB_BASE)

check_PROGRAMS += tests/fuzz/fuzz-monitor
tests_fuzz_fuzz_monitor_SOURCES = tests/fuzz/fuzz-monitor.c $(FUZZ_MAIN)
tests_fuzz_fuzz_monitor_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_monitor_LDADD = $(LIBFB_MONITOR)
