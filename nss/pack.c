/* SPDX-License-Identifier: MPL-2.0 */
/*
 * From reply to struct. The strings were received straight into the caller's buffer, so
 * packing is finding their ends, judging them, and, for groups, laying the member array
 * behind them. Everything is judged before ERANGE is said: a reply that would be refused
 * must not make glibc try ever larger buffers first.
 */
#include "nss/pack.h"

#include <errno.h>
#include <stdalign.h>

#include "src/base/ids.h"
#include "src/base/le.h"

/* The string at buf + *pos and *pos behind it; NULL when it does not end in time or holds
 * what no field of passwd(5) may. */
static char *
take_field(char *buf, size_t len, size_t *pos)
{
	char *s = buf + *pos;
	char *end;

	if (*pos >= len)
		return NULL;
	end = memchr(s, '\0', len - *pos);
	if (end == NULL || !name_field_is_clean(s))
		return NULL;
	*pos = (size_t)(end - buf) + 1;
	return s;
}

int
pack_passwd(const uint8_t head[PACK_HEAD_LEN], char *buf, size_t len, struct passwd *pw)
{
	uint32_t uid = le32_get(head), gid = le32_get(head + 4);
	char *field[5];
	size_t pos = 0;

	if (le32_get(head + 8) != len || !ids_is_allowed(uid) || !ids_is_allowed(gid))
		return -EPROTO;
	for (size_t i = 0; i < 5; i++) {
		field[i] = take_field(buf, len, &pos);
		if (field[i] == NULL)
			return -EPROTO;
	}
	if (pos != len || field[0][0] == '\0')
		return -EPROTO;
	*pw = (struct passwd){
		.pw_name = field[0],
		.pw_passwd = field[1],
		.pw_uid = uid,
		.pw_gid = gid,
		.pw_gecos = field[2],
		.pw_dir = field[3],
		.pw_shell = field[4],
	};
	return 0;
}

/* Where an array of n + 1 pointers may stand behind `used` bytes; NULL when it cannot. */
static char **
place_pointers(char *buf, size_t used, size_t cap, size_t n)
{
	size_t misaligned = ((uintptr_t)buf + used) % alignof(char *);
	size_t at = used + (misaligned == 0 ? 0 : alignof(char *) - misaligned);

	if (at > cap || (cap - at) / sizeof(char *) < n + 1)
		return NULL;
	return (char **)(void *)(buf + at);
}

int
pack_group(const uint8_t head[PACK_HEAD_LEN], char *buf, size_t len, size_t cap,
    struct group *gr)
{
	uint32_t gid = le32_get(head), n = le32_get(head + 4);
	char *name, *passwd, **members;
	size_t pos = 0, first;

	if (le32_get(head + 8) != len || n > len || !ids_may_be_group(gid))
		return -EPROTO;
	name = take_field(buf, len, &pos);
	passwd = take_field(buf, len, &pos);
	if (name == NULL || passwd == NULL || name[0] == '\0')
		return -EPROTO;
	first = pos;
	for (uint32_t i = 0; i < n; i++) {
		if (take_field(buf, len, &pos) == NULL)
			return -EPROTO;
	}
	if (pos != len)
		return -EPROTO;
	members = place_pointers(buf, len, cap, n);
	if (members == NULL)
		return -ERANGE;
	pos = first;
	for (uint32_t i = 0; i < n; i++) {
		members[i] = buf + pos;
		pos += strlen(members[i]) + 1;
	}
	members[n] = NULL;
	*gr = (struct group){
		.gr_name = name,
		.gr_passwd = passwd,
		.gr_gid = gid,
		.gr_mem = members,
	};
	return 0;
}

bool
pack_name_answers(const char *got, const struct name *asked)
{
	if (asked->kind == NAME_UUID)
		return true;
	for (size_t i = 0; i < asked->short_len; i++) {
		char c = got[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (c != asked->text[i])
			return false;
	}
	return got[asked->short_len] == '\0' || got[asked->short_len] == '@';
}
