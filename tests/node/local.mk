# SPDX-License-Identifier: ISC
check_PROGRAMS += \
	tests/node/flood \
	tests/node/groups \
	tests/node/lane-drops \
	tests/node/lanes \
	tests/node/link-news \
	tests/node/records
tests_node_flood_LDADD = $(LIBFB_BASE)
tests_node_groups_LDADD = $(LIBFB_NODE)
tests_node_lane_drops_LDADD = $(LIBFB_NODE)
tests_node_lanes_LDADD = $(LIBFB_NODE)
tests_node_link_news_LDADD = $(LIBFB_NODE)
tests_node_records_LDADD = src/log/libfb-log.a $(LIBFB_FLOW)

# Preloaded, so nothing that is linked: programs in name, and shared objects.
check_PROGRAMS += tests/node/clock-shim.so tests/node/fault-shim.so tests/node/rogue-shim.so
tests_node_clock_shim_so_SOURCES = tests/node/clock-shim.c
tests_node_clock_shim_so_CFLAGS = $(AM_CFLAGS) -fvisibility=default
tests_node_clock_shim_so_LDFLAGS = -shared
tests_node_clock_shim_so_LDADD = -ldl
tests_node_fault_shim_so_SOURCES = tests/node/fault-shim.c
tests_node_fault_shim_so_CFLAGS = $(AM_CFLAGS) -fvisibility=default
tests_node_fault_shim_so_LDFLAGS = -shared -pthread
tests_node_fault_shim_so_LDADD = -ldl
tests_node_rogue_shim_so_SOURCES = tests/node/rogue-shim.c
tests_node_rogue_shim_so_CFLAGS = $(AM_CFLAGS) -fvisibility=default
tests_node_rogue_shim_so_LDFLAGS = -shared
tests_node_rogue_shim_so_LDADD = -ldl

EXTRA_DIST += \
	tests/node/node.sh \
	tests/node/sockets.h \
	tests/node/10-start.t \
	tests/node/20-capture.t \
	tests/node/30-receive.t \
	tests/node/31-multicast.t \
	tests/node/32-lane-drops.t \
	tests/node/32-lanes.t \
	tests/node/33-groups.t \
	tests/node/34-links.t \
	tests/node/35-interfaces.t \
	tests/node/36-lanes.t \
	tests/node/40-kill.t \
	tests/node/41-restart.t \
	tests/node/42-reload.t \
	tests/node/43-interfaces.t \
	tests/node/44-lane-interfaces.t \
	tests/node/45-children.t \
	tests/node/45-kills.t \
	tests/node/46-replay.t \
	tests/node/47-policy.t 	tests/node/47-follow.t \
	tests/node/50-full-disk.t \
	tests/node/52-faults.t \
	tests/node/53-disk-cycles.t \
	tests/node/55-retain.t \
	tests/node/60-templates.t \
	tests/node/70-flood.t \
	tests/node/70-unit.t \
	tests/node/71-container.t \
	tests/node/71-poison.t \
	tests/node/72-rate-limit.t \
	tests/node/80-clock.t \
	tests/node/81-syscalls.t \
	tests/node/82-status.t \
	tests/node/83-forward.t \
	tests/node/84-feed.t \
	tests/node/87-prometheus.t \
	tests/node/88-systemd.t \
	tests/node/machine.sh \
	tests/node/83-gaps.t tests/node/83-shared.t \
	tests/node/84-cisco-gaps.t \
	tests/node/83-tls.t \
	tests/node/85-causes.t \
	tests/node/certificates.sh \
	tests/node/requests.py \
	tests/node/90-flowd-input.t \
	tests/node/91-flowd-life.t \
	tests/node/clients.py \
	tests/node/exporters.py \
	tests/node/kills.py \
	tests/node/metrics.py \
	tests/node/outputs.py tests/node/sequences.py tests/node/shared.py \
	tests/node/v5-send.py \
	tests/node/mutants
