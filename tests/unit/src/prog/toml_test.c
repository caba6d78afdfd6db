/* SPDX-License-Identifier: MPL-2.0 */
/* The grammar of TOML 1.0, its examples of valid and invalid documents among others. */
#include "src/prog/toml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"

static struct toml *
parse(const char *text)
{
	struct toml_error error;
	struct toml *t = toml_parse(text, strlen(text), &error);

	if (t == NULL)
		print_error("%s\n-> line %u: %s\n", text, error.line, error.text);
	assert_non_null(t);
	return t;
}

static const struct toml *
at(const struct toml *t, const char *path)
{
	char part[64];

	while (t != NULL && *path != '\0') {
		size_t n = strcspn(path, "/");

		assert_true(n < sizeof(part));
		memcpy(part, path, n);
		part[n] = '\0';
		if (t->type == TOML_ARRAY)
			t = (size_t)atoi(part) < t->items.n ? t->items.v[atoi(part)]
							    : NULL;
		else
			t = toml_get(t, part);
		path += n + (path[n] == '/');
	}
	return t;
}

static void
assert_text(const char *document, const char *path, const char *want)
{
	cleanup_(toml_freep) struct toml *t = parse(document);
	const struct toml *v = at(t, path);

	assert_non_null(v);
	assert_int_equal(v->type, TOML_STRING);
	assert_int_equal(v->string.len, strlen(want));
	assert_string_equal(v->string.text, want);
}

static void
assert_number(const char *document, const char *path, int64_t want)
{
	cleanup_(toml_freep) struct toml *t = parse(document);
	const struct toml *v = at(t, path);

	assert_non_null(v);
	assert_int_equal(v->type, TOML_INTEGER);
	assert_true(v->integer == want);
}

static void
assert_refused(const char *document, unsigned line, const char *words)
{
	struct toml_error error;
	cleanup_(
	    toml_freep) struct toml *t = toml_parse(document, strlen(document), &error);

	if (t != NULL)
		print_error("accepted: %s\n", document);
	assert_null(t);
	if (error.line != line || strstr(error.text, words) == NULL)
		print_error("%s\n-> line %u: %s\n", document, error.line, error.text);
	assert_int_equal(error.line, line);
	assert_non_null(strstr(error.text, words));
}

static void
test_strings_of_all_four_kinds_are_read(void **state)
{
	(void)state;
	assert_text("a = \"I'm \\\"quoted\\\". \\u00E9\\U0001F600\\t\\\\\"", "a",
	    "I'm \"quoted\". \xc3\xa9\xf0\x9f\x98\x80\t\\");
	assert_text("a = \"\\b\\n\\f\\r\"", "a", "\b\n\f\r");
	assert_text("a = ''", "a", "");
	assert_text("a = 'C:\\Users\\x'", "a", "C:\\Users\\x");
	assert_text("a = \"\"\"\nRoses\nViolets\"\"\"", "a", "Roses\nViolets");
	assert_text("a = \"\"\"\r\none\r\ntwo\"\"\"", "a", "one\ntwo");
	assert_text("a = \"\"\"one \\\n\n   \t two \\   \n  three\"\"\"", "a",
	    "one two three");
	assert_text("a = \"\"\"Two quotes: \"\". Done.\"\"\"", "a",
	    "Two quotes: \"\". Done.");
	assert_text("a = \"\"\"\"End.\"\"\"\"\"", "a", "\"End.\"\"");
	assert_text("a = \"\"\"x\\\"\"\"\"", "a", "x\"");
	assert_text("a = '''\nthe first\n  newline'''", "a", "the first\n  newline");
	assert_text("a = '''''x''''\nb = 1", "a", "''x'");
	assert_text("a = '''\\n\\'''", "a", "\\n\\");
	assert_text("a = \"\"\"\"\"\"", "a", "");
}

static void
test_a_string_keeps_its_nul(void **state)
{
	cleanup_(toml_freep) struct toml *t = parse("a = \"x\\u0000y\"");

	(void)state;
	assert_int_equal(at(t, "a")->string.len, 3);
	assert_memory_equal(at(t, "a")->string.text, "x\0y", 4);
}

static void
test_broken_strings_are_refused(void **state)
{
	(void)state;
	assert_refused("a = \"x", 1, "no closing");
	assert_refused("a = 'x\nb = 'y'", 1, "expected ' before the end of the line");
	assert_refused("\na = \"\"\"\nx\n", 2, "no closing \"\"\"");
	assert_refused("a = '''x''", 1, "no closing '''");
	assert_refused("a = \"\\x41\"", 1, "after a backslash");
	assert_refused("a = \"\\u12\"", 1, "4 hexadecimal digits");
	assert_refused("a = \"\\U0011FFFF\"", 1, "no Unicode character");
	assert_refused("a = \"\\ud800\"", 1, "no Unicode character");
	assert_refused("a = \"x\x01y\"", 1, "control character 0x01");
	assert_refused("a = \"\"\"x\ry\"\"\"", 1, "control character 0x0d");
	assert_refused("a = '''x'''''' ", 1, "end of the line");
	assert_refused("a = \"\"\"x \\ y\"\"\"", 1, "after a backslash");
	assert_refused("a = \"\xff\"", 1, "not UTF-8");
	assert_refused("\n# \xc0\xaf", 2, "not UTF-8");
	assert_refused("a = '\xed\xa0\x80'", 1, "not UTF-8");
	assert_refused("# \x7f", 1, "control character 0x7f in a comment");
	assert_refused("# a\rb", 1, "control character 0x0d in a comment");
}

static void
test_keys_may_be_bare_quoted_and_dotted(void **state)
{
	(void)state;
	assert_number("bare_key-1 = 3", "bare_key-1", 3);
	assert_number("1234 = 4", "1234", 4);
	assert_number("\"127.0.0.1\" = 5", "127.0.0.1", 5);
	assert_number("a.'' = 6\nb.'' = 7", "b//", 7);
	assert_number("a . \"b c\" . d = 7", "a/b c/d", 7);
	assert_number("3.14 = 8", "3/14", 8);
	assert_number("a.b = 1\nx = 2\na.c = 3", "a/c", 3);
	assert_number("\xef\xbb\xbf"
		      "a = 1",
	    "a", 1);
	assert_number("a=1 # c\r\nb=2\r\n", "b", 2);
}

static void
test_broken_keys_are_refused(void **state)
{
	(void)state;
	assert_refused("= 1", 1, "expected a key");
	assert_refused("a", 1, "expected '=' after the key 'a'");
	assert_refused("\na b = 1", 2, "expected '='");
	assert_refused("a =", 1, "expected a value");
	assert_refused("a = # x", 1, "expected a value");
	assert_refused("a.  = 1", 1, "expected a key");
	assert_refused("\"\"\"a\"\"\" = 1", 1, "several lines");
	assert_refused("k\xc3\xa9y = 1", 1, "expected '='");
	assert_refused("\xc3\xa9 = 1", 1, "quotes");
	assert_refused("a = 1 b = 2", 1, "expected the end of the line, found 'b'");
	assert_refused("a = 1\rb = 2", 1, "expected the end of the line");
	assert_refused("a = x", 1, "text needs quotes: \"x\"");
	assert_refused("[a]]", 1, "end of the line");
}

static void
test_nothing_is_set_twice(void **state)
{
	(void)state;
	assert_refused("a = 1\n\na = 2", 3, "'a' is already set at line 1");
	assert_refused("a = 1\n\"a\" = 2", 2, "already set");
	assert_refused("a.b = 1\na.b.c = 2", 2, "'b' is an integer since line 1");
	assert_refused("[a]\nb=1\n[a]\nc=1", 3,
	    "'a' is already there as a table, line 1");
	assert_refused("[a]\nb=1\n[a.b]\nc=1", 3, "'b' is already there as an integer");
	assert_refused("[f]\na.c=1\n[f.a]\n", 3, "already there");
	assert_refused("[f]\na.t.s=1\n[f.a.t]\n", 3, "already there");
	assert_refused("[a.b.c]\nz=9\n[a]\nb.c.t=1", 4, "was completed at line 1");
	assert_refused("[a]\n[[a]]", 2, "not an array of [[tables]]");
	assert_refused("[[a]]\n[a]", 2, "already there as an array");
	assert_refused("a = []\n[[a]]", 2, "not an array of [[tables]]");
	assert_refused("[f.p]\n[[f]]", 2, "not an array of [[tables]]");
	assert_refused("[[f]]\n[[f.v]]\n[f.v]", 3, "already there");
	assert_refused("[[a.b]]\n[a]\nb.y = 2", 3, "'b' is an array");
	assert_refused("a = {}\n[a.b]", 2, "an inline table since line 1");
	assert_refused("[p]\na = {}\na.b = 1", 3, "completed at line 2");
	assert_refused("a = {b = 1, b = 2}", 1, "already set");
	assert_refused("a = {b = {}, b.c = 2}", 1, "completed");
	assert_refused("a = {b.c = 2, b = {}}", 1, "already set");
	assert_refused("a = [{}]\n[a.c]", 2, "cannot be added to");
}

static void
test_tables_may_be_named_in_any_order(void **state)
{
	(void)state;
	assert_number("[x.y.z.w]\na=1\n[x]\nb=2\n", "x/b", 2);
	assert_number("[f]\na.c=1\na.t.s=1\n[f.a.x]\nq=5", "f/a/x/q", 5);
	assert_number("[ j . \"k\" . 'l' ]\nv = 1", "j/k/l/v", 1);
	assert_number("[a.b]\nx=1\n[a]\nc.d=2\n", "a/c/d", 2);
	assert_number("[a.b.c]\nx=1\n[a]\nb.d=2\n", "a/b/d", 2);
}

static void
test_arrays_of_tables_grow_and_nest(void **state)
{
	static const char doc[] = "[[f]]\nn=1\n[f.p]\nc=2\n[[f.v]]\nk=3\n[[f.v]]\nk=4\n"
				  "[[f]]\nn=5\n[[f.v]]\nk=6\n";
	cleanup_(toml_freep) struct toml *t = parse(doc);

	(void)state;
	assert_int_equal(at(t, "f")->items.n, 2);
	assert_number(doc, "f/0/p/c", 2);
	assert_number(doc, "f/0/v/1/k", 4);
	assert_number(doc, "f/1/n", 5);
	assert_number(doc, "f/1/v/0/k", 6);
	assert_null(at(t, "f/1/v/1"));
}

static void
test_arrays_may_span_lines_and_mix_types(void **state)
{
	(void)state;
	assert_number("a = [ 1, 2, # two\n\n  3, ]", "a/2", 3);
	assert_number("a = [[1, 2], ['a', {b = 3}]]", "a/1/1/b", 3);
	assert_text("a = [\n\t\"x\"\n, 'y'\n]", "a/1", "y");
	assert_refused("a = [1 2]", 1, "expected , or ] in the array of line 1");
	assert_refused("a = [\n1,\n", 3, "expected ] to close the array of line 1");
	assert_refused("a = [,]", 1, "expected a value");
	assert_refused("a = [1,,2]", 1, "expected a value");
	assert_refused("a = [1]]", 1, "end of the line");
}

static void
test_inline_tables_stay_on_one_line(void **state)
{
	(void)state;
	assert_number("p = { x = 1, y.z = 2 }", "p/y/z", 2);
	assert_number("p = {}\nq = 1", "q", 1);
	assert_number("p = { a = [\n1,\n2] }", "p/a/1", 2);
	assert_refused("p = { x = 1, }", 1, "after the last ,");
	assert_refused("p = { x = 1\n}", 1, "on this line");
	assert_refused("p = {\nx = 1}", 1, "expected a key");
	assert_refused("p = { x = 1 y = 2}", 1, "expected , or }");
	assert_refused("p = { , }", 1, "expected a key");
}

static void
test_headers_are_complete(void **state)
{
	(void)state;
	assert_refused("[]", 1, "expected a key");
	assert_refused("[a", 1, "expected ] after the table name 'a'");
	assert_refused("[a.]", 1, "expected a key");
	assert_refused("[[a]", 1, "expected ]] after");
	assert_refused("[ [a]]", 1, "expected a key");
	assert_refused("[a] b = 1", 1, "end of the line");
	assert_refused("[a\n]", 1, "expected ]");
}

static void
test_every_node_knows_its_line(void **state)
{
	cleanup_(toml_freep) struct toml *t = parse(
	    "\na = [\n 1,\n 2 ]\n\n[t]\r\nx = '''\n\n'''\n"
	    "y = 1\n[u.v]\n[u]\n");

	(void)state;
	assert_int_equal(at(t, "a")->line, 2);
	assert_int_equal(at(t, "a/1")->line, 4);
	assert_int_equal(at(t, "t")->line, 6);
	assert_int_equal(at(t, "t/x")->line, 7);
	assert_int_equal(at(t, "t/y")->line, 10);
	assert_int_equal(at(t, "u")->line, 12);
}

static char *
repeated(const char *unit, size_t n, const char *tail)
{
	char *text = xmalloc(strlen(unit) * n + strlen(tail) + 1), *s = text;

	while (n-- > 0)
		s = stpcpy(s, unit);
	(void)stpcpy(s, tail);
	return text;
}

static void
test_depth_size_and_number_are_capped(void **state)
{
	struct toml_error error;
	cleanup_(freep) char *deep = repeated("[", 100000, "");
	cleanup_(freep) char *deep_value = repeated("[", 40, "");
	cleanup_(freep) char *wide = repeated("1,", TOML_MAX_NODES, "]");
	cleanup_(freep) char *dotted = repeated("a.", 40, "a = 1");
	cleanup_(freep) char *array = xasprintf("x = [%s", wide);
	cleanup_(freep) char *nested = xasprintf("x = %s", deep_value);
	cleanup_(freep) char *big = repeated("#2345678\n", TOML_MAX_SIZE / 8, "");
	cleanup_(freep) char *keys = xmalloc(8 * (TOML_MAX_KEYS + 2));
	char *s = keys;

	(void)state;
	for (unsigned i = 0; i <= TOML_MAX_KEYS; i++)
		s += sprintf(s, "%u=1\n", i);
	assert_refused(deep, 1, "expected a key");
	assert_refused(nested, 1, "nested deeper than");
	assert_refused(array, 1, "more than 65536 values");
	assert_refused(dotted, 1, "more than 32 parts");
	assert_refused(keys, TOML_MAX_KEYS + 1, "more than 2048 keys");
	assert_null(toml_parse(big, strlen(big), &error));
	assert_non_null(strstr(error.text, "larger than"));
}

static void
test_input_needs_no_terminator(void **state)
{
	struct toml_error error;
	cleanup_(freep) char *exact = xmalloc(5);
	cleanup_(toml_freep) struct toml *t = NULL;

	(void)state;
	memcpy(exact, "a = 1", 5);
	t = toml_parse(exact, 5, &error);
	assert_non_null(t);
	assert_int_equal(toml_get(t, "a")->integer, 1);
	assert_null(toml_parse("a\0= 1", 5, &error));
	assert_null(toml_parse("\0", 1, &error));
	assert_non_null(strstr(error.text, "NUL"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings_of_all_four_kinds_are_read),
		cmocka_unit_test(test_a_string_keeps_its_nul),
		cmocka_unit_test(test_broken_strings_are_refused),
		cmocka_unit_test(test_keys_may_be_bare_quoted_and_dotted),
		cmocka_unit_test(test_broken_keys_are_refused),
		cmocka_unit_test(test_nothing_is_set_twice),
		cmocka_unit_test(test_tables_may_be_named_in_any_order),
		cmocka_unit_test(test_arrays_of_tables_grow_and_nest),
		cmocka_unit_test(test_arrays_may_span_lines_and_mix_types),
		cmocka_unit_test(test_inline_tables_stay_on_one_line),
		cmocka_unit_test(test_headers_are_complete),
		cmocka_unit_test(test_every_node_knows_its_line),
		cmocka_unit_test(test_depth_size_and_number_are_capped),
		cmocka_unit_test(test_input_needs_no_terminator),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
