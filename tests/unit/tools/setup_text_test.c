/* SPDX-License-Identifier: MPL-2.0 */
/* What setup makes of texts: keys of TOML, lines of nsswitch.conf, and how a change is shown. */
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/util.h"
#include "tools/setup_internal.h"

/* ---- TOML ---- */

static void
is_text(char *got, const char *want)
{
	if (want == NULL)
		assert_null(got);
	else {
		assert_non_null(got);
		assert_string_equal(got, want);
	}
	free(got);
}

static void
string(const char *text, const char *want)
{
	is_text(setup_toml_string(text, NULL, "uri", "https://new"), want);
}

static void
a_value_is_replaced_where_it_stands(void **state)
{
	(void)state;
	string("uri = \"https://old\" # why\n", "uri = \"https://new\" # why\n");
	string("# top\nuri='old'\nca_path = \"/x\"\n",
	    "# top\nuri=\"https://new\"\nca_path = \"/x\"\n");
	string("\"uri\"  =  \"a \\\" # b\" # c\n", "\"uri\"  =  \"https://new\" # c\n");
	string("uri = \"\"\"\nold\"\"\"\nx = 1\n", "uri = \"https://new\"\nx = 1\n");
	string("uri = \"old\"", "uri = \"https://new\"");
}

static void
a_new_key_goes_below_its_example(void **state)
{
	(void)state;
	string("# uri says where\n#uri = \"https://idm.example.com\"\n# more\n",
	    "# uri says where\n#uri = \"https://idm.example.com\"\nuri = "
	    "\"https://new\"\n# more\n");
	string("verify_ca = true\n\n[test]\nuri = \"x\"\n",
	    "verify_ca = true\nuri = \"https://new\"\n\n[test]\nuri = \"x\"\n");
	string("# only words", "# only words\nuri = \"https://new\"\n");
	string("", "uri = \"https://new\"\n");
	string("[test]\na = 1\n", "uri = \"https://new\"\n[test]\na = 1\n");
	/* An example in a table of another program is none. */
	string("a = 1\n[test]\n#uri = \"x\"\n",
	    "a = 1\nuri = \"https://new\"\n[test]\n#uri = \"x\"\n");
}

static void
what_is_written_otherwise_is_left(void **state)
{
	(void)state;
	string("uri = 3\n", NULL);
	string("no toml\n", NULL);
}

static void
a_value_is_quoted(void **state)
{
	(void)state;
	is_text(setup_toml_string("", NULL, "k", "a\"b\\c\nd"),
	    "k = \"a\\\"b\\\\c\\u000ad\"\n");
}

static void
list(const char *table, const char *text, const char *want)
{
	char shell[] = "shell", more[] = "more";
	char *names[] = { shell, more, NULL };

	is_text(setup_toml_list(text, table, "groups", names), want);
}

static void
names_are_added_to_a_list(void **state)
{
	(void)state;
	list(NULL, "groups = []\n", "groups = [\"shell\", \"more\"]\n");
	list(NULL, "groups = [ \"a\" ] # x\n",
	    "groups = [ \"a\", \"shell\", \"more\" ] # x\n");
	list(NULL, "groups = [\"shell\"]\n", "groups = [\"shell\", \"more\"]\n");
	list(NULL, "groups = [\"more\", 'shell']\n", "groups = [\"more\", 'shell']\n");
	list(NULL, "groups = [\"a\",]\n", "groups = [\"a\", \"shell\", \"more\",]\n");
	list(NULL, "groups = [\n\t\"a\", # first ]\n\t\"b\" # last\n]\nx = 1\n",
	    "groups = [\n\t\"a\", # first ]\n\t\"b\", # last\n\t\"shell\",\n\t\"more\"\n]"
	    "\nx = 1\n");
	list(NULL, "groups = [\n  \"a\",\n]\n",
	    "groups = [\n  \"a\",\n  \"shell\",\n  \"more\",\n]\n");
}

static void
a_list_goes_into_its_table(void **state)
{
	(void)state;
	list("kanidm", "version = \"2\"\n\n[kanidm]\nx = 1\n",
	    "version = \"2\"\n\n[kanidm]\ngroups = [\"shell\", \"more\"]\nx = 1\n");
	list("kanidm", "version = \"2\"\n",
	    "version = \"2\"\n\n[kanidm]\ngroups = [\"shell\", \"more\"]\n");
	list("kanidm", "[kanidm]\n# who\n#groups = [\"x\"]\n# then\n",
	    "[kanidm]\n# who\n#groups = [\"x\"]\ngroups = [\"shell\", \"more\"]\n# then\n");
	list("kanidm", "[kanidm]\n[[kanidm.map_group]]\nlocal = \"a\"\n",
	    "[kanidm]\ngroups = [\"shell\", \"more\"]\n[[kanidm.map_group]]\nlocal = "
	    "\"a\"\n");
	/* Where a reader would take it from all the same. */
	list("kanidm", "groups = [\"a\"]\n[kanidm]\n",
	    "groups = [\"a\", \"shell\", \"more\"]\n[kanidm]\n");
	list("kanidm", "[kanidm]\ngroups = \"a\"\n", NULL);
}

/* ---- nsswitch.conf ---- */

struct line {
	const char *before, *after;
	bool left;
};

static void
lines(const struct line *v, size_t n, bool merge)
{
	for (size_t i = 0; i < n; i++) {
		bool group = strncmp(v[i].before, "group", 5) == 0;
		const char *other = group ? "passwd: kanidm\n" : "group: kanidm\n";
		char before[256], after[256];
		const char *left;
		char *got;

		(void)snprintf(before, sizeof(before), "%s%s\n", other, v[i].before);
		(void)snprintf(after, sizeof(after), "%s%s\n", other, v[i].after);
		got = setup_nss_edit(before, merge, &left);
		assert_string_equal(got, after);
		if (v[i].left)
			assert_string_equal(left, group ? "group" : "passwd");
		else
			assert_null(left);
		free(got);
	}
}

static void
kanidm_goes_behind_files(void **state)
{
	static const struct line v[] = {
		{ "passwd:  files systemd # local",
		    "passwd:  files kanidm systemd # local", false },
		{ "group: files [SUCCESS=merge] systemd",
		    "group: files [SUCCESS=merge] kanidm [SUCCESS=merge] systemd",
		    false },
		{ "passwd: files [NOTFOUND=return] nis",
		    "passwd: files [NOTFOUND=return] nis", true },
		{ "group: files [SUCCESS=merge] kanidm # map_group",
		    "group: files [SUCCESS=merge] kanidm # map_group", false },
		{ "passwd:files", "passwd:files kanidm", false },
		{ "passwd:\tfiles", "passwd:\tfiles kanidm", false },
		{ " passwd : files# x", " passwd : files kanidm# x", false },
		{ "passwd: kanidm files", "passwd: kanidm files", false },
		{ "passwd: compat", "passwd: compat", true },
		{ "passwd: sss files", "passwd: sss files kanidm", false },
		{ "passwd: # files", "passwd: # files", true },
		{ "group: files [SUCCESS=merge]", "group: files [SUCCESS=merge]", true },
		{ "passwd: files kanidmx", "passwd: files kanidm kanidmx", false },
		{ "passwd: files Kanidm", "passwd: files kanidm Kanidm", false },
		{ "passwd: Files", "passwd: Files", true },
		{ "group: files [success=Merge] systemd",
		    "group: files [success=Merge] kanidm [SUCCESS=merge] systemd",
		    false },
	};

	(void)state;
	lines(v, ARRAY_SIZE(v), false);
}

/* As many services as setup reads, with kanidm; with more the line's end is not known. */
static void
a_line_too_long_to_read_stays(void **state)
{
	static const char fits[] =
	    "passwd: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 "
	    "20 21 22 23 24 25 26 27 28 files";
	char longer[sizeof(fits) + 16], after[sizeof(fits) + 16];
	struct line v[] = {
		{ longer, longer, true },
		{ fits, after, false },
		{ after, after, false },
	};

	(void)state;
	(void)snprintf(longer, sizeof(longer), "%s x x x x x", fits);
	(void)snprintf(after, sizeof(after), "%s kanidm", fits);
	lines(v, ARRAY_SIZE(v), false);
}

static void
an_extended_group_wants_both_asked(void **state)
{
	static const struct line v[] = {
		{ "group: files", "group: files [SUCCESS=merge] kanidm", false },
		{ "group: files kanidm systemd # x",
		    "group: files [SUCCESS=merge] kanidm systemd # x", false },
		{ "group: files [SUCCESS=merge] kanidm",
		    "group: files [SUCCESS=merge] kanidm", false },
		{ "group: kanidm files", "group: kanidm files", false },
		{ "passwd: files systemd", "passwd: files kanidm systemd", false },
		{ "group: files kanidm 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 "
		  "22 23 24 25 26 27 28 29 30",
		    "group: files kanidm 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 "
		    "21 22 23 24 25 26 27 28 29 30",
		    true },
	};

	(void)state;
	lines(v, ARRAY_SIZE(v), true);
}

static void
a_missing_line_is_named(void **state)
{
	const char *left;
	char *got = setup_nss_edit("passwd: files\nshadow: files\n", false, &left);

	(void)state;
	assert_string_equal(got, "passwd: files kanidm\nshadow: files\n");
	assert_string_equal(left, "group");
	free(got);
}

static void
other_bytes_stay(void **state)
{
	const char *left;
	char *got = setup_nss_edit("#passwd: files\r\n\n  group:  files\r\npasswd: files",
	    false, &left);

	(void)state;
	assert_null(left);
	assert_string_equal(got,
	    "#passwd: files\r\n\n  group:  files kanidm\r\npasswd: files kanidm");
	free(got);
}

/* ---- differences ---- */

static void
shows(const char *old, const char *new_text, const char *want)
{
	char *out = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&out, &len);

	assert_non_null(f);
	setup_diff(f, "/f", old, new_text);
	assert_int_equal(fclose(f), 0);
	assert_string_equal(out, want);
	free(out);
}

static void
a_change_is_shown_with_what_is_around_it(void **state)
{
	(void)state;
	shows("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n",
	    "--- /f\n+++ /f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
	shows(NULL, "a\n", "--- /dev/null\n+++ /f\n@@ -0,0 +1,1 @@\n+a\n");
	shows("a\nb\n", "a\n", "--- /f\n+++ /f\n@@ -1,2 +1,1 @@\n a\n-b\n");
	shows("a", "a\nb\n",
	    "--- /f\n+++ /f\n@@ -1,1 +1,2 @@\n-a\n\\ No newline at end of file\n+a\n+b\n");
}

static void
changes_far_apart_are_two(void **state)
{
	(void)state;
	shows("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
	    "--- /f\n+++ /f\n@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n"
	    "-b\n+B\n");
	shows("a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
	    "--- /f\n+++ /f\n@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n");
}

/* A pipe gets the bytes as they are: it may be made a patch of. */
static void
a_terminal_is_not_steered_by_what_is_in_a_file(void **state)
{
	static const char old[] = "# \033]0;x\007 a\tb\n",
			  want[] = "--- /f\n+++ /f\n@@ -1,1 +1,2 @@\n"
				   " # ?]0;x? a\tb\n+?\n";
	char got[256] = "";
	struct termios raw = { 0 };
	int master, slave;
	size_t n = 0;
	FILE *f;

	(void)state;
	shows(old, "# \033]0;x\007 a\tb\n\x9B\n",
	    "--- /f\n+++ /f\n@@ -1,1 +1,2 @@\n # \033]0;x\007 a\tb\n+\x9B\n");
	cfmakeraw(&raw);
	assert_int_equal(openpty(&master, &slave, NULL, &raw, NULL), 0);
	f = fdopen(slave, "w");
	assert_non_null(f);
	setup_diff(f, "/f", old, "# \033]0;x\007 a\tb\n\x9B\n");
	assert_int_equal(fflush(f), 0);
	while (n < sizeof(want) - 1) {
		ssize_t r = read(master, got + n, sizeof(got) - 1 - n);

		assert_true(r > 0);
		n += (size_t)r;
	}
	assert_string_equal(got, want);
	(void)fclose(f);
	(void)close(master);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_replaced_where_it_stands),
		cmocka_unit_test(a_new_key_goes_below_its_example),
		cmocka_unit_test(what_is_written_otherwise_is_left),
		cmocka_unit_test(a_value_is_quoted),
		cmocka_unit_test(names_are_added_to_a_list),
		cmocka_unit_test(a_list_goes_into_its_table),
		cmocka_unit_test(kanidm_goes_behind_files),
		cmocka_unit_test(a_line_too_long_to_read_stays),
		cmocka_unit_test(an_extended_group_wants_both_asked),
		cmocka_unit_test(a_missing_line_is_named),
		cmocka_unit_test(other_bytes_stay),
		cmocka_unit_test(a_change_is_shown_with_what_is_around_it),
		cmocka_unit_test(changes_far_apart_are_two),
		cmocka_unit_test(a_terminal_is_not_steered_by_what_is_in_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
