/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/resolver/cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct cache c;
static unsigned touches;

static int
setup(void **state)
{
	(void)state;
	cache_init(&c);
	cache_set_domain(&c, "idm.example");
	touches = 0;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	cache_deinit(&c);
	return 0;
}

static void
touched(void *arg, struct cache_group *g)
{
	(void)arg;
	(void)g;
	touches++;
}

static size_t
n_carriers(const struct cache_group *cg)
{
	size_t pos = 0, n = 0;

	while (cache_carrier(&c, cg, &pos) != NULL)
		n++;
	return n;
}

static struct cache_group *
add_group(uint8_t nr, const char *name, const char *spn, uint32_t gid)
{
	const struct uuid uuid = { { 0xff, nr } };

	return cache_group_add(&c, groupid_new(&uuid, gid, name, spn));
}

static struct user *
make_user(uint8_t nr, const char *name, const char *spn, uint32_t id,
    struct cache_group *group)
{
	const struct uuid uuid = { { nr } };
	struct groupid *groups[2] = { groupid_new(&uuid, id, name, spn),
		group != NULL ? group->g : NULL };
	const struct user t = {
		.id = id,
		.uuid = uuid,
		.name = name,
		.spn = spn,
		.displayname = name,
		.groups = groups,
		.n_groups = group != NULL ? 2 : 1,
	};
	struct user *u = user_new(&t);

	groupid_unref(groups[0]);
	return u;
}

static struct cache_user *
find(const char *text)
{
	struct name name;

	assert_int_equal(name_parse(text, strlen(text), &name), 0);
	return cache_user_find(&c, &name);
}

static void
a_person_is_found_by_every_spelling(void **state)
{
	struct cache_user *cu;

	(void)state;
	cu = cache_user_add(&c, make_user(1, "alice", "alice@idm.example", 2001, NULL),
	    2001, false, NULL, NULL);
	assert_ptr_equal(find("alice"), cu);
	assert_ptr_equal(find("ALICE"), cu);
	assert_ptr_equal(find("alice@idm.example"), cu);
	assert_ptr_equal(find("01000000-0000-0000-0000-000000000000"), cu);
	assert_ptr_equal(cache_user_by_uid(&c, 2001), cu);
	assert_null(find("alice@other.example"));
	assert_null(find("bob"));
	assert_null(cache_user_by_uid(&c, 2002));
}

static void
another_domain_goes_by_spn_until_it_is_ours(void **state)
{
	struct cache_user *cu;

	(void)state;
	cu = cache_user_add(&c, make_user(1, "mary", "mary@other.example", 2001, NULL),
	    2001, false, NULL, NULL);
	assert_null(find("mary"));
	assert_ptr_equal(find("mary@other.example"), cu);
	assert_true(cu->foreign);
	cache_set_domain(&c, "other.example");
	assert_ptr_equal(find("mary"), cu);
	assert_ptr_equal(find("mary@other.example"), cu);
	assert_false(cu->foreign);
}

static void
a_new_record_moves_the_keys_and_the_memberships(void **state)
{
	struct cache_group *devs, *ops;
	struct cache_user *cu;

	(void)state;
	devs = add_group(1, "devs", "devs@idm.example", 3001);
	ops = add_group(2, "ops", "ops@idm.example", 3002);
	cu = cache_user_add(&c, make_user(1, "alice", "alice@idm.example", 2001, devs),
	    2001, false, touched, NULL);
	assert_int_equal(touches, 1);
	assert_int_equal(n_carriers(devs), 1);
	cache_user_replace(&c, cu,
	    make_user(1, "alicia", "alicia@idm.example", 2009, ops), 2009, false, touched,
	    NULL);
	assert_int_equal(touches, 3);
	assert_int_equal(n_carriers(devs), 0);
	assert_int_equal(n_carriers(ops), 1);
	assert_null(find("alice"));
	assert_ptr_equal(find("alicia"), cu);
	assert_null(cache_user_by_uid(&c, 2001));
	assert_ptr_equal(cache_user_by_uid(&c, 2009), cu);
	cache_user_replace(&c, cu,
	    make_user(1, "alicia", "alicia@idm.example", 2009, ops), 2009, false, touched,
	    NULL);
	assert_int_equal(touches, 3);
	assert_int_equal(n_carriers(ops), 1);
	cache_user_remove(&c, cu, touched, NULL);
	assert_int_equal(n_carriers(ops), 0);
	assert_int_equal(cache_n_users(&c), 0);
}

static void
a_group_named_twice_is_left_once_and_for_all(void **state)
{
	struct cache_group *devs = add_group(1, "devs", "devs@idm.example", 3001);
	struct user *u = make_user(1, "alice", "alice@idm.example", 2001, devs);
	struct groupid *groups[3] = { u->groups[0], u->groups[1], u->groups[1] };
	struct user t = *u;
	struct cache_user *cu;

	(void)state;
	t.groups = groups;
	t.n_groups = 3;
	cu = cache_user_add(&c, user_new(&t), 2001, false, NULL, NULL);
	user_unref(u);
	assert_int_equal(n_carriers(devs), 1);
	cache_user_remove(&c, cu, NULL, NULL);
	assert_int_equal(n_carriers(devs), 0);
}

static void
a_held_person_has_no_number(void **state)
{
	struct cache_user *cu;

	(void)state;
	cu = cache_user_add(&c, make_user(1, "bob", "bob@idm.example", 2001, NULL), 2001,
	    true, NULL, NULL);
	assert_null(cache_user_by_uid(&c, 2001));
	assert_ptr_equal(find("bob"), cu);
	cache_user_replace(&c, cu, user_ref(cu->u), 2001, false, NULL, NULL);
	assert_ptr_equal(cache_user_by_uid(&c, 2001), cu);
}

static void
a_group_that_comes_back_finds_its_people(void **state)
{
	struct cache_group *devs;

	(void)state;
	devs = add_group(1, "devs", "devs@idm.example", 3001);
	cache_user_add(&c, make_user(1, "alice", "alice@idm.example", 2001, devs), 2001,
	    false, NULL, NULL);
	cache_group_remove(&c, devs);
	assert_int_equal(cache_n_groups(&c), 0);
	devs = add_group(1, "devs", "devs@idm.example", 3001);
	assert_int_equal(n_carriers(devs), 1);
	assert_ptr_equal(cache_group_by_gid(&c, 3001), devs);
	cache_group_replace(&c, devs,
	    groupid_new(&devs->g->uuid, 3005, "makers", "makers@idm.example"));
	assert_null(cache_group_by_gid(&c, 3001));
	assert_ptr_equal(cache_group_by_gid(&c, 3005), devs);
	assert_ptr_equal(cache_group_by_key(&c, "makers"), devs);
	assert_null(cache_group_by_key(&c, "devs"));
}

static void
everything_may_be_removed_while_walking(void **state)
{
	struct cache_user *cu, *next;
	char name[16], spn[40];
	size_t pos, n = 0;
	uint8_t i;

	(void)state;
	for (i = 1; i <= 100; i++) {
		snprintf(name, sizeof(name), "u%u", i);
		snprintf(spn, sizeof(spn), "u%u@idm.example", i);
		cache_user_add(&c, make_user(i, name, spn, 2000u + i, NULL), 2000u + i,
		    false, NULL, NULL);
	}
	for (cu = cache_user_any(&c, &pos); cu != NULL; cu = next) {
		next = cache_user_any_next(&c, cu, &pos);
		cache_user_remove(&c, cu, NULL, NULL);
		n++;
	}
	assert_int_equal(n, 100);
	assert_int_equal(cache_n_users(&c), 0);
	assert_int_equal(c.u_key.n, 0);
	assert_int_equal(c.u_uid.n, 0);
}

static bool
set_list(struct cache_group *cg, const char *const *names, size_t n)
{
	struct member v[4];
	char spn[4][32];
	struct members *m;
	bool changed;

	for (size_t i = 0; i < n; i++) {
		snprintf(spn[i], sizeof(spn[i]), "%s@idm.example", names[i]);
		v[i] = (struct member){ names[i], spn[i] };
	}
	m = members_new(v, n);
	changed = cache_group_set_members(&c, cg, m);
	members_unref(m);
	return changed;
}

static void
who_is_on_a_list_stays_the_same_person(void **state)
{
	struct cache_group *devs = add_group(1, "devs", "devs@idm.example", 3001);
	const char *const both[] = { "alice", "bob" }, *const one[] = { "bob" };
	struct cache_person p;
	struct cache_user *cu;
	uint32_t number;
	size_t pos = 0;

	(void)state;
	assert_true(set_list(devs, both, 2));
	assert_false(set_list(devs, both, 2));
	number = cache_person_number(&c, "alice@idm.example");
	assert_non_null(people_stranger(&c.people, number));
	cu = cache_user_add(&c, make_user(1, "alice", "alice@idm.example", 2001, NULL),
	    2001, false, NULL, NULL);
	assert_int_equal(cu->number, number);
	assert_int_equal(cu->listed, 1);
	assert_true(cache_group_person(&c, devs, &pos, &p));
	assert_ptr_equal(p.cu, cu);
	assert_true(p.listed && !p.carries);
	/* Another name is another person; the list has the old one. */
	cache_user_replace(&c, cu,
	    make_user(1, "alicia", "alicia@idm.example", 2001, NULL), 2001, false, NULL,
	    NULL);
	assert_int_not_equal(cu->number, number);
	assert_int_equal(cu->listed, 0);
	assert_string_equal(people_stranger(&c.people, number)->text, "alice");
	assert_true(set_list(devs, one, 1));
	assert_null(people_stranger(&c.people, number));
	assert_int_equal(cache_person_number(&c, "alice@idm.example"), 0);
	cache_group_remove(&c, devs);
	assert_int_equal(cache_person_number(&c, "bob@idm.example"), 0);
	assert_int_equal(c.people.strangers.n, 0);
}

static void
the_private_group_is_the_one_of_the_person(void **state)
{
	struct cache_group *devs = add_group(1, "devs", "devs@idm.example", 3001);
	struct user *u = make_user(1, "alice", "alice@idm.example", 2001, devs);

	(void)state;
	assert_ptr_equal(cache_private_group(u), u->groups[0]);
	assert_false(cache_is_private(u, u->groups[1]));
	user_unref(u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_person_is_found_by_every_spelling,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    another_domain_goes_by_spn_until_it_is_ours, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_new_record_moves_the_keys_and_the_memberships, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_group_named_twice_is_left_once_and_for_all, setup, teardown),
		cmocka_unit_test_setup_teardown(a_held_person_has_no_number, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(a_group_that_comes_back_finds_its_people,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(everything_may_be_removed_while_walking,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(who_is_on_a_list_stays_the_same_person,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    the_private_group_is_the_one_of_the_person, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
