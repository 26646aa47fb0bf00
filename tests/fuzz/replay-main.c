/* SPDX-License-Identifier: ISC
 *
 * The main of a fuzz target in builds without a fuzzing engine: as an ordinary test it feeds the target each
 * file given, then every prefix of it, then the file with each byte inverted in turn. Inputs lie in memory of
 * their exact size, so that a sanitizer sees a read too far. The test has passed when nothing crashed.
 */
#include "base/buf.h"
#include "base/file.h"
#include "tests/fuzz/target.h"
#include "tests/tap.h"

#include <fcntl.h>

#define FILE_MOST (1U << 20)
#define VARIANTS_MOST 4096 /* prefixes and inverted bytes: of the first so many bytes */

static void
feed(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL)
		abort();
	if (len > 0)
		memcpy(copy, bytes, len);
	(void)LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static void
replay(const char *path)
{
	struct buf b = BUF_INIT;
	enum err e = file_slurp(AT_FDCWD, path, FILE_MOST, &b);
	size_t variants;

	if (e != ERR_OK) {
		ok(false, "%s: %s", path, err_text(e));
		return;
	}
	feed(b.data, b.len);
	variants = b.len < VARIANTS_MOST ? b.len : VARIANTS_MOST;
	for (size_t i = 0; i < variants; i++)
		feed(b.data, i);
	for (size_t i = 0; i < variants; i++) {
		b.data[i] ^= 0xff;
		feed(b.data, b.len);
		b.data[i] ^= 0xff;
	}
	ok(true, "%s: replayed with %zu variants", path, 2 * variants);
	buf_clear(&b);
}

int
main(int argc, char **argv)
{
	feed(NULL, 0);
	ok(true, "no bytes");
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	return done_testing();
}
