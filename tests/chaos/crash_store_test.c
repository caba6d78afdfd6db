/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The cache, killed at every call that touches the disk, and with the power gone there. The
 * program is what a daemon does in its life, in steps; each is over when the store has said
 * so. Whatever there is afterwards must be, thing by thing, what it was at the last step that
 * was over or at the one that was under way. When the power goes, names and people may be
 * older than that, back to the last step that was promised to be on the disk.
 */
#include <errno.h>

#include "chaos/crash.h"
#include "unit/src/unixd/store/kit.h"

#define N_PEOPLE  24u
#define N_MEMBERS 300u
#define CREW      7u

/* Blobs that are told apart, and from half of them. */
#define CRED_LEN 200u

enum thing { GONE, THERE, LOCKED };

/* What there is, at the end of each step. */
struct world {
	uint8_t person[N_PEOPLE]; /* enum thing */
	uint8_t crew;             /* GONE, THERE */
	uint8_t cred[3];          /* 0, or the version */
	uint8_t value;            /* likewise */
	uint32_t id, pending;     /* of person 1 */
};

enum step {
	NOTHING,
	PEOPLE,
	KEY,
	CREDS,
	COUNTED,
	NEW_NUMBER,
	ACCEPTED,
	CRED_DELETED,
	PERSON_DELETED,
	PERSON_LOCKED,
	CLEARED,
	PEOPLE_AGAIN,
	CLOSED,
	N_STEPS,
};

/* After which names may still be lost with the power; a key that is there is not written. */
static const bool
    may_fade[N_STEPS] = { [PEOPLE] = true, [KEY] = true, [PEOPLE_AGAIN] = true };

static struct world worlds[N_STEPS];

struct scene {
	struct kit kit;
	unsigned upto; /* steps */
	bool done;
	int rc;
};

static void
cred_blob(uint8_t blob[CRED_LEN], unsigned who, unsigned version)
{
	for (unsigned i = 0; i < CRED_LEN; i++)
		blob[i] = (uint8_t)(who * 71 + version * 31 + i * (version + 2));
}

static void
on_flush(void *arg)
{
	((struct scene *)arg)->done = true;
}

static void
on_told(void *arg, int rc)
{
	struct scene *s = arg;

	s->done = true;
	s->rc = rc;
}

/* 0 once it is done. */
static int
await(struct scene *s)
{
	while (!s->done)
		if (loop_turn(s->kit.loop, 1000) < 0)
			return -EIO;
	s->done = false;
	return s->rc;
}

static int
flush(struct scene *s)
{
	store_flush(s->kit.store, on_flush, s);
	return await(s);
}

static int
put_cred(struct scene *s, unsigned who, unsigned version)
{
	struct uuid uuid = kit_uuid(who);
	uint8_t blob[CRED_LEN];

	cred_blob(blob, who, version);
	store_put_cred(s->kit.store, &uuid, blob, sizeof(blob), on_told, s);
	return await(s);
}

static int
put_number(struct scene *s, uint32_t id, uint32_t pending)
{
	struct uuid uuid = kit_uuid(1);

	store_put_id(s->kit.store, &uuid, id, pending);
	return flush(s);
}

static void
put_locked(struct scene *s, uint32_t n)
{
	struct user *u = kit_user(n, "A Person");

	u->valid = false;
	store_put_user(s->kit.store, u, 1000);
	user_unref(u);
}

static int
do_step(struct scene *s, enum step step)
{
	struct uuid uuid;

	switch (step) {
	case PEOPLE:
		for (uint32_t i = 0; i < N_PEOPLE; i++)
			kit_put_user(&s->kit, i, 1000);
		kit_put_group(&s->kit, CREW, N_MEMBERS, 1000);
		return flush(s);
	case KEY:
		store_put_value(s->kit.store, "hmac-key", "the sealed key", 14, on_told,
		    s);
		return await(s);
	case CREDS:
		return put_cred(s, 1, 1) == 0 ? put_cred(s, 2, 1) : -EIO;
	case COUNTED:
		return put_cred(s, 1, 2);
	case NEW_NUMBER:
		return put_number(s, 70001, 70009);
	case ACCEPTED:
		return put_number(s, 70009, 70009);
	case CRED_DELETED:
		uuid = kit_uuid(2);
		store_del_cred(s->kit.store, &uuid);
		return flush(s);
	case PERSON_DELETED:
		uuid = kit_uuid(3);
		store_del_user(s->kit.store, &uuid);
		return flush(s);
	case PERSON_LOCKED:
		put_locked(s, 5);
		return flush(s);
	case CLEARED:
		store_clear(s->kit.store);
		return flush(s);
	case PEOPLE_AGAIN:
		kit_put_user(&s->kit, 1, 1000);
		kit_put_user(&s->kit, 2, 1000);
		return flush(s);
	case CLOSED:
		kit_close(&s->kit);
		return 0;
	default:
		return 0;
	}
}

/* The worlds, from the one it begins with. */
static void
foresee(const struct world *first)
{
	struct world w = *first;

	for (unsigned step = 0; step < N_STEPS; step++) {
		if (step == PEOPLE)
			memset(w.person, THERE, sizeof(w.person));
		if (step == PEOPLE || step == CLEARED)
			w.crew = step == PEOPLE ? THERE : GONE;
		if (step == KEY)
			w.value = 1;
		if (step == CREDS)
			w.cred[1] = w.cred[2] = 1;
		if (step == COUNTED)
			w.cred[1] = 2;
		if (step == NEW_NUMBER || step == ACCEPTED) {
			w.id = step == NEW_NUMBER ? 70001 : 70009;
			w.pending = 70009;
		}
		if (step == CRED_DELETED)
			w.cred[2] = 0;
		if (step == PERSON_DELETED)
			w.person[3] = GONE;
		if (step == PERSON_LOCKED)
			w.person[5] = LOCKED;
		if (step == CLEARED) {
			memset(w.person, GONE, sizeof(w.person));
			w.cred[1] = 0;
		}
		if (step == PEOPLE_AGAIN)
			w.person[1] = w.person[2] = THERE;
		worlds[step] = w;
	}
}

static int
open_store(struct scene *s)
{
	s->kit.loop = NULL;
	s->kit.store = NULL;
	if (loop_new(&s->kit.loop) < 0 ||
	    store_open(s->kit.loop, s->kit.path, &s->kit.store, &s->kit.note) < 0)
		return -EIO;
	return 0;
}

static int
body(void *arg)
{
	struct scene *s = arg;

	if (open_store(s) != 0)
		return 1;
	for (unsigned step = 1; step <= s->upto; step++) {
		if (do_step(s, (enum step)step) != 0)
			return (int)step + 1;
		crash_step(step);
	}
	return 0;
}

/* ------------------------------------------------------------------ afterwards */

static void
see_user(void *arg, struct user *u, int64_t wall_s)
{
	struct world *w = arg;
	uint32_t n = u->id - 100000;
	struct user *want = kit_user(n, "A Person");

	assert_in_range(n, 0, N_PEOPLE - 1);
	assert_int_equal(wall_s, 1000);
	assert_string_equal(u->name, want->name);
	assert_string_equal(u->spn, want->spn);
	assert_string_equal(u->displayname, "A Person");
	assert_int_equal(u->n_groups, 2);
	assert_int_equal(u->n_keys, 1);
	assert_string_equal(u->sshkeys[0], want->sshkeys[0]);
	w->person[n] = u->valid ? THERE : LOCKED;
	user_unref(want);
	user_unref(u);
}

static void
see_group(void *arg, struct groupid *g, struct members *m, int64_t wall_s)
{
	struct world *w = arg;

	(void)wall_s;
	assert_non_null(m);
	assert_int_equal(m->n, N_MEMBERS);
	w->crew = THERE;
	groupid_unref(g);
	members_unref(m);
}

static void
see_id(void *arg, const struct uuid *uuid, uint32_t id, uint32_t pending)
{
	struct world *w = arg;
	struct uuid want = kit_uuid(1);

	assert_true(uuid_equal(uuid, &want));
	w->id = id;
	w->pending = pending;
}

static void
see_cred(void *arg, const struct uuid *uuid, const void *blob, size_t len)
{
	struct world *w = arg;

	assert_int_equal(len, CRED_LEN);
	for (unsigned who = 1; who <= 2; who++) {
		struct uuid want = kit_uuid(who);

		if (!uuid_equal(uuid, &want))
			continue;
		for (uint8_t version = 1; version <= 2; version++) {
			uint8_t whole[CRED_LEN];

			cred_blob(whole, who, version);
			if (memcmp(blob, whole, CRED_LEN) == 0)
				w->cred[who] = version;
		}
		assert_int_not_equal(w->cred[who], 0);
	}
}

static void
see_value(void *arg, const char *key, const void *blob, size_t len)
{
	struct world *w = arg;

	assert_string_equal(key, "hmac-key");
	assert_int_equal(len, 14);
	assert_memory_equal(blob, "the sealed key", 14);
	w->value = 1;
}

/* Starts again, as a daemon does. */
static struct world
look(struct scene *s)
{
	struct world w = { 0 };
	const struct store_sink sink = { &w, see_user, see_group, see_id, NULL };
	const struct store_secrets secrets = { &w, see_cred, see_value };

	assert_int_equal(open_store(s), 0);
	assert_int_equal(store_load(s->kit.store, &sink), 0);
	assert_int_equal(store_load_secrets(s->kit.store, &secrets), 0);
	assert_null(store_trouble(s->kit.store));
	return w;
}

static void
leave(struct scene *s)
{
	kit_close(&s->kit);
	s->kit.loop = loop_free(s->kit.loop);
}

#define IS_ONE_OF(field, from, to)                                                     \
	do {                                                                           \
		bool found_ = false;                                                   \
                                                                                       \
		for (unsigned k_ = (from); k_ <= (to); k_++)                           \
			found_ |= got->field == worlds[k_].field;                      \
		if (!found_)                                                           \
			fail_msg("call %u, after step %u: " #field " is %u", at, done, \
			    (unsigned)got->field);                                     \
	} while (0)

static void
judge(const struct world *got, unsigned done, unsigned upto, unsigned names_from,
    unsigned at)
{
	unsigned next = done < upto ? done + 1 : upto;

	for (unsigned i = 0; i < N_PEOPLE; i++)
		IS_ONE_OF(person[i], names_from, next);
	IS_ONE_OF(crew, names_from, next);
	IS_ONE_OF(cred[1], done, next);
	IS_ONE_OF(cred[2], done, next);
	IS_ONE_OF(value, done, next);
	IS_ONE_OF(id, done, next);
	IS_ONE_OF(pending, done, next);
}

/* What was to be forgotten is not in any file, not only in none of the tables. */
static void
assert_forgotten(const struct scene *s, unsigned done)
{
	uint8_t blob[CRED_LEN];

	if (done < CRED_DELETED)
		return;
	cred_blob(blob, 2, 1);
	assert_false(crash_dir_mentions(s->kit.dir, blob, 64, ".broken-"));
	if (done < CLEARED)
		return;
	cred_blob(blob, 1, 2);
	assert_false(crash_dir_mentions(s->kit.dir, blob, 64, ".broken-"));
}

static bool
loses_power(const struct crash *c)
{
	return c->mode == CRASH_POWER || c->mode == CRASH_POWER_DATA;
}

static void
check(const struct crash *c, void *arg)
{
	struct scene *s = arg;
	unsigned done = crash_shared->step, names = done;
	struct world w;

	if (!c->killed)
		assert_int_equal(done, s->upto);
	while (c->killed && loses_power(c) && may_fade[names])
		names--;
	assert_forgotten(s, done);
	w = look(s);
	assert_null(s->kit.note);
	assert_null(store_note(s->kit.store));
	judge(&w, done, s->upto, names, c->at);
	/* It works, and does the rest. */
	for (unsigned step = 1; step <= ACCEPTED; step++)
		assert_int_equal(do_step(s, (enum step)step), 0);
	leave(s);
}

static void
prepare_empty(void *arg)
{
	struct scene *s = arg;
	static const struct world nothing;

	crash_dir_empty(s->kit.dir);
	foresee(&nothing);
}

/* A database that has had a life, and whose daemon was killed: its log is still there. */
static void
prepare_used(void *arg)
{
	struct scene *s = arg;
	struct crash c = { .dir = s->kit.dir, .body = body, .arg = s };
	struct scene first = *s;
	const struct world nothing = { 0 };
	struct world last;

	crash_dir_empty(s->kit.dir);
	foresee(&nothing);
	first.upto = PEOPLE_AGAIN;
	c.arg = &first;
	crash_run(&c);
	assert_int_equal(c.status, 0);
	last = worlds[PEOPLE_AGAIN];
	foresee(&last);
}

static const enum crash_mode all_modes[] = { CRASH_BEFORE, CRASH_TORN, CRASH_POWER,
	CRASH_POWER_DATA };

static struct scene scene;

static struct crash_plan *
plan(const char *attack, void (*prepare)(void *arg),
    void (*judge_it)(const struct crash *, void *))
{
	static struct crash_plan p;

	scene.upto = CLOSED;
	p = (struct crash_plan){ .prepare = prepare,
		.check = judge_it,
		.modes = all_modes,
		.n_modes = ARRAY_SIZE(all_modes),
		.promise =
		    "what was said to be kept is kept, what was to be forgotten is gone",
		.attack = attack };
	p.crash.dir = scene.kit.dir;
	p.crash.body = body;
	p.crash.arg = &scene;
	return &p;
}

static void
a_first_life_of_a_cache(void **state)
{
	(void)state;
	crash_everywhere(plan("cache: a new one, killed", prepare_empty, check), 100);
}

static void
a_later_life_of_a_cache(void **state)
{
	(void)state;
	crash_everywhere(plan("cache: one that was killed before, killed", prepare_used,
			     check),
	    100);
}

/* ------------------------------------------------------------------ broken */

static void
overwrite(const char *path, off_t at)
{
	char junk[4096];
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	memset(junk, 0xa5, sizeof(junk));
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, junk, sizeof(junk), at), sizeof(junk));
	(void)close(fd);
}

/* Closed in good order, then the second page is junk: people. */
static void
prepare_broken(void *arg)
{
	struct scene *s = arg;
	const struct world nothing = { 0 };

	crash_dir_empty(s->kit.dir);
	foresee(&nothing);
	assert_int_equal(open_store(s), 0);
	for (unsigned step = 1; step <= ACCEPTED; step++)
		assert_int_equal(do_step(s, (enum step)step), 0);
	leave(s);
	overwrite(s->kit.path, 4096);
	s->upto = NOTHING;
}

/* The accepted number is there, whatever was interrupted; and the broken file is kept. */
static void
check_broken(const struct crash *c, void *arg)
{
	struct scene *s = arg;
	struct world w = look(s);

	if (w.id != 70009 || w.pending != 70009)
		fail_msg("call %u: the id is %u", c->at, w.id);
	assert_in_range(kit_count_aside(&s->kit), 1, 2);
	for (unsigned step = 1; step <= ACCEPTED; step++)
		assert_int_equal(do_step(s, (enum step)step), 0);
	leave(s);
	w = look(s);
	assert_null(s->kit.note);
	assert_int_equal(w.id, 70009);
	assert_int_equal(w.crew, THERE);
	leave(s);
}

static void
a_broken_cache_is_set_aside_and_keeps_the_numbers(void **state)
{
	struct crash_plan *p = plan("cache: a broken one, killed while it is set aside",
	    prepare_broken, check_broken);

	(void)state;
	p->promise = "accepted numbers outlive a broken cache";
	crash_everywhere(p, 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_first_life_of_a_cache, crash_say_where),
		cmocka_unit_test_teardown(a_later_life_of_a_cache, crash_say_where),
		cmocka_unit_test_teardown(
		    a_broken_cache_is_set_aside_and_keeps_the_numbers, crash_say_where),
	};
	int failed;

	crash_init();
	crash_dir_make(scene.kit.dir);
	(void)snprintf(scene.kit.path, sizeof(scene.kit.path), "%s/unixd.db",
	    scene.kit.dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	crash_dir_remove(scene.kit.dir);
	return failed;
}
