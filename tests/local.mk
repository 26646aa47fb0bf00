# SPDX-License-Identifier: ISC
include tests/unit/base/local.mk
include tests/unit/wire/local.mk
include tests/unit/flow/local.mk
include tests/unit/log/local.mk
include tests/unit/archive/local.mk
include tests/unit/node/local.mk
include tests/unit/cluster/local.mk
include tests/cmd/local.mk
include tests/api/local.mk
include tests/fuzz/local.mk
include tests/bench/local.mk
include tests/node/local.mk
include tests/sim/local.mk
include tests/page/local.mk

# tests/run asks which programs to run, so that one that was not built is a failure and not overlooked.
print-check-programs:
	@printf '%s\n' $(check_PROGRAMS)

# Everything that tests/run runs.
check-programs: all-am $(check_PROGRAMS) $(check_DATA)

# Without root, and without what the demo needs: what tests/run runs besides is not for a package's build.
CHECK_KINDS = unit fuzz golden cmd api
check-local: check-programs
	$(srcdir)/tests/run -n -B $(abs_builddir) $(CHECK_KINDS)

.PHONY: print-check-programs check-programs

EXTRA_DIST += tests/golden tests/exporters tests/lint tests/tap.h tests/lib.sh tests/unit/harness.t tests/harness tests/hostile.py tests/mutants.py tests/run
