# SPDX-License-Identifier: ISC
noinst_LIBRARIES += src/flow/libfb-flow.a
src_flow_libfb_flow_a_SOURCES = \
	src/flow/seq.c src/flow/seq.h
