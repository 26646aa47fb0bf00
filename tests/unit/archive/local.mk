# SPDX-License-Identifier: ISC
ARCHIVE_WORLD = tests/unit/archive/world.c tests/unit/archive/world.h tests/log-folder.c tests/log-folder.h
check_PROGRAMS += \
	tests/unit/archive/t-entry \
	tests/unit/archive/t-input \
	tests/unit/archive/t-manifest \
	tests/unit/archive/t-plan \
	tests/unit/archive/t-pool \
	tests/unit/archive/t-records \
	tests/unit/archive/t-selected \
	tests/unit/archive/t-window-check \
	tests/unit/archive/t-write
tests_unit_archive_t_input_SOURCES = tests/unit/archive/t-input.c $(ARCHIVE_WORLD)
tests_unit_archive_t_plan_SOURCES = tests/unit/archive/t-plan.c $(ARCHIVE_WORLD)
tests_unit_archive_t_pool_SOURCES = tests/unit/archive/t-pool.c $(ARCHIVE_WORLD)
tests_unit_archive_t_selected_SOURCES = tests/unit/archive/t-selected.c $(ARCHIVE_WORLD) \
	tests/message.h tests/sample.h tests/templates.h
tests_unit_archive_t_selected_LDADD = $(LIBFB_ARCHIVE)
tests_unit_archive_t_window_check_SOURCES = tests/unit/archive/t-window-check.c $(ARCHIVE_WORLD)
tests_unit_archive_t_window_check_LDADD = $(LIBFB_ARCHIVE)
tests_unit_archive_t_write_SOURCES = tests/unit/archive/t-write.c $(ARCHIVE_WORLD)
tests_unit_archive_t_entry_LDADD = $(LIBFB_ARCHIVE)
tests_unit_archive_t_input_LDADD = $(LIBFB_ARCHIVE)
tests_unit_archive_t_manifest_LDADD = $(LIBFB_ARCHIVE)
tests_unit_archive_t_plan_LDADD = $(LIBFB_ARCHIVE)
tests_unit_archive_t_pool_LDADD = $(LIBFB_ARCHIVE)
tests_unit_archive_t_records_LDADD = $(LIBFB_ARCHIVE)
tests_unit_archive_t_write_LDADD = $(LIBFB_ARCHIVE)
