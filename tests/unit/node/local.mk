# SPDX-License-Identifier: ISC
check_PROGRAMS += \
	tests/unit/node/t-conf \
	tests/unit/node/t-unit
tests_unit_node_t_conf_LDADD = $(LIBFB_NODE)
tests_unit_node_t_unit_LDADD = $(LIBFB_NODE)
