# SPDX-License-Identifier: ISC
# shellcheck shell=sh
#
# Inputs for the tests of libflowbraid and its modules: logs a, b and c, an archive of them (plain, and compressed where zstd
# is), all in $T; and how the modules find the library of the build folder.
. "$SRCDIR/tests/lib.sh"

fb=$BUILDDIR/flowbraid
dump=$BUILDDIR/tests/api/dump

make_inputs()
{
	for node in a b c; do
		"$SRCDIR/tests/cmd/flowlines" $node 9 0.1 >"$T/$node.lines"
		"$BUILDDIR/tests/cmd/make-log" "$T/$node" lab $node 5 <"$T/$node.lines" || exit 99
	done
	"$fb" merge -q --compression none -o "$T/archive" "$T/a" "$T/b" "$T/c" || exit 99
	paths="$T/a $T/archive"
	if "$fb" merge -q --compression zstd -o "$T/zstd" "$T/a" "$T/b" "$T/c" 2>/dev/null; then
		paths="$paths $T/zstd"
	fi
}

# The logs of all captures of the corpus, $T/corpus/*. False: there is no corpus.
make_corpus()
{
	has_corpus || return 1
	. "$SRCDIR/tests/golden/golden.sh"
	mkdir "$T/corpus"
	find "$CORPUS" -name '*.pcap' | sort >"$T/captures"
	while read -r capture; do
		name=${capture#"$CORPUS"/}
		decode "$capture" && mv "$T/log" "$T/corpus/$(echo "${name%.pcap}" | tr / -)"
	done <"$T/captures"
}

# Programs without sanitizers cannot load a library with them.
need_plain_library()
{
	if nm -D "$BUILDDIR/libflowbraid.so" | grep -Eq ' U __(asan|tsan|ubsan)_'; then
		skip_all "this build's library needs a program with sanitizers"
	fi
	FLOWBRAID_LIBRARY=$BUILDDIR/libflowbraid.so.0
	export FLOWBRAID_LIBRARY
}
