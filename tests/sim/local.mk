# SPDX-License-Identifier: ISC
#
# The simulator stands above all layers: it drives the node's and the merge's real code.
check_PROGRAMS += tests/sim/sim
tests_sim_sim_SOURCES = tests/sim/sim.c tests/sim/sim.h tests/sim/sim-exporter.c tests/sim/sim-encode.c \
	tests/sim/sim-network.c tests/sim/sim-node.c tests/sim/sim-policy.c tests/sim/sim-file.c tests/sim/sim-merge.c tests/sim/sim-expect.c \
	tests/sim/sim-check.c tests/sim/sim-ledger.c tests/sim/sim-causes.c tests/sim/sim-cat.c tests/sim/sim-json.c tests/sim/sim-kill.c
tests_sim_sim_LDADD = cluster/libfb-cluster.a src/archive/libfb-archive.a $(LIBFB_NODE)
EXTRA_DIST += tests/sim/run tests/sim/mutants tests/sim/sim.t
