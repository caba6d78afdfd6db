/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The grammar of name.c once more, for those who look at a million names that should be
 * canonical already: one load a character, and nothing is copied. In a file of its own,
 * because the NSS module does without the table.
 */
#include <stdint.h>

#include "src/base/name.h"
#include "src/base/uuid.h"

enum {
	CLASS_FIRST = 1 << 0,
	CLASS_SHORT = 1 << 1,
	CLASS_DOMAIN = 1 << 2,
};

#define CLASS_LETTER (CLASS_FIRST | CLASS_SHORT | CLASS_DOMAIN)

/* A start looks at a million names: one load a character. NUL has no class. */
static const uint8_t classes[256] = {
	['a' ... 'z'] = CLASS_LETTER,
	['0' ... '9'] = CLASS_SHORT | CLASS_DOMAIN,
	['.'] = CLASS_SHORT | CLASS_DOMAIN,
	['-'] = CLASS_SHORT | CLASS_DOMAIN,
	['_'] = CLASS_SHORT,
};

static size_t
span(const char *s, unsigned class)
{
	size_t n = 0;

	while ((classes[(unsigned char)s[n]] & class) != 0)
		n++;
	return n;
}

size_t
name_canonical_len(const char *s, enum name_kind kind)
{
	size_t len = span(s, CLASS_SHORT), domain;
	struct uuid ignored;

	if (len > NAME_MAX_SHORT || (classes[(unsigned char)s[0]] & CLASS_FIRST) == 0)
		return 0;
	if (kind == NAME_SHORT)
		return s[len] == '\0' && uuid_parse(s, len, &ignored) < 0 ? len : 0;
	if (kind != NAME_SPN || s[len] != '@')
		return 0;
	domain = span(s + len + 1, CLASS_DOMAIN);
	if (domain == 0 || domain > NAME_MAX_DOMAIN || s[len + 1 + domain] != '\0')
		return 0;
	return len + 1 + domain;
}
