# SPDX-License-Identifier: ISC
check_PROGRAMS += \
	tests/unit/base/t-addr \
	tests/unit/base/t-buf \
	tests/unit/base/t-clock \
	tests/unit/base/t-crc32c \
	tests/unit/base/t-digest \
	tests/unit/base/t-err \
	tests/unit/base/t-file \
	tests/unit/base/t-hash \
	tests/unit/base/t-json \
	tests/unit/base/t-msg \
	tests/unit/base/t-rd \
	tests/unit/base/t-serve \
	tests/unit/base/t-serve-secrets \
	tests/unit/base/t-serve-users \
	tests/unit/base/t-sort \
	tests/unit/base/t-spill \
	tests/unit/base/t-wr
tests_unit_base_t_addr_LDADD = $(LIBFB_BASE)
tests_unit_base_t_buf_LDADD = $(LIBFB_BASE)
tests_unit_base_t_clock_LDADD = $(LIBFB_BASE)
tests_unit_base_t_crc32c_LDADD = $(LIBFB_BASE)
tests_unit_base_t_digest_LDADD = $(LIBFB_BASE)
tests_unit_base_t_err_LDADD = $(LIBFB_BASE)
tests_unit_base_t_file_LDADD = $(LIBFB_BASE)
tests_unit_base_t_hash_LDADD = $(LIBFB_BASE)
tests_unit_base_t_json_LDADD = $(LIBFB_BASE)
tests_unit_base_t_msg_LDADD = $(LIBFB_BASE)
tests_unit_base_t_rd_LDADD = $(LIBFB_BASE)
tests_unit_base_t_serve_LDADD = $(LIBFB_SERVE) $(LIBFB_BASE)
tests_unit_base_t_serve_secrets_LDADD = $(LIBFB_SERVE) $(LIBFB_BASE)
tests_unit_base_t_serve_users_LDADD = $(LIBFB_SERVE) $(LIBFB_BASE)
tests_unit_base_t_sort_LDADD = $(LIBFB_BASE)
tests_unit_base_t_spill_LDADD = $(LIBFB_BASE)
tests_unit_base_t_wr_LDADD = $(LIBFB_BASE)
