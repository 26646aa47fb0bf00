/* SPDX-License-Identifier: ISC
 *
 * Words to an expression; what is wrong with one is shown beneath it.
 */
#include "cluster/select.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "cluster/command.h"

bool
selection_take_words(int *argc, char **argv, struct selection *ret)
{
	struct buf text = BUF_INIT;
	int at = 1;

	*ret = (struct selection){.expr = NULL};
	while (at < *argc && strcmp(argv[at], "--") != 0)
		at++;
	if (at == *argc)
		return true;
	for (int i = at + 1; i < *argc; i++)
		buf_printf(&text, "%s%s", i > at + 1 ? " " : "", argv[i]);
	buf_u8(&text, 0);
	if (!buf_ok(&text)) {
		buf_clear(&text);
		msg_error("%s", err_text(ERR_MEMORY));
		return false;
	}
	ret->text = (char *)text.data;
	argv[at] = NULL;
	*argc = at;
	return true;
}

/* Long ones are shown around the fault only. */
void
selection_say_fault(const char *what, const char *text, const struct expr_error *error)
{
	size_t column = error->column - 1, from = column > 60 ? column - 50 : 0, len = strlen(text + from);

	msg_error("%s, column %zu: %s", what, error->column, error->message);
	msg_error("  %.*s", (int)(len < 100 ? len : 100), text + from);
	msg_error("  %*s", (int)(column - from) + 1, "^");
}

static bool
parse(struct selection *s, const char *text)
{
	struct expr_error error;

	if (expr_parse(text, NULL, &s->expr, &error) == ERR_OK)
		return true;
	selection_say_fault("expression", text, &error);
	return false;
}

bool
selection_parse(struct selection *s, int first_path, bool needs_path, int *argc, char **argv)
{
	const char *last = *argc > first_path + needs_path ? argv[*argc - 1] : NULL;

	if (s->text != NULL)
		return parse(s, s->text);
	if (last == NULL || strcmp(last, "-") == 0 || access(last, F_OK) == 0 || errno != ENOENT)
		return true;
	if (!parse(s, last)) {
		msg_error("%s: there is no such file, and it is no expression either", last);
		return false;
	}
	(*argc)--;
	return true;
}

bool
selection_explain(const struct selection *s)
{
	struct buf out = BUF_INIT;
	bool good;

	if (s->expr != NULL)
		expr_explain(s->expr, &out);
	else
		buf_text(&out, "any");
	buf_text(&out, "\n");
	good = command_output(&out);
	buf_clear(&out);
	return good;
}

void
selection_clear(struct selection *s)
{
	expr_free(s->expr);
	free(s->text);
	*s = (struct selection){.expr = NULL};
}
