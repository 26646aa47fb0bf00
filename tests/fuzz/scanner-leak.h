/* SPDX-License-Identifier: ISC
 *
 * For targets that parse configurations: what libconfig itself leaks is not looked for.
 */
#ifndef FLOWBRAID_TESTS_FUZZ_SCANNER_LEAK_H
#define FLOWBRAID_TESTS_FUZZ_SCANNER_LEAK_H

/* libconfig's scanner leaks the texts it had read when the input turns out to be wrong. The sanitizer, which may be a shared
 * library, has to see what is asked for. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:strbuf_append\nleak:libconfig_yylex\n";
}

#endif
