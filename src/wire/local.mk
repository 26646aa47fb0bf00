# SPDX-License-Identifier: ISC
noinst_LIBRARIES += src/wire/libfb-wire.a
src_wire_libfb_wire_a_SOURCES =
