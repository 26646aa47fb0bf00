# SPDX-License-Identifier: ISC
noinst_LIBRARIES += src/node/libfb-node.a
src_node_libfb_node_a_SOURCES = \
	src/node/account.c src/node/account.h \
	src/node/account_late.c src/node/account_late.h \
	src/node/accounts.c src/node/accounts.h \
	src/node/board.c src/node/board.h \
	src/node/capture.c src/node/capture.h \
	src/node/channel.c src/node/channel.h \
	src/node/child.c src/node/child.h \
	src/node/clock_watch.c src/node/clock_watch.h \
	src/node/collector.c src/node/collector.h \
	src/node/collector_private.h \
	src/node/collector_run.c src/node/collector_run.h \
	src/node/conf.c src/node/conf.h \
	src/node/conf_join.c src/node/conf_join.h \
	src/node/conf_keys.c src/node/conf_keys.h \
	src/node/conf_override.c src/node/conf_override.h \
	src/node/conf_outputs.c \
	src/node/conf_print.c \
	src/node/conf_read.h \
	src/node/disk.c src/node/disk.h \
	src/node/exporters.c src/node/exporters.h \
	src/node/feed.c src/node/feed.h \
	src/node/feed_reader.c src/node/feed_reader.h \
	src/node/forward.c src/node/forward.h \
	src/node/host_drops.c src/node/host_drops.h \
	src/node/intake.c src/node/intake.h \
	src/node/intake_event.c \
	src/node/intake_limits.c \
	src/node/intake_relay.c \
	src/node/landlock.c src/node/landlock.h \
	src/node/lane_filter.c src/node/lane_filter.h \
	src/node/links.c src/node/links.h \
	src/node/listener.c src/node/listener.h \
	src/node/membership.c src/node/membership.h \
	src/node/notify.c src/node/notify.h \
	src/node/outputs.c src/node/outputs.h \
	src/node/packet.c src/node/packet.h \
	src/node/parent.c src/node/parent.h \
	src/node/parent_children.c \
	src/node/parent_follow.c \
	src/node/parent_private.h \
	src/node/picker.c src/node/picker.h \
	src/node/process.c src/node/process.h \
	src/node/parent_relay.c \
	src/node/receive.c src/node/receive.h \
	src/node/relay.c src/node/relay.h \
	src/node/reload.c src/node/reload.h \
	src/node/report.c src/node/report.h \
	src/node/report_private.h \
	src/node/report_changes.c src/node/report_changes.h \
	src/node/report_gaps.c \
	src/node/report_streams.c \
	src/node/reporter.c src/node/reporter.h \
	src/node/retention.c src/node/retention.h \
	src/node/ring.c src/node/ring.h \
	src/node/sandbox.c src/node/sandbox.h \
	src/node/shared.c src/node/shared.h \
	src/node/snapshot.c src/node/snapshot.h \
	src/node/sockets.c src/node/sockets.h \
	src/node/sources.c src/node/sources.h \
	src/node/numberings.c src/node/numberings.h \
	src/node/streams.c src/node/streams.h \
	src/node/syscalls.c src/node/syscalls.h \
	src/node/unit.c src/node/unit.h

sbin_PROGRAMS += flowbraidd
flowbraidd_SOURCES = src/node/main.c
flowbraidd_CPPFLAGS = $(AM_CPPFLAGS) -DCONF_DEFAULT='"$(sysconfdir)/flowbraid.conf"'
flowbraidd_LDADD = $(LIBFB_NODE)

dist_man_MANS += man/flowbraidd.8 man/flowbraid.conf.5
