/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What is wrong with a configuration, as a list of sentences. The one idea: a problem is
 * made into its final text at once ("file:line: what"), so journal, -t and status print
 * the same words and need no knowledge of keys.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/prog/config_reader.h"
#include "src/prog/xalloc.h"

void
config_problem_add(struct config_problems *p, enum config_severity severity,
    const char *path, unsigned line, const char *fmt, ...)
{
	cleanup_(freep) char *what = NULL;
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&what, fmt, ap) < 0)
		what = NULL;
	va_end(ap);
	if (line > 0)
		text = xasprintf("%s:%u: %s", path, line, what != NULL ? what : "?");
	else
		text = xasprintf("%s: %s", path, what != NULL ? what : "?");
	for (char *s = text; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
	p->v = xreallocarray(p->v, p->n + 1, sizeof(*p->v));
	p->v[p->n++] = (struct config_problem){ severity, line, text };
}

void
config_problems_sort(struct config_problems *p, size_t first)
{
	for (size_t i = first + 1; i < p->n; i++) {
		struct config_problem moving = p->v[i];
		size_t j = i;

		for (; j > first && p->v[j - 1].line > moving.line; j--)
			p->v[j] = p->v[j - 1];
		p->v[j] = moving;
	}
}

void
config_problems_clear(struct config_problems *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i].text);
	free(p->v);
	*p = (struct config_problems){ 0 };
}

const char *
config_severity_name(enum config_severity severity)
{
	switch (severity) {
	case CONFIG_NOTE:
		return "note";
	case CONFIG_WARNING:
		return "warning";
	case CONFIG_ERROR:
		return "error";
	case CONFIG_FATAL:
		return "fatal";
	}
	return "?";
}

void
config_print_problems(FILE *out, const struct config_problems *problems)
{
	for (size_t i = 0; i < problems->n; i++)
		(void)fprintf(out, "%s: %s\n",
		    config_severity_name(problems->v[i].severity), problems->v[i].text);
}

int
config_exit_status(const struct config_problems *problems)
{
	for (size_t i = 0; i < problems->n; i++)
		if (problems->v[i].severity > CONFIG_NOTE)
			return 1;
	return 0;
}
