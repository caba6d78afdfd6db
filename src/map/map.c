/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The answer of the map to one question: the state of the file, the lease and the entry
 * decide together (docs/map-format.md has the table). A record is believed while it is
 * fresh; when it is not, the daemon is asked while it lives, and the record stands when it
 * does not.
 */
#include "src/map/map.h"

#include <errno.h>
#include <sys/stat.h>

#include "ku/paths.h"
#include "src/base/ids.h"
#include "src/map/answer.h"
#include "src/map/find.h"
#include "src/map/hold.h"

struct question {
	enum ku_map_kind kind;
	const struct name *name; /* NULL: by id */
	uint32_t id;
	unsigned flags;
};

/* The offline limit counts from the moment the daemon was last seen alive. */
static bool
is_too_old(const struct access *a, uint32_t now)
{
	uint32_t limit = a->view->offline_limit;

	return !a->alive && limit != 0 && now > a->lease && now - a->lease > limit;
}

static bool
is_fresh(const struct access *a, const struct found *f, uint32_t now)
{
	const struct map_view *v = a->view;

	return view_ahead(f->fresh_until, now, v->max_ttl) ||
	    view_ahead(view_header(v, KU_MAP_H_FLOOR), now, v->max_ttl);
}

/* With a domain: keys are without ours. A function of its own, because its buffers would
 * cost every lookup otherwise. */
static __attribute__((noinline)) enum found_kind
look_up_spn(const struct map_view *v, const struct question *q, uint32_t now,
    struct found *f)
{
	char domain[KU_MAP_DOMAIN_CAP];
	struct name stripped;

	if (!view_bytes(v, KU_MAP_H_DOMAIN * 4, domain, v->domain_len))
		return FOUND_NOTHING;
	domain[v->domain_len] = '\0';
	stripped = *q->name;
	name_strip_domain(&stripped, domain);
	return find(v, q->kind, &stripped, 0, now, f);
}

/* Ids of the server's own kind are not in the map. */
static enum found_kind
look_up(const struct map_view *v, const struct question *q, uint32_t now, struct found *f)
{
	if (q->name == NULL || q->name->kind == NAME_SHORT)
		return find(v, q->kind, q->name, q->id, now, f);
	return q->name->kind == NAME_SPN ? look_up_spn(v, q, now, f) : FOUND_NOTHING;
}

static enum map_answer
answer(const struct access *a, const struct question *q, uint32_t now, answer_fn take,
    void *arg)
{
	enum map_answer absent = a->alive ? MAP_ABSENT : MAP_ABSENT_NO_DAEMON, got;
	struct found f;

	if (is_too_old(a, now))
		return absent;
	switch (look_up(a->view, q, now, &f)) {
	case FOUND_LOCAL:
		return MAP_LOCAL;
	case FOUND_NEGATIVE:
		return MAP_NEGATIVE;
	case FOUND_ENTRY:
		break;
	case FOUND_NOTHING:
	default:
		return absent;
	}
	if (q->kind == KU_MAP_USER && !answer_user_is_allowed(&f))
		return absent;
	if (a->alive && (q->flags & MAP_ANY_AGE) == 0 && !is_fresh(a, &f, now))
		return MAP_STALE;
	got = take(a->view, &f, arg);
	return got == MAP_ABSENT ? absent : got;
}

static enum map_answer
ask(struct map *m, const struct question *q, answer_fn take, void *arg)
{
	uint32_t now = hold_now();
	enum map_answer got;
	struct access a;

	if (!hold_acquire(m, now, &a))
		return MAP_NONE;
	got = answer(&a, q, now, take, arg);
	hold_release(m, &a);
	return got;
}

enum map_answer
map_passwd_by_name(struct map *m, const struct name *name, unsigned flags,
    struct passwd *pw, char *buf, size_t cap)
{
	struct question q = { .kind = KU_MAP_USER, .name = name, .flags = flags };
	struct passwd_to to = { pw, buf, cap };

	return ask(m, &q, answer_passwd, &to);
}

enum map_answer
map_passwd_by_uid(struct map *m, uint32_t uid, unsigned flags, struct passwd *pw,
    char *buf, size_t cap)
{
	struct question q = { .kind = KU_MAP_USER, .id = uid, .flags = flags };
	struct passwd_to to = { pw, buf, cap };

	return ask(m, &q, answer_passwd, &to);
}

enum map_answer
map_group_by_name(struct map *m, const struct name *name, unsigned flags,
    struct group *gr, char *buf, size_t cap)
{
	struct question q = { .kind = KU_MAP_GROUP, .name = name, .flags = flags };
	struct group_to to = { gr, buf, cap };

	return ask(m, &q, answer_group, &to);
}

enum map_answer
map_group_by_gid(struct map *m, uint32_t gid, unsigned flags, struct group *gr, char *buf,
    size_t cap)
{
	struct question q = { .kind = KU_MAP_GROUP, .id = gid, .flags = flags };
	struct group_to to = { gr, buf, cap };

	return ask(m, &q, answer_group, &to);
}

#define MAP_GIDS_AT_ONCE 64u

struct gids_arg {
	int (*give)(void *arg, uint32_t gid);
	void *arg;
	int stop;
};

static enum map_answer
take_gids(const struct map_view *v, const struct found *f, void *arg)
{
	struct gids_arg *to = arg;
	uint32_t gids[MAP_GIDS_AT_ONCE], n;

	for (uint32_t i = 0; i < f->n_list && to->stop == 0; i += n) {
		n = f->n_list - i;
		if (n > MAP_GIDS_AT_ONCE)
			n = MAP_GIDS_AT_ONCE;
		if (!view_words(v, f->list + i * 4, gids, n))
			return MAP_ABSENT;
		for (uint32_t k = 0; k < n && to->stop == 0; k++)
			to->stop = to->give(to->arg, gids[k]);
	}
	return MAP_HIT;
}

enum map_answer
map_initgroups(struct map *m, const struct name *name, unsigned flags,
    int (*give)(void *arg, uint32_t gid), void *arg, int *ret_stop)
{
	struct question q = { .kind = KU_MAP_USER, .name = name, .flags = flags };
	struct gids_arg to = { give, arg, 0 };
	enum map_answer got = ask(m, &q, take_gids, &to);

	*ret_stop = to.stop;
	return got;
}

/* The file now, as the header describes a file. */
static bool
ident_of(const char *path, uint32_t *w)
{
	uint64_t values[KU_MAP_IDENT_WORDS / 2];
	struct stat st;

	if (stat(path, &st) != 0)
		return false;
	values[0] = (uint64_t)st.st_dev;
	values[1] = (uint64_t)st.st_ino;
	values[2] = (uint64_t)st.st_size;
	values[3] = (uint64_t)st.st_mtim.tv_sec * 1000000000u +
	    (uint64_t)st.st_mtim.tv_nsec;
	for (unsigned i = 0; i < KU_MAP_IDENT_WORDS; i++)
		w[i] = (uint32_t)(values[i / 2] >> (i % 2 * 32));
	return true;
}

/*
 * The words are loaded one by one while the daemon may be storing new ones; only when all
 * of them agree with the file of this moment is it the file that the daemon has read.
 */
static bool
ident_is_current(const struct map_view *v, bool group)
{
	uint32_t off = (KU_MAP_H_IDENT + (group ? KU_MAP_IDENT_WORDS : 0)) * 4;
	uint32_t there[KU_MAP_IDENT_WORDS], now[KU_MAP_IDENT_WORDS];

	return view_words(v, off, there, KU_MAP_IDENT_WORDS) &&
	    ident_of(group ? KU_PATH_ETC_GROUP : KU_PATH_ETC_PASSWD, now) &&
	    memcmp(there, now, sizeof(now)) == 0;
}

bool cold_
map_proves_not_local(struct map *m, bool group, const struct name *name, uint32_t id)
{
	struct question q = { .kind = group ? KU_MAP_GROUP : KU_MAP_USER, .id = id };
	uint32_t now = hold_now();
	int saved = errno;
	struct access a;
	struct found f;
	bool proved;

	if (name == NULL ? id < IDS_FIRST
			 : name->short_len == 4 && memcmp(name->text, "root", 4) == 0)
		return false;
	q.name = name;
	if (!hold_acquire(m, now, &a))
		return false;
	proved = a.live && a.alive && look_up(a.view, &q, now, &f) != FOUND_LOCAL &&
	    ident_is_current(a.view, group);
	hold_release(m, &a);
	errno = saved;
	return proved;
}

/* The age of the map, the record's freshness and the lease do not matter: who is local was
 * decided by an administrator, and only the next map says that it was decided anew. */
bool
map_user_is_overridden(struct map *m, const struct name *name)
{
	struct question q = { .kind = KU_MAP_USER, .name = name };
	uint32_t now = hold_now(), lens = 0;
	bool overridden = false;
	struct access a;
	struct found f;

	if (!hold_acquire(m, now, &a))
		return false;
	if (look_up(a.view, &q, now, &f) == FOUND_ENTRY && answer_user_is_allowed(&f) &&
	    view_words(a.view, f.off + (KU_MAP_U_LENS + 3) * 4, &lens, 1))
		overridden = (lens >> 16 & KU_MAP_UF_OVERRIDE) != 0;
	hold_release(m, &a);
	return overridden;
}

void
map_close(struct map *m)
{
	hold_close(m);
}
