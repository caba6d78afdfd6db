/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/model/model.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/util.h"

static struct uuid
some_uuid(uint8_t n)
{
	struct uuid u = { { 0 } };

	u.b[0] = 0xa0;
	u.b[15] = n;
	return u;
}

static struct groupid *
some_group(uint8_t n, const char *name)
{
	struct uuid uuid = some_uuid(n);
	char spn[64];

	(void)snprintf(spn, sizeof(spn), "%s@idm.example.com", name);
	return groupid_new(&uuid, 60000u + n, name, spn);
}

static struct user *
alice(struct groupid *own, struct groupid *staff)
{
	char name[] = "alice";
	char key[] = "ssh-ed25519 AAAA alice@laptop";
	struct groupid *groups[] = { own, staff };
	const char *keys[] = { key };
	struct user tmpl = {
		.id = 60001,
		.uuid = some_uuid(1),
		.valid = true,
		.n_groups = 2,
		.n_keys = 1,
		.name = name,
		.spn = "alice@idm.example.com",
		.displayname = "Alice Liddell",
		.shell = "/bin/zsh",
		.groups = groups,
		.sshkeys = keys,
	};
	struct user *u = user_new(&tmpl);

	/* What the builder was given is gone now. */
	memset(name, 'x', sizeof(name) - 1);
	memset(key, 'x', sizeof(key) - 1);
	return u;
}

static void
a_user_owns_its_strings_and_references_its_groups(void **state)
{
	struct groupid *own = some_group(1, "alice");
	struct groupid *staff = some_group(2, "staff");
	struct user *u = alice(own, staff);

	(void)state;
	assert_int_equal(u->refs, 1);
	assert_int_equal(staff->refs, 2);
	assert_string_equal(u->name, "alice");
	assert_string_equal(u->sshkeys[0], "ssh-ed25519 AAAA alice@laptop");
	assert_string_equal(u->shell, "/bin/zsh");
	assert_ptr_equal(u->groups[1], staff);
	groupid_unref(own);
	groupid_unref(staff);
	assert_string_equal(u->groups[1]->name, "staff");
	assert_ptr_equal(user_ref(u), u);
	assert_null(user_unref(u));
	assert_string_equal(u->groups[0]->spn, "alice@idm.example.com");
	assert_null(user_unref(u));
}

static void
the_private_group_is_a_part_of_the_record(void **state)
{
	struct groupid *own = some_group(1, "alice");
	struct groupid *staff = some_group(2, "staff"), *copy;
	struct user *u = alice(own, staff);

	(void)state;
	assert_int_equal(own->refs, 1);
	assert_true(groupid_equal(u->groups[0], own));
	assert_ptr_equal(u->groups[0]->name, u->name);
	copy = groupid_ref(u->groups[0]);
	assert_ptr_not_equal(copy, u->groups[0]);
	assert_null(user_unref(u));
	assert_true(groupid_equal(copy, own));
	groupid_unref(copy);
	groupid_unref(own);
	groupid_unref(staff);
}

static void
equality_looks_at_every_field(void **state)
{
	struct groupid *own = some_group(1, "alice");
	struct groupid *staff = some_group(2, "staff");
	struct groupid *other = some_group(2, "crew");
	struct user *a = alice(own, staff);
	struct user *same = alice(own, staff);
	const char *keys[] = { "ssh-rsa BBBB" };
	struct groupid *groups[] = { own, other };
	struct user changed[9];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(changed); i++)
		changed[i] = *a;
	changed[0].id++;
	changed[1].uuid.b[3]++;
	changed[2].valid = false;
	changed[3].name = "alicia";
	changed[4].spn = "alice@other.example.com";
	changed[5].displayname = "A. Liddell";
	changed[6].shell = NULL;
	changed[7].sshkeys = keys;
	changed[8].groups = groups;
	for (size_t i = 0; i < ARRAY_SIZE(changed); i++) {
		struct user *b = user_new(&changed[i]);

		assert_false(user_equal(a, b));
		assert_false(user_equal(b, a));
		user_unref(b);
	}
	assert_true(user_equal(a, same));
	user_unref(same);
	user_unref(a);
	groupid_unref(own);
	groupid_unref(staff);
	groupid_unref(other);
}

static void
people_can_share_one_group(void **state)
{
	struct groupid *own = some_group(1, "alice");
	struct groupid *mine = some_group(2, "staff");
	struct groupid *shared = some_group(2, "staff");
	struct user *u = alice(own, mine);

	(void)state;
	assert_int_equal(mine->refs, 2);
	user_share_group(u, 1, shared);
	assert_ptr_equal(u->groups[1], shared);
	assert_int_equal(mine->refs, 1);
	assert_int_equal(shared->refs, 2);
	user_share_group(u, 1, shared);
	assert_int_equal(shared->refs, 2);
	user_unref(u);
	assert_int_equal(shared->refs, 1);
	groupid_unref(own);
	groupid_unref(mine);
	groupid_unref(shared);
}

static void
members_are_sorted_and_kept_once(void **state)
{
	const struct member v[] = {
		{ "carol", "carol@x.example" },
		{ "alice", "alice@x.example" },
		{ "bob", "bob@x.example" },
		{ "alice", "alice@x.example" },
		{ "alice", "alice@y.example" },
	};
	struct members *m = members_new(v, ARRAY_SIZE(v));
	struct members *again = members_new(v, 3);
	struct members *none = members_new(NULL, 0);

	(void)state;
	assert_int_equal(m->n, 4);
	assert_string_equal(m->v[0].spn, "alice@x.example");
	assert_string_equal(m->v[1].spn, "alice@y.example");
	assert_string_equal(m->v[3].name, "carol");
	assert_false(members_equal(m, again));
	assert_false(members_equal(m, NULL));
	assert_true(members_equal(m, m));
	assert_int_equal(none->n, 0);
	members_unref(m);
	members_unref(again);
	members_unref(none);
}

static void
releasing_nothing_is_allowed(void **state)
{
	(void)state;
	assert_null(user_unref(NULL));
	assert_null(groupid_unref(NULL));
	assert_null(members_unref(NULL));
}

static void
a_person_in_five_shared_groups_with_a_key_stays_small(void **state)
{
	static const char key[] =
	    "ssh-ed25519 "
	    "AAAAC3NzaC1lZDI1NTE5AAAAIGJxT0cTcz3lXbfpL1oAcEXZg0mTnhUCPYqN"
	    "m2mU5Tfx person00001@laptop";
	const char *keys[] = { key };
	struct groupid *own = some_group(1, "person00001");
	struct groupid *groups[] = { own, own, own, own, own, own };
	struct user tmpl = {
		.id = 60001,
		.n_groups = 6,
		.n_keys = 1,
		.name = "person00001",
		.spn = "person00001@idm.example.com",
		.displayname = "Person Number 00001",
		.shell = "/bin/bash",
		.groups = groups,
		.sshkeys = keys,
	};
	struct user *u = user_new(&tmpl);
	size_t bytes = malloc_usable_size(u) + malloc_usable_size(own) + 16;

	(void)state;
	print_message("one person with a private group: %zu bytes\n", bytes);
	assert_true(bytes - sizeof(key) < 550);
	user_unref(u);
	groupid_unref(own);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_owns_its_strings_and_references_its_groups),
		cmocka_unit_test(the_private_group_is_a_part_of_the_record),
		cmocka_unit_test(equality_looks_at_every_field),
		cmocka_unit_test(people_can_share_one_group),
		cmocka_unit_test(members_are_sorted_and_kept_once),
		cmocka_unit_test(releasing_nothing_is_allowed),
		cmocka_unit_test(a_person_in_five_shared_groups_with_a_key_stays_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
