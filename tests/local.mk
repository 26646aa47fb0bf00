# SPDX-License-Identifier: ISC
include tests/unit/base/local.mk
include tests/unit/wire/local.mk
include tests/unit/flow/local.mk
include tests/unit/log/local.mk
include tests/unit/archive/local.mk
include tests/unit/node/local.mk
include tests/unit/cluster/local.mk
include tests/fuzz/local.mk
include tests/bench/local.mk

# tests/run asks which programs to run, so that one that was not built is a failure and not overlooked.
print-check-programs:
	@printf '%s\n' $(check_PROGRAMS)
.PHONY: print-check-programs

EXTRA_DIST += tests/tap.h
