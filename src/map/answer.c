/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Entries into the caller's buffer. Lengths were checked when the entry was found; the
 * bytes are copied once and terminated here, and what a list of members holds is only
 * looked at in the copy.
 */
#include "src/map/answer.h"

#include "src/base/ids.h"

bool
answer_user_is_allowed(const struct found *f)
{
	return ids_is_allowed(f->id) && ids_is_allowed(f->gid);
}

/* Copies `len` bytes and a NUL to *at and moves it. */
static bool
put(const struct map_view *v, uint32_t off, uint32_t len, char **at, char **ret)
{
	if (!view_bytes(v, off, *at, len))
		return false;
	(*at)[len] = '\0';
	*ret = *at;
	*at += len + 1;
	return true;
}

static char *
put_x(char **at)
{
	char *x = *at;

	memcpy(x, "x", 2);
	*at += 2;
	return x;
}

enum map_answer
answer_passwd(const struct map_view *v, const struct found *f, void *to)
{
	const struct passwd_to *out = to;
	struct passwd *pw = out->pw;
	char *buf = out->buf;
	size_t need = (size_t)f->name_len + f->gecos_len + f->dir_len + f->shell_len + 4 +
	    2;
	uint32_t off = f->text;

	if (f->name_len == 0 || !answer_user_is_allowed(f))
		return MAP_ABSENT;
	if (need > out->cap)
		return MAP_RANGE;
	if (!put(v, off, f->name_len, &buf, &pw->pw_name))
		return MAP_ABSENT;
	off += f->name_len;
	pw->pw_passwd = put_x(&buf);
	if (!put(v, off, f->gecos_len, &buf, &pw->pw_gecos))
		return MAP_ABSENT;
	off += f->gecos_len;
	if (!put(v, off, f->dir_len, &buf, &pw->pw_dir))
		return MAP_ABSENT;
	off += f->dir_len;
	if (!put(v, off, f->shell_len, &buf, &pw->pw_shell))
		return MAP_ABSENT;
	pw->pw_uid = f->id;
	pw->pw_gid = f->gid;
	return MAP_HIT;
}

enum map_answer
answer_group(const struct map_view *v, const struct found *f, void *to)
{
	const struct group_to *out = to;
	struct group *gr = out->gr;
	char *buf = out->buf;
	size_t skip = (sizeof(char *) - (uintptr_t)buf % sizeof(char *)) % sizeof(char *);
	/* 64 bits: a hostile count must not wrap around in a 32-bit process */
	uint64_t need = skip + ((uint64_t)f->n_list + 1) * sizeof(char *) + f->name_len +
	    1 + 2 + f->members_len;
	char **members;
	char *at, *end;

	if (f->name_len == 0 || !ids_may_be_group(f->id))
		return MAP_ABSENT;
	if (need > out->cap)
		return MAP_RANGE;
	members = (char **)(void *)(buf + skip);
	at = (char *)(members + f->n_list + 1);
	if (!put(v, f->text, f->name_len, &at, &gr->gr_name))
		return MAP_ABSENT;
	gr->gr_passwd = put_x(&at);
	if (!view_bytes(v, f->list, at, f->members_len))
		return MAP_ABSENT;
	end = at + f->members_len;
	if (f->members_len > 0)
		end[-1] = '\0';
	for (uint32_t i = 0; i < f->n_list; i++) {
		if (at >= end)
			return MAP_ABSENT;
		members[i] = at;
		at += strlen(at) + 1;
	}
	members[f->n_list] = NULL;
	gr->gr_mem = members;
	gr->gr_gid = f->id;
	return MAP_HIT;
}
