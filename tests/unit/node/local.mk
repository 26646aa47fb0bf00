# SPDX-License-Identifier: ISC
check_PROGRAMS += \
	tests/unit/node/t-account \
	tests/unit/node/t-clock_watch \
	tests/unit/node/t-board \
	tests/unit/node/t-channel \
	tests/unit/node/t-sandbox \
	tests/unit/node/t-conf \
	tests/unit/node/t-disk \
	tests/unit/node/t-disk-sync \
	tests/unit/node/t-host-drops \
	tests/unit/node/t-exporters \
	tests/unit/node/t-flood \
	tests/unit/node/t-intake \
	tests/unit/node/t-links \
	tests/unit/node/t-listener \
	tests/unit/node/t-notify \
	tests/unit/node/t-packet \
	tests/unit/node/t-picker \
	tests/unit/node/t-reload \
	tests/unit/node/t-feed-reader \
	tests/unit/node/t-report-changes \
	tests/unit/node/t-retention \
	tests/unit/node/t-ring \
	tests/unit/node/t-sources \
	tests/unit/node/t-streams \
	tests/unit/node/t-unit
tests_unit_node_t_account_LDADD = $(LIBFB_NODE)
tests_unit_node_t_clock_watch_LDADD = $(LIBFB_NODE)
tests_unit_node_t_conf_LDADD = $(LIBFB_NODE)
tests_unit_node_t_disk_LDADD = $(LIBFB_NODE)
tests_unit_node_t_disk_sync_LDADD = $(LIBFB_NODE)
tests_unit_node_t_host_drops_LDADD = $(LIBFB_NODE)
tests_unit_node_t_exporters_LDADD = $(LIBFB_NODE)
tests_unit_node_t_flood_LDADD = $(LIBFB_NODE)
tests_unit_node_t_intake_LDADD = $(LIBFB_NODE)
tests_unit_node_t_links_LDADD = $(LIBFB_NODE)
tests_unit_node_t_listener_LDADD = $(LIBFB_NODE)
tests_unit_node_t_notify_LDADD = $(LIBFB_NODE)
tests_unit_node_t_picker_LDADD = $(LIBFB_NODE)
tests_unit_node_t_packet_LDADD = $(LIBFB_NODE)
tests_unit_node_t_sources_LDADD = $(LIBFB_NODE)
tests_unit_node_t_streams_LDADD = $(LIBFB_NODE)
tests_unit_node_t_unit_LDADD = $(LIBFB_NODE)
tests_unit_node_t_retention_SOURCES = tests/unit/node/t-retention.c tests/log-folder.c tests/log-folder.h
tests_unit_node_t_reload_LDADD = $(LIBFB_NODE)
tests_unit_node_t_retention_LDADD = $(LIBFB_NODE)
tests_unit_node_t_board_LDADD = $(LIBFB_NODE)
tests_unit_node_t_report_changes_LDADD = $(LIBFB_NODE)
tests_unit_node_t_channel_LDADD = $(LIBFB_NODE)
tests_unit_node_t_feed_reader_LDADD = $(LIBFB_NODE)
tests_unit_node_t_ring_LDADD = $(LIBFB_NODE)
tests_unit_node_t_sandbox_LDADD = $(LIBFB_NODE)
