# SPDX-License-Identifier: ISC
noinst_LIBRARIES += cluster/libfb-cluster.a
cluster_libfb_cluster_a_SOURCES = \
	cluster/absent.c cluster/absent.h \
	cluster/cat.c \
	cluster/causes.c cluster/causes.h \
	cluster/cat.c cluster/cat_follow.c cluster/cat_log.c cluster/cat_log.h cluster/cat_options.c \
	cluster/cat_private.h cluster/cat_sort.c cluster/cat_sort.h \
	cluster/census.c cluster/census.h \
	cluster/command.c cluster/command.h \
	cluster/conflicts.c cluster/conflicts.h \
	cluster/export.c cluster/export_ipfix.c cluster/export_place.c cluster/export_private.h cluster/export_sqlite.c \
	cluster/gaps.c \
	cluster/heal.c cluster/heal.h \
	cluster/import.c cluster/import_capture.c cluster/import_private.h cluster/import_store.c \
	cluster/info.c cluster/info_json.c cluster/info_report.h cluster/info_text.c \
	cluster/ledger.c cluster/ledger.h cluster/ledger_json.c cluster/ledger_text.c \
	cluster/merged.c \
	cluster/merge.c cluster/merge_options.c cluster/merge_options.h \
	cluster/merge_place.c cluster/merge_place.h \
	cluster/missing.c cluster/missing.h \
	cluster/replay.c \
	cluster/replay_send.c cluster/replay_send.h \
	cluster/select.c cluster/select.h \
	cluster/shards.c cluster/shards.h \
	cluster/overlap.c cluster/overlap.h \
	cluster/policy_file.c cluster/policy_file.h \
	cluster/skew.c cluster/skew.h \
	cluster/undecoded.c cluster/undecoded.h \
	cluster/verify.c \
	cluster/walk.c cluster/walk.h

cluster_libfb_cluster_a_CPPFLAGS = $(AM_CPPFLAGS) -DSBINDIR='"$(sbindir)"'

# What polls nodes and serves, apart, since libevent is not for those that only read files.
noinst_LIBRARIES += cluster/libfb-monitor.a
cluster_libfb_monitor_a_SOURCES = \
	cluster/monitor.c \
	cluster/monitor_check.c cluster/monitor_check.h \
	cluster/monitor_conf.c cluster/monitor_conf.h \
	cluster/monitor_conf_change.c \
	cluster/monitor_document.c cluster/monitor_document.h \
	cluster/monitor_metrics.c \
	cluster/monitor_numbering.c cluster/monitor_numbering.h \
	cluster/monitor_page.c cluster/monitor_page.h \
	cluster/monitor_poll.c cluster/monitor_poll.h \
	cluster/monitor_report.c cluster/monitor_report.h \
	cluster/monitor_serve.c cluster/monitor_serve.h \
	cluster/monitor_stream.c cluster/monitor_stream.h \
	cluster/monitor_stream_private.h \
	cluster/monitor_stream_sums.c \
	cluster/monitor_view.c cluster/monitor_view.h
cluster_libfb_monitor_a_CPPFLAGS = $(AM_CPPFLAGS) -DMONITOR_PAGE='"$(pkgdatadir)/monitor"'

bin_PROGRAMS += flowbraid
flowbraid_SOURCES = cluster/main.c
flowbraid_LDADD = $(LIBFB_MONITOR)

EXTRA_DIST += cluster/lib/build cluster/lib/install-deps cluster/demo cluster/lab tests/cluster
dist_man_MANS += man/flowbraid.1 man/flowbraid-archive.5 man/flowbraid-export.5 man/flowbraid-filter.7 man/flowbraid-monitor.8
