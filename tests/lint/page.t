#!/bin/sh
# SPDX-License-Identifier: ISC
# The monitor's page makes no markup of text, asks nobody else for anything, and has all its files installed.
. "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}/tests/lib.sh"

cd "$SRCDIR/cluster/page" || exit 99
sources=$(find . -maxdepth 1 \( -name '*.js' -o -name '*.css' -o -name '*.html' \) ! -name 'uPlot.*' | sed 's|^\./||' | sort)
run grep -nE 'innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|DOMParser|document\.write|eval\(|new Function' $sources
is "$out" "" "no markup of text"
run grep -nE '<[^>]* (style|on[a-z]+)=|<style|javascript:' $sources
is "$out" "" "neither style nor script within the page"
run grep -nE '(https?:)?//[a-z0-9-]+\.[a-z]' $sources
is "$(printf '%s\n' "$out" | grep -v 'http://www\.w3\.org/2000/svg')" "" "nothing from elsewhere"
for file in $sources; do
	check "$file is installed" grep -q "cluster/page/$file" local.mk
done
for file in $(grep -ohE '(from "\./|src="|href=")[A-Za-z]+(\.[A-Za-z]+)+"' $sources | sed 's/.*[/"]\([^"]*\)"$/\1/' | sort -u); do
	check "$file, which is asked for, is there" grep -q "cluster/page/$file" local.mk
done
if command -v node >/dev/null; then
	for file in $(printf '%s\n' $sources | grep 'js$') ../../tests/page/*.mjs; do
		# Its name has to say that it is a module.
		cp "$file" "$T/module.mjs"
		run node --check "$T/module.mjs"
		is "$status" 0 "$file can be read" || diag "$err"
	done
else
	skip "sources can be read" "node is not installed"
fi
done_testing
