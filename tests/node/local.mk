# SPDX-License-Identifier: ISC
check_PROGRAMS += \
	tests/node/groups \
	tests/node/lanes \
	tests/node/link-news \
	tests/node/records
tests_node_groups_LDADD = $(LIBFB_NODE)
tests_node_lanes_LDADD = $(LIBFB_NODE)
tests_node_link_news_LDADD = $(LIBFB_NODE)
check_PROGRAMS += tests/node/flood tests/node/records
tests_node_flood_LDADD = $(LIBFB_BASE)
tests_node_records_LDADD = src/log/libfb-log.a $(LIBFB_BASE)

# A shared object without libtool. It takes no sanitizer: it would have to be loaded before that.
check_DATA += tests/node/fault-shim.so
CLEANFILES += tests/node/fault-shim.so
tests/node/fault-shim.so: tests/node/fault-shim.c
	$(AM_V_at)$(MKDIR_P) tests/node
	$(AM_V_CCLD)$(CC) -std=gnu11 -D_GNU_SOURCE $(WARN_CFLAGS) $(CFLAGS) -pthread -fPIC -shared -o $@ \
		$(srcdir)/tests/node/fault-shim.c -ldl
# Preloaded, so nothing that is linked: a program in name, and a shared object.
check_PROGRAMS += tests/node/clock-shim.so
tests_node_clock_shim_so_SOURCES = tests/node/clock-shim.c
tests_node_clock_shim_so_CFLAGS = $(AM_CFLAGS) -fPIC
tests_node_clock_shim_so_LDFLAGS = -shared
tests_node_clock_shim_so_LDADD = -ldl

EXTRA_DIST += \
	tests/node/fault-shim.c \
	tests/node/node.sh \
	tests/node/sockets.h \
	tests/node/10-start.t \
	tests/node/20-capture.t \
	tests/node/30-receive.t \
	tests/node/31-multicast.t \
	tests/node/32-lanes.t \
	tests/node/33-groups.t \
	tests/node/34-links.t \
	tests/node/35-interfaces.t \
	tests/node/40-kill.t \
	tests/node/50-full-disk.t \
	tests/node/52-faults.t \
	tests/node/53-disk-cycles.t \
	tests/node/55-retain.t \
	tests/node/60-templates.t
	tests/node/60-templates.t \
	tests/node/70-unit.t \
	tests/node/71-container.t \
	tests/node/80-clock.t
	tests/node/60-templates.t \
	tests/node/70-flood.t \
	tests/node/71-poison.t \
	tests/node/72-rate-limit.t
