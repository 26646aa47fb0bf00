# SPDX-License-Identifier: ISC
noinst_LIBRARIES += cluster/libfb-cluster.a
cluster_libfb_cluster_a_SOURCES =
