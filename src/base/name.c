/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Names. The server finds somebody for "name=alice", for "alice,x" and for a bare gid
 * number, and whatever it finds would be known to the host under a spelling that no access
 * rule has ever seen. So one small grammar stands in front of everything, and every spelling
 * that passes is reduced to one canonical form before it is compared, hashed or sent.
 *
 * ASCII only and by hand: ctype follows the locale of the host process.
 */
#include "src/base/name.h"

#include <errno.h>
#include <stdint.h>

#include "src/base/uuid.h"

static char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool
is_alpha(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_short_char(char c)
{
	return is_alpha(c) || is_digit(c) || c == '.' || c == '_' || c == '-';
}

static bool
is_domain_char(char c)
{
	return is_alpha(c) || is_digit(c) || c == '.' || c == '-';
}

/* Which of the three kinds `name` (text and len set) is; sets short_len. */
static int
classify(struct name *name)
{
	struct uuid ignored;
	size_t i = 0;

	if (uuid_parse(name->text, name->len, &ignored) == 0) {
		name->kind = NAME_UUID;
		name->short_len = name->len;
		return 0;
	}
	if (name->len == 0 || !is_alpha(name->text[0]))
		return -EINVAL;
	while (i < name->len && is_short_char(name->text[i]))
		i++;
	if (i > NAME_MAX_SHORT)
		return -EINVAL;
	name->short_len = i;
	name->kind = NAME_SHORT;
	if (i == name->len)
		return 0;
	if (name->text[i] != '@')
		return -EINVAL;
	name->kind = NAME_SPN;
	i++;
	if (i == name->len || name->len - i > NAME_MAX_DOMAIN)
		return -EINVAL;
	for (; i < name->len; i++) {
		if (!is_domain_char(name->text[i]))
			return -EINVAL;
	}
	return 0;
}

int
name_parse(const char *s, size_t len, struct name *ret_name)
{
	if (s == NULL || len == 0 || len > NAME_MAX_TEXT)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		ret_name->text[i] = ascii_lower(s[i]);
	ret_name->text[len] = '\0';
	ret_name->len = len;
	return classify(ret_name);
}

void
name_strip_domain(struct name *name, const char *own_domain)
{
	if (name->kind != NAME_SPN || own_domain == NULL || own_domain[0] == '\0')
		return;
	if (strcmp(name->text + name->short_len + 1, own_domain) != 0)
		return;
	name->kind = NAME_SHORT;
	name->len = name->short_len;
	name->text[name->len] = '\0';
}

/*
 * Length of the UTF-8 sequence at `p` and its code point; 0 when there is none. `p` is
 * NUL-terminated, and a NUL is no continuation byte, so this never looks past the end.
 */
static size_t
utf8_next(const unsigned char *p, uint32_t *ret_cp)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n;
	uint32_t cp;

	if (p[0] < 0x80) {
		*ret_cp = p[0];
		return 1;
	}
	if ((p[0] & 0xe0) == 0xc0) {
		n = 2;
		cp = p[0] & 0x1fu;
	} else if ((p[0] & 0xf0) == 0xe0) {
		n = 3;
		cp = p[0] & 0x0fu;
	} else if ((p[0] & 0xf8) == 0xf0) {
		n = 4;
		cp = p[0] & 0x07u;
	} else {
		return 0;
	}
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (p[i] & 0x3fu);
	}
	if (cp < least[n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	*ret_cp = cp;
	return n;
}

bool
name_field_is_clean(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	while (*p != '\0') {
		uint32_t cp = 0;
		size_t n = utf8_next(p, &cp);

		/* C0, DEL and C1 controls; ':' ends a field of passwd(5) */
		if (n == 0 || cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == ':')
			return false;
		p += n;
	}
	return true;
}
