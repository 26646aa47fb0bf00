#!/bin/sh
# SPDX-License-Identifier: ISC
# No findings of shellcheck in the shell scripts.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

need_commands shellcheck
cd "$SRCDIR" || exit 99
for file in $(find autogen.sh .ci cluster tests -type f -exec grep -lE '^#!/bin/(ba)?sh|shellcheck shell=' {} + | sort); do
	run shellcheck -S warning -e SC1090,SC1091,SC2034,SC2154 "$file"
	is "$status" 0 "$file" || diag "$out"
done
done_testing
