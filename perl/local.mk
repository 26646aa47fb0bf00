# SPDX-License-Identifier: ISC
#
# The Perl module is installed by its own Makefile.PL (README.md); make only hands it out.
EXTRA_DIST += perl/Makefile.PL perl/lib/Flowbraid.pm perl/examples/reader perl/t/flowbraid.t
