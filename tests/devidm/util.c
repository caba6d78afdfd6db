/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Strings, bytes and dates. Everything here is plain data in, plain data out; the one
 * idea is that no caller has to think about failed allocation.
 */
#include "tests/devidm/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#define FILE_MAX (256u << 20)

void *
x_calloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		die("out of memory");
	return p;
}

void *
x_realloc(void *old, size_t n, size_t size)
{
	void *p = reallocarray(old, n ? n : 1, size ? size : 1);

	if (!p)
		die("out of memory");
	return p;
}

char *
x_strndup(const char *s, size_t len)
{
	char *p = strndup(s, len);

	if (!p)
		die("out of memory");
	return p;
}

char *
x_strdup(const char *s)
{
	return x_strndup(s, strlen(s));
}

void
x_assign(char **slot, const char *s)
{
	char *copy = s ? x_strdup(s) : NULL;

	free(*slot);
	*slot = copy;
}

char *
x_printf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		die("out of memory");
	va_end(ap);
	return s;
}

void
x_lower(char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

void
say(const char *fmt, ...)
{
	va_list ap;
	char line[1024];

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "kanidm_devidm: %s\n", line);
}

void
die(const char *fmt, ...)
{
	va_list ap;
	char line[1024];

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "kanidm_devidm: %s\n", line);
	exit(1);
}

void
text_add(struct text *t, const char *data, size_t len)
{
	if (t->len + len + 1 > t->cap) {
		t->cap = (t->len + len + 1) * 2;
		t->s = x_realloc(t->s, t->cap, 1);
	}
	if (len)
		memcpy(t->s + t->len, data, len);
	t->len += len;
	t->s[t->len] = '\0';
}

void
text_addf(struct text *t, const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		die("out of memory");
	va_end(ap);
	text_add(t, s, strlen(s));
	free(s);
}

void
text_free(struct text *t)
{
	free(t->s);
	*t = (struct text){ 0 };
}

void
random_bytes(void *out, size_t len)
{
	if (RAND_bytes(out, (int)len) != 1)
		die("no random bytes");
}

static void
uuid_print(char out[static UUID_LEN + 1], const unsigned char b[static 16])
{
	(void)snprintf(out, UUID_LEN + 1,
	    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
	    b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
	    b[13], b[14], b[15]);
}

static void
uuid_v4(char out[static UUID_LEN + 1], unsigned char b[static 16])
{
	b[6] = (unsigned char)((b[6] & 0x0fu) | 0x40u);
	b[8] = (unsigned char)((b[8] & 0x3fu) | 0x80u);
	uuid_print(out, b);
}

void
uuid_random(char out[static UUID_LEN + 1])
{
	unsigned char b[16];

	random_bytes(b, sizeof(b));
	uuid_v4(out, b);
}

void
uuid_of_name(char out[static UUID_LEN + 1], const char *name)
{
	unsigned char md[EVP_MAX_MD_SIZE];

	if (EVP_Digest(name, strlen(name), md, NULL, EVP_sha256(), NULL) != 1)
		die("sha256 failed");
	uuid_v4(out, md);
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
uuid_parse(const char *s, char out[static UUID_LEN + 1])
{
	unsigned char b[16] = { 0 };
	size_t len = strlen(s), digits = 0;
	bool dashed;

	if (strncasecmp(s, "urn:uuid:", 9) == 0) {
		s += 9;
		len -= 9;
	} else if (len > 2 && s[0] == '{' && s[len - 1] == '}') {
		s++;
		len -= 2;
	}
	if (len != 32 && len != UUID_LEN)
		return false;
	dashed = len == UUID_LEN;
	for (size_t i = 0; i < len; i++) {
		int v = hex_value(s[i]);

		if (dashed && (i == 8 || i == 13 || i == 18 || i == 23)) {
			if (s[i] != '-')
				return false;
			continue;
		}
		if (v < 0)
			return false;
		b[digits / 2] = (unsigned char)(b[digits / 2] << 4 | v);
		digits++;
	}
	uuid_print(out, b);
	return true;
}

uint32_t
uuid_default_gid(const char *uuid)
{
	uint32_t tail = (uint32_t)strtoul(uuid + UUID_LEN - 8, NULL, 16);

	return (tail & 0x0fffffffu) | 0x70000000u;
}

char *
b64url(const void *data, size_t len)
{
	char *s = x_calloc(len / 3 + 2, 4);
	int n = EVP_EncodeBlock((unsigned char *)s, data, (int)len);

	for (int i = 0; i < n; i++) {
		if (s[i] == '+')
			s[i] = '-';
		else if (s[i] == '/')
			s[i] = '_';
	}
	while (n > 0 && s[n - 1] == '=')
		s[--n] = '\0';
	return s;
}

char *
b64url_decode(const char *s, size_t len, size_t *ret_len)
{
	size_t padded = (len + 3) / 4 * 4;
	char *in, *out;
	int n;

	if (len == 0 || len % 4 == 1 || len > (1u << 20))
		return NULL;
	in = x_calloc(padded + 1, 1);
	for (size_t i = 0; i < len; i++)
		in[i] = s[i] == '-' ? '+' : s[i] == '_' ? '/' : s[i];
	memset(in + len, '=', padded - len);
	out = x_calloc(padded + 1, 1);
	n = EVP_DecodeBlock((unsigned char *)out, (unsigned char *)in, (int)padded);
	free(in);
	if (n < 0 || (size_t)n < padded - len) {
		free(out);
		return NULL;
	}
	*ret_len = (size_t)n - (padded - len);
	out[*ret_len] = '\0';
	return out;
}

bool
parse_u32(const char *s, uint32_t *ret)
{
	uint64_t v = 0;
	size_t len = strlen(s);

	if (len == 0 || len > 10 || (len > 1 && s[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(s[i] - '0');
	}
	if (v > UINT32_MAX)
		return false;
	*ret = (uint32_t)v;
	return true;
}

bool
parse_i64(const char *s, int64_t *ret)
{
	char *end = NULL;

	errno = 0;
	*ret = strtoll(s, &end, 10);
	return errno == 0 && end != s && *end == '\0';
}

bool
parse_rfc3339(const char *s, int64_t *ret)
{
	struct tm tm = { 0 };
	const char *p = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
	int hours, minutes;
	int64_t t;

	if (!p)
		return false;
	t = (int64_t)timegm(&tm);
	if (*p == '.')
		p += 1 + strspn(p + 1, "0123456789");
	if ((*p == 'Z' || *p == 'z') && p[1] == '\0') {
		*ret = t;
		return true;
	}
	if ((*p != '+' && *p != '-') || strlen(p) != 6 ||
	    sscanf(p + 1, "%2d:%2d", &hours, &minutes) != 2)
		return false;
	t -= (*p == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
	*ret = t;
	return true;
}

bool
utf8_valid(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + len;

	while (p < end) {
		size_t more = *p < 0x80 ? 0
		    : *p < 0xc2         ? 9
		    : *p < 0xe0         ? 1
		    : *p < 0xf0         ? 2
		    : *p < 0xf5         ? 3
					: 9;

		if (more > (size_t)(end - p) - 1)
			return false;
		if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
		    (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
			return false;
		for (size_t i = 1; i <= more; i++)
			if ((p[i] & 0xc0u) != 0x80)
				return false;
		p += more + 1;
	}
	return true;
}

char *
read_file(const char *path, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct text t = { 0 };
	char buf[65536];
	ssize_t n;

	if (fd < 0)
		return NULL;
	text_add(&t, "", 0);
	while ((n = read(fd, buf, sizeof(buf))) > 0 && t.len < FILE_MAX)
		text_add(&t, buf, (size_t)n);
	(void)close(fd);
	if (n != 0) {
		text_free(&t);
		return NULL;
	}
	if (ret_len)
		*ret_len = t.len;
	return t.s;
}

bool
write_file(const char *path, const void *data, size_t len, unsigned mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, (mode_t)mode);
	size_t done = 0;

	if (fd < 0)
		return false;
	while (done < len) {
		ssize_t n = write(fd, (const char *)data + done, len - done);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return close(fd) == 0 && done == len;
}
