#!/bin/sh
# SPDX-License-Identifier: ISC
# Manual pages are clean mdoc.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_commands mandoc
for page in "$SRCDIR"/man/*.[1-9]; do
	[ -f "$page" ] || skip_all "no manual pages yet"
	# STYLE messages about references look for pages that are installed.
	run mandoc -T lint -W warning "$page"
	is "$out$err" "" "$(basename "$page")"
done
done_testing
