/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Numbers and dates. The one idea: a word is first checked against the grammar, character
 * by character, and only then given to strtoll and strtod, which accept far more than TOML
 * does (blanks, "0x" floats, "infinity", a missing digit).
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/toml_parser.h"

#define NUMBER_MAX 128

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_digit_of(char c, int base)
{
	if (base <= 10)
		return c >= '0' && c < '0' + base;
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/*
 * Digits with single underscores between them, copied without the underscores. Returns
 * how many characters of `s` they take, 0 when there is no digit or an underscore is
 * misplaced.
 */
static size_t
scan_digits(const char *s, int base, char *out, size_t *out_len)
{
	size_t i = 0;

	if (!is_digit_of(s[0], base))
		return 0;
	for (;; i++) {
		if (is_digit_of(s[i], base)) {
			out[(*out_len)++] = s[i];
			continue;
		}
		if (s[i] == '_' && is_digit_of(s[i + 1], base))
			continue;
		break;
	}
	return s[i] == '_' ? 0 : i;
}

static int
parse_integer(const char *digits, int base, struct toml *node)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(digits, &end, base);
	if (errno == ERANGE)
		return -ERANGE;
	if (*end != '\0')
		return -EINVAL;
	node->type = TOML_INTEGER;
	node->integer = v;
	return 0;
}

static int
parse_prefixed(const char *s, struct toml *node)
{
	int base = s[1] == 'x' ? 16 : s[1] == 'o' ? 8 : 2;
	char digits[NUMBER_MAX];
	size_t len = 0, used;

	used = scan_digits(s + 2, base, digits, &len);
	if (used == 0 || s[2 + used] != '\0')
		return -EINVAL;
	digits[len] = '\0';
	return parse_integer(digits, base, node);
}

static void
set_real(struct toml *node, double v)
{
	node->type = TOML_FLOAT;
	node->real = v;
}

/* [+-] digits [. digits] [e [+-] digits] */
static int
parse_decimal(const char *s, struct toml *node)
{
	char text[NUMBER_MAX + 4];
	size_t len = 0, used;
	bool real = false;

	if (*s == '+' || *s == '-')
		text[len++] = *s++;
	if (streq(s, "inf") || streq(s, "nan")) {
		bool minus = len > 0 && text[0] == '-';
		double v = *s == 'i' ? HUGE_VAL : (double)NAN;

		set_real(node, minus ? -v : v);
		return 0;
	}
	used = scan_digits(s, 10, text, &len);
	if (used == 0 || (s[0] == '0' && used > 1))
		return -EINVAL;
	s += used;
	if (*s == '.') {
		real = true;
		text[len++] = *s++;
		used = scan_digits(s, 10, text, &len);
		if (used == 0)
			return -EINVAL;
		s += used;
	}
	if (*s == 'e' || *s == 'E') {
		real = true;
		text[len++] = *s++;
		if (*s == '+' || *s == '-')
			text[len++] = *s++;
		used = scan_digits(s, 10, text, &len);
		if (used == 0)
			return -EINVAL;
		s += used;
	}
	if (*s != '\0')
		return -EINVAL;
	text[len] = '\0';
	if (!real)
		return parse_integer(text, 10, node);
	set_real(node, strtod(text, NULL));
	return 0;
}

int
toml_number(const char *s, struct toml *node)
{
	if (strlen(s) >= NUMBER_MAX)
		return -EINVAL;
	if (streq(s, "true") || streq(s, "false")) {
		node->type = TOML_BOOLEAN;
		node->boolean = *s == 't';
		return 0;
	}
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'o' || s[1] == 'b'))
		return parse_prefixed(s, node);
	return parse_decimal(s, node);
}

/* Exactly n digits; the value, or -1. */
static int
fixed(const char **s, int n)
{
	int v = 0;

	for (int i = 0; i < n; i++, (*s)++) {
		if (!is_digit(**s))
			return -1;
		v = 10 * v + (**s - '0');
	}
	return v;
}

static bool
skip_char(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

static bool
parse_date(const char **s)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year, month, day;
	bool leap;

	year = fixed(s, 4);
	if (year < 0 || !skip_char(s, '-'))
		return false;
	month = fixed(s, 2);
	if (month < 1 || month > 12 || !skip_char(s, '-'))
		return false;
	day = fixed(s, 2);
	leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return day >= 1 && day <= days[month - 1] + (month == 2 && leap);
}

static bool
parse_hour_minute(const char **s)
{
	int hour = fixed(s, 2), minute;

	if (hour < 0 || hour > 23 || !skip_char(s, ':'))
		return false;
	minute = fixed(s, 2);
	return minute >= 0 && minute <= 59;
}

static bool
parse_time(const char **s)
{
	int second;

	if (!parse_hour_minute(s) || !skip_char(s, ':'))
		return false;
	second = fixed(s, 2);
	if (second < 0 || second > 60) /* 60: a leap second */
		return false;
	if (!skip_char(s, '.'))
		return true;
	if (!is_digit(**s))
		return false;
	while (is_digit(**s))
		(*s)++;
	return true;
}

static bool
parse_offset(const char **s)
{
	if (skip_char(s, 'Z') || skip_char(s, 'z'))
		return true;
	if (!skip_char(s, '+') && !skip_char(s, '-'))
		return false;
	return parse_hour_minute(s);
}

int
toml_date(const char *s, enum toml_type *ret_type)
{
	if (strlen(s) > 2 && s[2] == ':') {
		*ret_type = TOML_LOCAL_TIME;
		return parse_time(&s) && *s == '\0' ? 0 : -EINVAL;
	}
	if (!parse_date(&s))
		return -EINVAL;
	*ret_type = TOML_LOCAL_DATE;
	if (*s == '\0')
		return 0;
	if (!skip_char(&s, 'T') && !skip_char(&s, 't') && !skip_char(&s, ' '))
		return -EINVAL;
	if (!parse_time(&s))
		return -EINVAL;
	*ret_type = TOML_LOCAL_DATETIME;
	if (*s == '\0')
		return 0;
	*ret_type = TOML_OFFSET_DATETIME;
	return parse_offset(&s) && *s == '\0' ? 0 : -EINVAL;
}
