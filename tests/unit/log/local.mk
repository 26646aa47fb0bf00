# SPDX-License-Identifier: ISC
check_PROGRAMS += \
	tests/unit/log/t-append \
	tests/unit/log/t-check \
	tests/unit/log/t-event \
	tests/unit/log/t-faults \
	tests/unit/log/t-expire \
	tests/unit/log/t-folder \
	tests/unit/log/t-merged \
	tests/unit/log/t-retain \
	tests/unit/log/t-segment \
	tests/unit/log/t-store
LOG_MAKER = tests/unit/log/maker.c tests/unit/log/maker.h
tests_unit_log_t_append_SOURCES = tests/unit/log/t-append.c $(LOG_MAKER)
tests_unit_log_t_check_SOURCES = tests/unit/log/t-check.c $(LOG_MAKER)
tests_unit_log_t_faults_SOURCES = tests/unit/log/t-faults.c $(LOG_MAKER)
tests_unit_log_t_store_SOURCES = tests/unit/log/t-store.c $(LOG_MAKER)
tests_unit_log_t_append_LDADD = $(LIBFB_LOG)
tests_unit_log_t_check_LDADD = $(LIBFB_LOG)
tests_unit_log_t_event_LDADD = $(LIBFB_LOG)
tests_unit_log_t_faults_LDADD = $(LIBFB_LOG)
tests_unit_log_t_folder_LDADD = $(LIBFB_LOG)
tests_unit_log_t_segment_LDADD = $(LIBFB_LOG)
tests_unit_log_t_store_LDADD = $(LIBFB_LOG)
tests_unit_log_t_expire_SOURCES = tests/unit/log/t-expire.c tests/log-folder.c tests/log-folder.h
tests_unit_log_t_expire_LDADD = $(LIBFB_LOG)
tests_unit_log_t_merged_LDADD = $(LIBFB_LOG)
tests_unit_log_t_retain_LDADD = $(LIBFB_LOG)
