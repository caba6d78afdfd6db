/* SPDX-License-Identifier: MPL-2.0 */
#include "src/unixd/local/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/deadline.h"
#include "src/base/util.h"

static void
parse(struct table *t, enum table_kind kind, const char *text)
{
	table_parse(t, kind, text, strlen(text));
}

static void
damaged_lines_cost_only_themselves(void **state)
{
	struct table t;

	(void)state;
	parse(&t, TABLE_PASSWD,
	    "# comment\n"
	    "\n"
	    "   \t\n"
	    "root:x:0:0:root:/root:/bin/bash\n"
	    "+nisuser::::::\n"
	    "-@netgroup\n"
	    "+\n"
	    "nofields\n"
	    ":x:1200:1200::/:/bin/sh\n"
	    "nonumber:x:abc:1:::\n"
	    "empty:x::1:::\n"
	    "huge:x:4294967296:1:::\n"
	    "negative:x:-1:1:::\n"
	    "quoted:x:1001:1001:\"He said: hi\",,,:/home/q:/bin/sh\n"
	    "  indented:x:1002:1002::/:/bin/sh\n"
	    "short:x:1003\n"
	    "signed:x: +1005:1::/:\n"
	    "crlf:x:1004:1004::/:/bin/sh\r\n"
	    "last:x:4294967295:1::/:/bin/sh");
	assert_int_equal(t.n, 7);
	assert_int_equal(table_by_name(&t, "root")->id, 0);
	assert_int_equal(table_by_name(&t, "quoted")->id, 1001);
	assert_int_equal(table_by_name(&t, "indented")->id, 1002);
	assert_int_equal(table_by_name(&t, "short")->id, 1003);
	assert_int_equal(table_by_name(&t, "crlf")->id, 1004);
	assert_int_equal(table_by_name(&t, "signed")->id, 1005);
	assert_int_equal(table_by_name(&t, "last")->id, 4294967295u);
	assert_null(table_by_name(&t, "nisuser"));
	assert_null(table_by_name(&t, "empty"));
	assert_null(table_by_id(&t, 1200));
	table_free(&t);
}

static void
a_nul_ends_a_line_but_not_the_file(void **state)
{
	static const char text[] = "one:x:1:1:\0garbage\ntwo:x:\0"
				   "2:2\nthree:x:3:3::\n";
	struct table t;

	(void)state;
	table_parse(&t, TABLE_PASSWD, text, sizeof(text) - 1);
	assert_int_equal(t.n, 2);
	assert_non_null(table_by_name(&t, "one"));
	assert_null(table_by_name(&t, "two"));
	assert_non_null(table_by_name(&t, "three"));
	table_free(&t);
}

static void
names_compare_in_lower_case_and_the_first_line_wins(void **state)
{
	struct table t;

	(void)state;
	parse(&t, TABLE_GROUP,
	    "Docker:x:900:\n"
	    "docker:x:901:bob\n"
	    "DOCKER:x:902:\n"
	    "twin:x:901:\n");
	assert_int_equal(table_by_name(&t, "docker")->id, 900);
	assert_int_equal(table_by_exact(&t, "docker")->id, 901);
	assert_int_equal(table_by_exact(&t, "DOCKER")->id, 902);
	assert_null(table_by_exact(&t, "dOCKER"));
	assert_null(table_by_name(&t, "Docker"));
	assert_string_equal(table_text(&t, table_by_id(&t, 901)->name), "docker");
	assert_string_equal(table_text(&t, table_by_id(&t, 902)->canon), "docker");
	table_free(&t);
}

static void
members_are_split_at_commas_and_trimmed(void **state)
{
	const struct table_entry *e;
	struct table t;

	(void)state;
	parse(&t, TABLE_GROUP,
	    "a:x:1:alice,bob , ,carol\r\n"
	    "b:x:2:\n"
	    "c:x:3\n"
	    "d:x:4:dora\n");
	e = table_by_name(&t, "a");
	assert_int_equal(e->n_members, 3);
	assert_string_equal(t.members[e->first_member], "alice");
	assert_string_equal(t.members[e->first_member + 1], "bob");
	assert_string_equal(t.members[e->first_member + 2], "carol");
	assert_int_equal(table_by_name(&t, "b")->n_members, 0);
	assert_int_equal(table_by_name(&t, "c")->n_members, 0);
	e = table_by_name(&t, "d");
	assert_string_equal(t.members[e->first_member], "dora");
	table_free(&t);
}

static void
an_endless_line_keeps_its_name_and_loses_its_members(void **state)
{
	size_t len = TABLE_MAX_LINE + 100;
	char *text = malloc(len);
	struct table t;

	(void)state;
	memset(text, 'm', len);
	memcpy(text, "big:x:70:", 9);
	memcpy(text + len - 12, "\nnext:x:71:n", 12);
	table_parse(&t, TABLE_GROUP, text, len);
	assert_int_equal(table_by_name(&t, "big")->id, 70);
	assert_int_equal(table_by_name(&t, "big")->n_members, 0);
	assert_int_equal(table_by_name(&t, "next")->n_members, 1);
	table_free(&t);
	free(text);
}

static void
a_hundred_thousand_lines_are_all_found(void **state)
{
	size_t cap = 100000 * 64;
	char *text = malloc(cap);
	int64_t start;
	struct table t;
	size_t len = 0;

	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		len += (size_t)snprintf(text + len, cap - len,
		    "person%05u:x:%u:%u:P:/home/p%u:/bin/bash\n", (i * 7919) % 100000,
		    100000 + i, 100000 + i, i);
	start = clock_mono_ns();
	table_parse(&t, TABLE_PASSWD, text, len);
	print_message("100,000 lines: %.1f ms\n",
	    (double)(clock_mono_ns() - start) / 1e6);
	assert_int_equal(t.n, 100000);
	for (uint32_t i = 0; i < 100000; i++)
		assert_int_equal(table_by_id(&t, 100000 + i)->id, 100000 + i);
	assert_non_null(table_by_name(&t, "person00000"));
	assert_non_null(table_by_name(&t, "person99999"));
	table_free(&t);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damaged_lines_cost_only_themselves),
		cmocka_unit_test(a_nul_ends_a_line_but_not_the_file),
		cmocka_unit_test(names_compare_in_lower_case_and_the_first_line_wins),
		cmocka_unit_test(members_are_split_at_commas_and_trimmed),
		cmocka_unit_test(an_endless_line_keeps_its_name_and_loses_its_members),
		cmocka_unit_test(a_hundred_thousand_lines_are_all_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
