# SPDX-License-Identifier: ISC
check_PROGRAMS += \
	tests/unit/cluster/t-causes \
	tests/unit/cluster/t-heal \
	tests/unit/cluster/t-ledger
tests_unit_cluster_t_causes_SOURCES = tests/unit/cluster/t-causes.c $(ARCHIVE_WORLD)
tests_unit_cluster_t_heal_SOURCES = tests/unit/cluster/t-heal.c $(ARCHIVE_WORLD)
tests_unit_cluster_t_ledger_SOURCES = tests/unit/cluster/t-ledger.c $(ARCHIVE_WORLD)
tests_unit_cluster_t_causes_LDADD = $(LIBFB_CLUSTER)
tests_unit_cluster_t_heal_LDADD = $(LIBFB_CLUSTER)
tests_unit_cluster_t_ledger_LDADD = $(LIBFB_CLUSTER)
