/* SPDX-License-Identifier: MPL-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/le.h"
#include "src/base/util.h"
#include "src/unixd/model/model.h"

static const struct uuid uuid_a = { { 0xa0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
    15 } };

static struct user *
make_user(const char *name, const char *spn, const char *shell)
{
	struct groupid *own = groupid_new(&uuid_a, 60001, "alice",
	    "alice@idm.example.com");
	struct groupid *groups[] = { own, own };
	const char *keys[] = { "ssh-ed25519 AAAA", "ssh-rsa BBBB two" };
	struct user tmpl = {
		.id = 60001,
		.uuid = uuid_a,
		.valid = true,
		.n_groups = 2,
		.n_keys = 2,
		.name = name,
		.spn = spn,
		.displayname = "Alice \xc3\x9c",
		.shell = shell,
		.groups = groups,
		.sshkeys = keys,
	};
	struct user *u = user_new(&tmpl);

	groupid_unref(own);
	return u;
}

static void
a_user_comes_back_as_it_went(void **state)
{
	const char *shells[] = { "/bin/zsh", "", NULL };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		struct user *u = make_user("alice", "alice@idm.example.com", shells[i]);
		struct user *back = NULL;
		size_t len;
		void *blob = user_pack(u, &len);

		assert_int_equal(user_unpack(blob, len, &back), 0);
		assert_true(user_equal(u, back));
		assert_int_equal(back->refs, 1);
		/* Part of the record. */
		assert_int_equal(back->groups[0]->refs, 0);
		free(blob);
		user_unref(u);
		user_unref(back);
	}
}

static void
a_group_comes_back_with_and_without_members(void **state)
{
	const struct member v[] = { { "bob", "bob@x.example" },
		{ "alice", "alice@x.example" } };
	struct groupid *g = groupid_new(&uuid_a, 60002, "staff", "staff@x.example");
	struct members *cases[] = { members_new(v, 2), members_new(NULL, 0), NULL };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct groupid *g2 = NULL;
		struct members *m2 = NULL;
		size_t len;
		void *blob = group_pack(g, cases[i], &len);

		assert_int_equal(group_unpack(blob, len, &g2, &m2), 0);
		assert_true(groupid_equal(g, g2));
		assert_true(members_equal(cases[i], m2));
		free(blob);
		groupid_unref(g2);
		members_unref(m2);
		members_unref(cases[i]);
	}
	groupid_unref(g);
}

/* A list as another program may have written it: in any order, with one twice. */
static void
a_list_in_any_order_is_sorted_and_without_duplicates(void **state)
{
	static const char *const orders[][3] = { { "a", "b", "c" }, { "c", "a", "b" },
		{ "a", "a", "b" }, { "b", "a", "b" }, { "a", "b", "b" } };
	static const size_t kept[] = { 3, 3, 2, 2, 2 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		struct groupid *g = groupid_new(&uuid_a, 60002, "s", "s@x.example"), *g2;
		struct member v[] = { { "x", "x@y.example" }, { "x", "x@y.example" },
			{ "x", "x@y.example" } };
		const struct members raw = { 1, 3, v };
		char spn[3][16];
		struct members *m2, *want;
		size_t len;
		uint8_t *blob;

		for (size_t k = 0; k < 3; k++) {
			/* The domain changes within the list, and the names say so. */
			(void)snprintf(spn[k], sizeof(spn[k]), "%s@%s.example",
			    orders[i][k], orders[i][k]);
			v[k] = (struct member){ orders[i][k], spn[k] };
		}
		blob = group_pack(g, &raw, &len);
		want = members_new(v, 3);
		assert_int_equal(group_unpack(blob, len, &g2, &m2), 0);
		assert_int_equal(m2->n, kept[i]);
		assert_true(members_equal(m2, want));
		for (size_t cut = 0; cut < len; cut++) {
			struct groupid *g3;
			struct members *m3;
			uint8_t *less = malloc(cut + (cut == 0));

			memcpy(less, blob, cut);
			assert_int_equal(group_unpack(less, cut, &g3, &m3), -EBADMSG);
			free(less);
		}
		free(blob);
		groupid_unref(g);
		groupid_unref(g2);
		members_unref(m2);
		members_unref(want);
	}
}

static void
every_shortened_or_lengthened_blob_is_refused(void **state)
{
	struct user *u = make_user("alice", "alice@idm.example.com", "/bin/sh");
	struct user *back = NULL;
	size_t len;
	uint8_t *blob = user_pack(u, &len);
	uint8_t *longer = calloc(1, len + 1);

	(void)state;
	for (size_t i = 0; i < len; i++) {
		/* Exactly as long, so that a sanitizer sees a read past the end. */
		uint8_t *cut = malloc(i + (i == 0));

		memcpy(cut, blob, i);
		assert_int_equal(user_unpack(cut, i, &back), -EBADMSG);
		free(cut);
	}
	memcpy(longer, blob, len);
	assert_int_equal(user_unpack(longer, len + 1, &back), -EBADMSG);
	free(longer);
	free(blob);
	user_unref(u);
}

static void
unknown_formats_and_flags_are_refused(void **state)
{
	struct user *u = make_user("alice", "alice@idm.example.com", "/bin/sh");
	struct user *back = NULL;
	size_t len;
	uint8_t *blob = user_pack(u, &len);

	(void)state;
	blob[0] = 2;
	assert_int_equal(user_unpack(blob, len, &back), -EBADMSG);
	blob[0] = 1;
	blob[1] |= 0x80;
	assert_int_equal(user_unpack(blob, len, &back), -EBADMSG);
	free(blob);
	user_unref(u);
}

static void
names_that_are_no_names_are_refused(void **state)
{
	static const struct {
		const char *name;
		const char *spn;
	} bad[] = {
		{ "Alice", "alice@idm.example.com" },
		{ "al:ice", "alice@idm.example.com" },
		{ "", "alice@idm.example.com" },
		{ "alice", "alice" },
		{ "alice", "alice\n@idm.example.com" },
		{ "alice@idm.example.com", "alice@idm.example.com" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct user *u = make_user(bad[i].name, bad[i].spn, "/bin/sh");
		struct user *back = NULL;
		size_t len;
		void *blob = user_pack(u, &len);

		assert_int_equal(user_unpack(blob, len, &back), -EBADMSG);
		free(blob);
		user_unref(u);
	}
}

/* Also behind one whose domain has just been looked at. */
static void
members_that_are_no_names_are_refused(void **state)
{
	static const struct member bad[] = {
		{ "alice", "alice@" },
		{ "alice", "alice" },
		{ "alice", "alice@x\n" },
		{ "Alice", "alice@x.example" },
	};
	struct groupid *g = groupid_new(&uuid_a, 60002, "staff", "staff@x.example");

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(bad); i++) {
		const struct member v[] = { { "aaron", "aaron@x.example" }, bad[i / 2] };
		struct members *m = members_new(v + i % 2, 2 - i % 2);
		struct members *m2 = NULL;
		struct groupid *g2 = NULL;
		size_t len;
		void *blob = group_pack(g, m, &len);

		assert_int_equal(group_unpack(blob, len, &g2, &m2), -EBADMSG);
		free(blob);
		members_unref(m);
	}
	groupid_unref(g);
}

static void
a_count_beyond_the_bytes_is_refused(void **state)
{
	struct groupid *g = groupid_new(&uuid_a, 60002, "staff", "staff@x.example");
	struct members *none = members_new(NULL, 0);
	struct groupid *g2 = NULL;
	struct members *m2 = NULL;
	size_t len;
	uint8_t *blob = group_pack(g, none, &len);

	(void)state;
	le32_put(blob + len - 4, 0xffffffffu);
	assert_int_equal(group_unpack(blob, len, &g2, &m2), -EBADMSG);
	le32_put(blob + len - 4, 1);
	assert_int_equal(group_unpack(blob, len, &g2, &m2), -EBADMSG);
	assert_null(g2);
	assert_null(m2);
	free(blob);
	groupid_unref(g);
	members_unref(none);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_comes_back_as_it_went),
		cmocka_unit_test(a_group_comes_back_with_and_without_members),
		cmocka_unit_test(a_list_in_any_order_is_sorted_and_without_duplicates),
		cmocka_unit_test(every_shortened_or_lengthened_blob_is_refused),
		cmocka_unit_test(unknown_formats_and_flags_are_refused),
		cmocka_unit_test(names_that_are_no_names_are_refused),
		cmocka_unit_test(members_that_are_no_names_are_refused),
		cmocka_unit_test(a_count_beyond_the_bytes_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
