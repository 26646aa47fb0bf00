#!/bin/sh
# SPDX-License-Identifier: ISC
# The Python module: installed by pip from the tree, its own tests against flowbraid cat, and its types.
: "${SRCDIR:=$(cd "$(dirname "$0")/../.." && pwd)}"
. "$SRCDIR/tests/api/api.sh"

need_commands python3 nm
need_plain_library
make_inputs
cp -r "$T/a" "$T/damaged"
segment=$(find "$T/damaged" -name '*.fbs' | sort | head -n 1)
printf '\377\377\377\377' | dd of="$segment" bs=1 seek=6000 conv=notrunc 2>"$T/dd"
logs=
if make_corpus; then
	logs=$(find "$T/corpus" -mindepth 1 -maxdepth 1 | sort | tr '\n' ':')
fi

# pip writes into the tree that it installs from.
cp -r "$SRCDIR/python" "$T/python"
chmod -R u+w "$T/python"
pip=
for python in python3 /usr/bin/python3; do # another one than the system's may lack them
	[ -n "$pip" ] || ! "$python" -c 'import setuptools, pip, wheel; assert int(setuptools.__version__.split(".")[0]) >= 61' 2>"$T/err" ||
	    pip=$python
done
if [ -n "$pip" ]; then
	run "$pip" -m pip --disable-pip-version-check install -q --no-build-isolation --no-index --no-deps --target "$T/site" "$T/python"
	is "$status" 0 "pip installs it from the tree" || diag "$out$err"
	check "with its types" test -f "$T/site/flowbraid/py.typed"
	module=$T/site
else
	skip "pip installs it from the tree" "no pip, setuptools and wheel"
	module=$T/python
fi

run env PYTHONPATH="$module" PYTHONDONTWRITEBYTECODE=1 FLOWBRAID_COMMAND="$fb" FLOWBRAID_PATHS="$(echo "$paths" | tr ' ' ':')" \
    FLOWBRAID_ARCHIVE="$T/archive" FLOWBRAID_DAMAGED="$T/damaged" FLOWBRAID_CORPUS_LOGS="$logs" \
    python3 "$T/python/tests/test_flowbraid.py" -v
printf '%s\n' "$err" | grep -E '^test_.* \.\.\. ' >"$T/results"
while read -r name rest; do
	case $rest in
	*' ok') pass "$name" ;;
	*' skipped '*) skip "$name" "${rest##*skipped }" ;;
	*) fail "$name" ;;
	esac
done <"$T/results"
is "$status" 0 "all of its tests hold" || diag "$err"
check "there were some" test "$(wc -l <"$T/results")" -gt 10

run env FLOWBRAID_LIBRARY="$T/nowhere.so" PYTHONPATH="$module" python3 -c 'import flowbraid'
like "$err" "ImportError: .*nowhere.so.*FLOWBRAID_LIBRARY" "a library that is not there is said"

if command -v mypy >/dev/null; then
	run mypy --strict --cache-dir "$T/mypy" --config-file "$T/python/pyproject.toml" "$T/python/flowbraid"
	is "$status" 0 "mypy --strict finds nothing in the module" || diag "$out"
	for example in "$T"/python/examples/*.py; do
		run env MYPYPATH="$T/python" mypy --strict --cache-dir "$T/mypy" "$example"
		is "$status" 0 "nor in $(basename "$example")" || diag "$out"
	done
else
	skip "mypy --strict finds nothing in the module" "no mypy"
fi
done_testing
