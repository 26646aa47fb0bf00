/* SPDX-License-Identifier: ISC
 *
 * Words of an expression: whatever stands between spaces, brackets, commas and comparisons.
 */
#include <string.h>

#include "flow/expr_private.h"

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
ends_word(char c)
{
	return c == '\0' || is_space(c) || strchr("()[]{},!=<>&|\"'", c) != NULL;
}

static size_t
sign_len(const char *at)
{
	static const char *const pairs[] = {"==", "!=", "<=", ">=", "&&", "||"};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (strncmp(at, pairs[i], 2) == 0)
			return 2;
	}
	return 1;
}

struct expr_token
expr_token(const char **at)
{
	struct expr_token t = {.kind = EXPR_TOKEN_END};
	const char *p = *at, *end;

	while (is_space(*p))
		p++;
	t.text = p;
	if (*p == '\0') {
		*at = p;
		return t;
	}
	if (*p == '"' || *p == '\'') {
		end = strchr(p + 1, *p);
		t.kind = end != NULL ? EXPR_TOKEN_STRING : EXPR_TOKEN_BAD;
		t.text = p + 1;
		t.len = end != NULL ? (size_t)(end - t.text) : strlen(t.text);
		*at = end != NULL ? end + 1 : t.text + t.len;
		return t;
	}
	if (ends_word(*p)) {
		t.kind = EXPR_TOKEN_SIGN;
		t.len = sign_len(p);
	} else {
		t.kind = EXPR_TOKEN_WORD;
		while (!ends_word(p[t.len]))
			t.len++;
	}
	*at = p + t.len;
	return t;
}

bool
expr_token_is(const struct expr_token *t, const char *word)
{
	return (t->kind == EXPR_TOKEN_WORD || t->kind == EXPR_TOKEN_SIGN) && strlen(word) == t->len &&
	    strncmp(t->text, word, t->len) == 0;
}
