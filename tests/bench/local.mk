# SPDX-License-Identifier: ISC
#
# Nothing here is gated on times. blast is also the sender of the daemon's tests.
check_PROGRAMS += tests/bench/blast tests/bench/floor
tests_bench_blast_LDADD = $(LIBFB_BASE)
tests_bench_floor_LDADD = $(LIBFB_BASE)
EXTRA_DIST += tests/bench/cat tests/bench/monitor tests/bench/run tests/bench/scrape tests/bench/soak

# The log layer alone: make tests/bench/bench-log && tests/bench/bench-log
EXTRA_PROGRAMS += tests/bench/bench-log
tests_bench_bench_log_LDADD = $(LIBFB_LOG)

# Logs for measuring merge, verify and cat.
check_PROGRAMS += tests/bench/make-cluster
tests_bench_make_cluster_SOURCES = tests/bench/make-cluster.c tests/log-folder.c tests/log-folder.h
tests_bench_make_cluster_LDADD = $(LIBFB_LOG)

# The flow layer alone: make tests/bench/bench-flow && tests/bench/bench-flow
EXTRA_PROGRAMS += tests/bench/bench-flow
tests_bench_bench_flow_LDADD = $(LIBFB_FLOW)
