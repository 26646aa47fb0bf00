# SPDX-License-Identifier: ISC
check_PROGRAMS += \
	tests/unit/cluster/t-causes \
	tests/unit/cluster/t-heal \
	tests/unit/cluster/t-ledger \
	tests/unit/cluster/t-monitor-numbering \
	tests/unit/cluster/t-monitor-report \
	tests/unit/cluster/t-monitor-view \
	tests/unit/cluster/t-shared
tests_unit_cluster_t_causes_SOURCES = tests/unit/cluster/t-causes.c $(ARCHIVE_WORLD)
tests_unit_cluster_t_heal_SOURCES = tests/unit/cluster/t-heal.c $(ARCHIVE_WORLD)
tests_unit_cluster_t_ledger_SOURCES = tests/unit/cluster/t-ledger.c $(ARCHIVE_WORLD)
tests_unit_cluster_t_causes_LDADD = $(LIBFB_CLUSTER)
tests_unit_cluster_t_heal_LDADD = $(LIBFB_CLUSTER)
tests_unit_cluster_t_ledger_LDADD = $(LIBFB_CLUSTER)
tests_unit_cluster_t_monitor_report_SOURCES = tests/unit/cluster/t-monitor-report.c
tests_unit_cluster_t_monitor_report_LDADD = $(LIBFB_MONITOR)
tests_unit_cluster_t_monitor_view_SOURCES = tests/unit/cluster/t-monitor-view.c
tests_unit_cluster_t_monitor_view_LDADD = $(LIBFB_MONITOR)
tests_unit_cluster_t_shared_SOURCES = tests/unit/cluster/t-shared.c $(ARCHIVE_WORLD)
tests_unit_cluster_t_shared_LDADD = $(LIBFB_CLUSTER)
tests_unit_cluster_t_monitor_numbering_SOURCES = tests/unit/cluster/t-monitor-numbering.c
tests_unit_cluster_t_monitor_numbering_LDADD = $(LIBFB_MONITOR)
