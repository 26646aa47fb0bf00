# SPDX-License-Identifier: ISC
noinst_LIBRARIES += src/archive/libfb-archive.a
src_archive_libfb_archive_a_SOURCES =
