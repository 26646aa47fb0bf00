# SPDX-License-Identifier: ISC
noinst_LIBRARIES += src/node/libfb-node.a
src_node_libfb_node_a_SOURCES = \
	src/node/conf.c src/node/conf.h \
	src/node/unit.c src/node/unit.h
