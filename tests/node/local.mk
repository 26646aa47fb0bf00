# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/node/records
tests_node_records_LDADD = src/log/libfb-log.a $(LIBFB_BASE)
EXTRA_DIST += \
	tests/node/node.sh \
	tests/node/10-start.t \
	tests/node/20-capture.t \
	tests/node/30-receive.t \
	tests/node/31-multicast.t \
	tests/node/40-kill.t \
	tests/node/50-full-disk.t \
	tests/node/60-templates.t
