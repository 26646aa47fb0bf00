# SPDX-License-Identifier: ISC
noinst_LIBRARIES += src/flow/libfb-flow.a
src_flow_libfb_flow_a_SOURCES = \
	src/flow/anonymise.c src/flow/anonymise.h \
	src/flow/columns.c src/flow/columns.h src/flow/columns_private.h src/flow/columns_print.c \
	src/flow/decode.c src/flow/decode.h \
	src/flow/element.c src/flow/element.h src/flow/element_table.h \
	src/flow/expr.h src/flow/expr_private.h \
	src/flow/expr_eval.c \
	src/flow/expr_lex.c \
	src/flow/expr_parse.c src/flow/expr_parser.h \
	src/flow/expr_text.c \
	src/flow/expr_values.c \
	src/flow/expr_words.c src/flow/expr_words.h \
	src/flow/flow.c src/flow/flow.h \
	src/flow/flow_tools.c \
	src/flow/flowd_datagrams.c src/flow/flowd_datagrams.h \
	src/flow/flowd_store.c src/flow/flowd_store.h \
	src/flow/format.c src/flow/format.h \
	src/flow/ipfix_message.c src/flow/ipfix_message.h \
	src/flow/ipfix_types.c \
	src/flow/ipfix_writer.c src/flow/ipfix_writer.h src/flow/ipfix_writer_private.h \
	src/flow/json.c \
	src/flow/list.c src/flow/list.h \
	src/flow/policy.c src/flow/policy.h \
	src/flow/policy_conf.c src/flow/policy_conf.h \
	src/flow/policy_view.c src/flow/policy_view.h \
	src/flow/print.h \
	src/flow/samples.c src/flow/samples.h src/flow/samples_counters.c \
	src/flow/samples_flow.c src/flow/samples_put.h \
	src/flow/sampling.c src/flow/sampling.h \
	src/flow/selected.c src/flow/selected.h src/flow/selected_private.h \
	src/flow/selected_unite.c src/flow/selected_writer.c \
	src/flow/seq.c src/flow/seq.h \
	src/flow/text.c src/flow/text_long.c \
	src/flow/seq_gaps.c src/flow/seq_gaps.h \
	src/flow/seq_live.c src/flow/seq_live.h src/flow/seq_live_account.c \
	src/flow/seq_live_learn.c src/flow/seq_live_private.h \
	src/flow/seq_shared.c src/flow/seq_shared.h \
	src/flow/seq_shared_live.c src/flow/seq_shared_live.h \
	src/flow/seq_samples.c src/flow/seq_samples.h \
	src/flow/text.c \
	src/flow/typed.c src/flow/typed.h \
	src/flow/value.h
nodist_src_flow_libfb_flow_a_SOURCES = src/flow/element_table.c
CLEANFILES += src/flow/element_table.c
EXTRA_DIST += src/flow/elements.awk src/flow/elements.py src/flow/elements.tsv src/flow/elements-own.tsv

src/flow/element_table.c: $(top_srcdir)/src/flow/elements.tsv $(top_srcdir)/src/flow/elements.awk
	@$(MKDIR_P) src/flow
	$(AM_V_GEN)$(AWK) -f $(top_srcdir)/src/flow/elements.awk $(top_srcdir)/src/flow/elements.tsv >$@.tmp && mv $@.tmp $@
