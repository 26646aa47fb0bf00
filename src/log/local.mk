# SPDX-License-Identifier: ISC
noinst_LIBRARIES += src/log/libfb-log.a
src_log_libfb_log_a_SOURCES =
