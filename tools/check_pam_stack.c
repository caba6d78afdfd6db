/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Reads /etc/pam.d the way libpam does, because the fault is seldom in the file that names
 * the service: it is three includes away. Vendors' files below /usr/lib/pam.d count where
 * /etc has none.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tools/check_pam.h"

#define MAX_DEPTH 16
#define MAX_LINES 4096

static const char *const phase_text[PAM_N_PHASES] = {
	[PAM_PHASE_AUTH] = "auth",
	[PAM_PHASE_ACCOUNT] = "account",
	[PAM_PHASE_SESSION] = "session",
	[PAM_PHASE_PASSWORD] = "password",
};

const char *
pam_phase_text(enum pam_phase phase)
{
	return phase_text[phase];
}

void
pam_stack_clear(struct pam_stack *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].control);
		free(s->v[i].module);
		free(s->v[i].args);
		free(s->v[i].where);
	}
	free(s->v);
	free(s->broken);
	free(s->missing);
	*s = (struct pam_stack){ 0 };
}

/* Where we are in a file, and which phases are wanted of it: one, or PAM_N_PHASES for all. */
struct reader {
	const struct check *c;
	struct pam_stack *stack;
	enum pam_phase only;
	unsigned depth;
	const char *where;
};

static void read_file(struct reader r, const char *name);

/* The next word of *s: in brackets it may have blanks. NULL at the end. */
static char *
next_word(char **s, bool *ret_brackets)
{
	char *word = *s + strspn(*s, " \t"), *end;

	*ret_brackets = *word == '[';
	if (*word == '\0')
		return NULL;
	if (*ret_brackets) {
		word++;
		end = strchr(word, ']');
		end = end != NULL ? end : word + strlen(word);
	} else
		end = word + strcspn(word, " \t");
	*s = end;
	if (*end != '\0') {
		*s = end + 1;
		*end = '\0';
	}
	return word;
}

static char *
spaced(char *rest)
{
	char *out = xstrdup(" ");
	bool brackets;
	char *word;

	while ((word = next_word(&rest, &brackets)) != NULL) {
		char *longer = xasprintf("%s%s ", out, word);

		free(out);
		out = longer;
	}
	return out;
}

static void
add(struct reader *r, enum pam_phase phase, const char *control, bool brackets,
    const char *module, char *args)
{
	struct pam_stack *s = r->stack;
	const char *slash = strrchr(module, '/');

	if (s->n >= MAX_LINES)
		return;
	s->v = xreallocarray(s->v, s->n + 1, sizeof(*s->v));
	s->v[s->n++] = (struct pam_line){
		.phase = phase,
		.control = xstrdup(control),
		.brackets = brackets,
		.module = xstrdup(slash != NULL ? slash + 1 : module),
		.args = spaced(args),
		.where = xstrdup(r->where),
	};
}

static void
read_line(struct reader r, char *line)
{
	bool brackets, unused;
	char *type = next_word(&line, &unused), *control, *module;
	int phase;

	if (type == NULL)
		return;
	if (strcasecmp(type, "@include") == 0) {
		module = next_word(&line, &unused);
		if (module != NULL)
			read_file(r, module);
		return;
	}
	type += *type == '-';
	for (phase = 0; phase < PAM_N_PHASES; phase++) {
		if (strcasecmp(type, phase_text[phase]) == 0)
			break;
	}
	if (phase == PAM_N_PHASES ||
	    (r.only != PAM_N_PHASES && r.only != (enum pam_phase)phase))
		return;
	control = next_word(&line, &brackets);
	module = next_word(&line, &unused);
	if (control == NULL || module == NULL)
		return;
	if (strcasecmp(control, "include") == 0 || strcasecmp(control, "substack") == 0) {
		r.only = (enum pam_phase)phase;
		read_file(r, module);
		return;
	}
	add(&r, (enum pam_phase)phase, control, brackets, module, line);
}

/* Cuts a comment, and blanks at the end. Does the next line belong to this one? */
static bool
trim(char *line)
{
	size_t all = strlen(line), len = strcspn(line, "#\r");
	bool cut = len < all;

	while (len > 0 && strchr(" \t", line[len - 1]) != NULL)
		len--;
	line[len] = '\0';
	if (cut || len == 0 || line[len - 1] != '\\')
		return false;
	line[len - 1] = ' ';
	return true;
}

/* Lines as libpam puts them together: those that are empty or a comment are not there, also
 * where another goes on behind them. */
static void
read_text(struct reader r, const char *path, char *text)
{
	cleanup_(freep) char *whole = NULL;
	unsigned number = 0, began = 0;
	char *line;

	while ((line = strsep(&text, "\n")) != NULL) {
		bool more = trim(line);

		number++;
		if (*line == '\0')
			continue;
		if (whole == NULL) {
			began = number;
			whole = xstrdup(line);
		} else {
			char *longer = xasprintf("%s%s", whole, line);

			free(whole);
			whole = longer;
		}
		if (!more) {
			cleanup_(freep) char *where = xasprintf("%s:%u", path, began);

			r.where = where;
			read_line(r, whole);
			free(whole);
			whole = NULL;
		}
	}
}

static void
read_file(struct reader r, const char *name)
{
	static const char *const dirs[] = { "/etc/pam.d", "/usr/lib/pam.d",
		"/usr/share/pam.d" };
	int rc = -ENOENT;

	if (++r.depth > MAX_DEPTH)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(dirs) && rc == -ENOENT; i++) {
		cleanup_(freep) char *path = *name == '/'
		    ? xstrdup(name)
		    : xasprintf("%s/%s", dirs[i], name);
		cleanup_(freep) char *text = NULL;

		rc = check_read(r.c, path, &text);
		if (rc == 0)
			read_text(r, path, text);
	}
	if (rc == -EACCES || rc == -EPERM)
		r.stack->unreadable = true;
	else if (rc < 0 && r.where != NULL && r.stack->broken == NULL) {
		r.stack->broken = xstrdup(r.where);
		r.stack->missing = xstrdup(name);
	}
}

void
pam_stack_read(const struct check *c, const char *service, struct pam_stack *s)
{
	*s = (struct pam_stack){ 0 };
	read_file((struct reader){ .c = c, .stack = s, .only = PAM_N_PHASES }, service);
}

bool
pam_has_arg(const struct pam_line *l, const char *arg)
{
	cleanup_(freep) char *word = xasprintf(" %s ", arg);

	return strstr(l->args, word) != NULL;
}

bool
pam_is(const struct pam_line *l, const char *module)
{
	return streq(l->module, module);
}

/* One "status=action" of the brackets. */
static bool
bracket(const struct pam_line *l, const char *status, char *buf, size_t cap)
{
	cleanup_(freep) char *copy = xstrdup(l->control);
	size_t len = strlen(status), n;
	char *v[40];

	n = check_words(copy, v, ARRAY_SIZE(v));
	for (size_t i = 0; i < n; i++) {
		if (strncasecmp(v[i], status, len) != 0 || v[i][len] != '=')
			continue;
		(void)snprintf(buf, cap, "%s", v[i] + len + 1);
		return true;
	}
	return false;
}

const char *
pam_action(const struct pam_line *l, const char *status, char *buf, size_t cap)
{
	bool good = streq(status, "success");

	if (l->brackets) {
		if (!bracket(l, status, buf, cap) && !bracket(l, "default", buf, cap))
			return "bad";
		return buf;
	}
	if (streq(status, "ignore"))
		return "ignore";
	if (strcasecmp(l->control, "requisite") == 0)
		return good ? "ok" : "die";
	if (strcasecmp(l->control, "sufficient") == 0)
		return good ? "done" : "ignore";
	if (strcasecmp(l->control, "optional") == 0)
		return good ? "ok" : "ignore";
	return good ? "ok" : "bad";
}
