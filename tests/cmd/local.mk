# SPDX-License-Identifier: ISC
check_PROGRAMS += tests/cmd/make-log
tests_cmd_make_log_SOURCES = tests/cmd/make-log.c tests/log-folder.c tests/log-folder.h
tests_cmd_make_log_LDADD = $(LIBFB_LOG)

EXTRA_DIST += tests/cmd/flowlines tests/cmd/incremental.t tests/cmd/kill.t tests/cmd/shards.t tests/cmd/memory.t tests/cmd/merge.t tests/cmd/merged.t tests/cmd/verify.t tests/cmd/gaps.t tests/cmd/cat.t tests/cmd/cat-policy.t tests/cmd/lists.t tests/cmd/sampling.t tests/cmd/info.t tests/cmd/lock.t tests/cmd/times.t tests/cmd/report.t tests/cmd/witnesses.t tests/cmd/malformed.t tests/cmd/full-device.t tests/cmd/hostile.t tests/cmd/import.t tests/cmd/flowd-store.py tests/cmd/sflow.t tests/cmd/anonymise.t tests/cmd/select.t
EXTRA_DIST += tests/cmd/flowlines tests/cmd/incremental.t tests/cmd/kill.t tests/cmd/shards.t tests/cmd/memory.t tests/cmd/merge.t tests/cmd/merged.t tests/cmd/verify.t tests/cmd/gaps.t tests/cmd/cat.t tests/cmd/cat-policy.t tests/cmd/lists.t tests/cmd/sampling.t tests/cmd/info.t tests/cmd/lock.t tests/cmd/times.t tests/cmd/report.t tests/cmd/witnesses.t tests/cmd/malformed.t tests/cmd/full-device.t tests/cmd/hostile.t tests/cmd/sflow.t tests/cmd/anonymise.t tests/cmd/select.t
EXTRA_DIST += tests/cmd/export.t tests/cmd/valgrind.t
EXTRA_DIST += tests/cmd/flowlines tests/cmd/incremental.t tests/cmd/kill.t tests/cmd/shards.t tests/cmd/memory.t tests/cmd/merge.t tests/cmd/output.t tests/cmd/merged.t tests/cmd/verify.t tests/cmd/follow.t tests/cmd/gaps.t tests/cmd/cat.t tests/cmd/columns.py tests/cmd/fields.t tests/cmd/lists.t tests/cmd/sampling.t tests/cmd/info.t tests/cmd/lock.t tests/cmd/times.t tests/cmd/report.t tests/cmd/witnesses.t tests/cmd/malformed.t tests/cmd/full-device.t tests/cmd/hostile.t tests/cmd/sflow.t tests/cmd/anonymise.t tests/cmd/select.t
