# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/node/records
tests_node_records_LDADD = src/log/libfb-log.a $(LIBFB_BASE)
EXTRA_DIST += tests/node
