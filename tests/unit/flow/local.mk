# SPDX-License-Identifier: ISC
check_PROGRAMS += \
	tests/unit/flow/t-anonymise \
	tests/unit/flow/t-expr \
	tests/unit/flow/t-decode \
	tests/unit/flow/t-element \
	tests/unit/flow/t-flowd-datagrams \
	tests/unit/flow/t-flowd-store \
	tests/unit/flow/t-ipfix-writer \
	tests/unit/flow/t-list \
	tests/unit/flow/t-policy \
	tests/unit/flow/t-policy_view \
	tests/unit/flow/t-print \
	tests/unit/flow/t-samples \
	tests/unit/flow/t-selected \
	tests/unit/flow/t-seq \
	tests/unit/flow/t-seq-live \
	tests/unit/flow/t-seq-shared
tests_unit_flow_t_decode_LDADD = $(LIBFB_FLOW)
tests_unit_flow_t_element_LDADD = $(LIBFB_FLOW)
tests_unit_flow_t_list_LDADD = $(LIBFB_FLOW)
tests_unit_flow_t_policy_LDADD = $(LIBFB_FLOW)
tests_unit_flow_t_policy_view_LDADD = $(LIBFB_FLOW)
tests_unit_flow_t_print_LDADD = $(LIBFB_FLOW)
tests_unit_flow_t_samples_LDADD = $(LIBFB_FLOW)
tests_unit_flow_t_selected_LDADD = $(LIBFB_FLOW)
tests_unit_flow_t_seq_LDADD = $(LIBFB_FLOW)
tests_unit_flow_t_seq_live_LDADD = $(LIBFB_FLOW)
tests_unit_flow_t_seq_shared_LDADD = $(LIBFB_FLOW)
EXTRA_DIST += tests/message.h tests/templates.h
tests_unit_flow_t_expr_LDADD = $(LIBFB_FLOW)
tests_unit_flow_t_anonymise_LDADD = $(LIBFB_FLOW)
tests_unit_flow_t_flowd_datagrams_SOURCES = tests/unit/flow/t-flowd-datagrams.c tests/unit/flow/flowd-build.h
tests_unit_flow_t_flowd_datagrams_LDADD = $(LIBFB_FLOW)
tests_unit_flow_t_flowd_store_SOURCES = tests/unit/flow/t-flowd-store.c tests/unit/flow/flowd-build.h
tests_unit_flow_t_flowd_store_LDADD = $(LIBFB_FLOW)
tests_unit_flow_t_ipfix_writer_LDADD = $(LIBFB_FLOW)
