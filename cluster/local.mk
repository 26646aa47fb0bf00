# SPDX-License-Identifier: ISC
noinst_LIBRARIES += cluster/libfb-cluster.a
cluster_libfb_cluster_a_SOURCES =

EXTRA_DIST += cluster/lib/build cluster/lib/install-deps cluster/demo cluster/lab tests/cluster
dist_man_MANS += man/flowbraid.1
