# SPDX-License-Identifier: ISC
#
# Programs that use libflowbraid as others do: its header and the shared library, nothing of the layers.
check_PROGRAMS += tests/api/dump tests/api/threads
tests_api_dump_SOURCES = tests/api/dump.c
tests_api_dump_LDADD = $(api_file)
tests_api_dump_LDFLAGS = -Wl,-rpath,$(abs_builddir)
tests_api_threads_SOURCES = tests/api/threads.c
tests_api_threads_LDADD = $(api_file)
tests_api_threads_LDFLAGS = -Wl,-rpath,$(abs_builddir)

EXTRA_DIST += tests/api/api.sh tests/api/library.t tests/api/reading.t tests/api/threads.t tests/api/python.t tests/api/perl.t tests/api/examples.t
