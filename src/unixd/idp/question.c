/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The server's idea of an id is wider than ours: it finds somebody for "alice,x" too, and
 * for any number. So every answer that names an entry is held against what was asked.
 */
#include "src/unixd/idp/question.h"

#include <stdio.h>
#include <string.h>

#include "src/base/name.h"
#include "src/base/util.h"
#include "src/base/uuid.h"
#include "src/prog/xalloc.h"

char *
question_path(const char *kind, const char *id, const char *what)
{
	static const char hex[] = "0123456789ABCDEF";
	cleanup_(freep) char *escaped = xmalloc(strlen(id) * 3 + 1);
	char *at = escaped;

	for (; *id != '\0'; id++) {
		unsigned char ch = (unsigned char)*id;

		if ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
		    (ch >= '0' && ch <= '9') || strchr("._-@~", ch) != NULL) {
			*at++ = (char)ch;
		} else {
			*at++ = '%';
			*at++ = hex[ch >> 4];
			*at++ = hex[ch & 15];
		}
	}
	*at = '\0';
	return xasprintf("/v1/%s/%s/_unix/%s", kind, escaped, what);
}

bool
question_is_answered_by(const char *id, const char *name, const char *spn,
    const struct uuid *uuid, uint32_t number)
{
	char text[UUID_TEXT_LEN + 1];
	char digits[16];
	struct name asked;

	if (name_parse(id, strlen(id), &asked) < 0) {
		(void)snprintf(digits, sizeof(digits), "%u", number);
		return streq(id, digits);
	}
	uuid_format(uuid, text);
	return streq(asked.text, name) || streq(asked.text, spn) ||
	    streq(asked.text, text);
}
