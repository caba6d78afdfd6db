/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Every subcommand against a real server (with the fake resolver) in a child process; what
 * is printed is compared with files in golden/, socket path normalised.
 */
#include "tools/commands.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/deadline.h"
#include "src/base/util.h"
#include "unit/src/unixd/server/harness.h"

#define BUILT_IN "/run/kanidm-unixd/sock"

struct world {
	char dir[64];
	char sock[100];
	pid_t daemon;
	struct tool tool;
	char *out, *err;
	size_t out_len, err_len;
};

static size_t big_group; /* members of "staff", when not 0 */

static void
more_pairs(void *arg, resolver_pair_fn fn, void *fn_arg)
{
	(void)arg;
	fn(fn_arg, "config", "warning: one \"quoted\" line");
	fn(fn_arg, "config", "error: another");
}

static void
serve(const char *path, int ready)
{
	struct server_settings s = { .own_uid = 4242, .status = more_pairs };
	struct resolver r;
	struct loop *l;
	struct server *srv;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	fake_init(&r);
	r.is_stored = true;
	if (big_group != 0)
		r.n_members = big_group;
	if (loop_new(&l) < 0)
		_exit(1);
	srv = server_new(l, &r, &s);
	if (server_listen(srv, path) < 0 || write(ready, "1", 1) != 1)
		_exit(1);
	_exit(loop_run(l) < 0);
}

static void
start_daemon(struct world *w)
{
	int fds[2];
	char byte;

	assert_int_equal(pipe(fds), 0);
	w->daemon = fork();
	assert_true(w->daemon >= 0);
	if (w->daemon == 0)
		serve(w->sock, fds[1]);
	(void)close(fds[1]);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	(void)close(fds[0]);
}

static void
stop_daemon(struct world *w)
{
	if (w->daemon > 0) {
		(void)kill(w->daemon, SIGKILL);
		(void)waitpid(w->daemon, NULL, 0);
	}
	w->daemon = 0;
}

static int
setup(void **state)
{
	static struct world w;

	memset(&w, 0, sizeof(w));
	(void)snprintf(w.dir, sizeof(w.dir), "/tmp/ku-tools-XXXXXX");
	if (mkdtemp(w.dir) == NULL || chmod(w.dir, 0755) != 0)
		return -1;
	(void)snprintf(w.sock, sizeof(w.sock), "%s/sock", w.dir);
	w.tool = (struct tool){
		.sock_path = w.sock,
		.out = open_memstream(&w.out, &w.out_len),
		.err = open_memstream(&w.err, &w.err_len),
	};
	start_daemon(&w);
	*state = &w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	stop_daemon(w);
	(void)fclose(w->tool.out);
	(void)fclose(w->tool.err);
	free(w->out);
	free(w->err);
	(void)unlink(w->sock);
	return rmdir(w->dir);
}

static char *
normalised(const struct world *w, const char *text)
{
	size_t n = strlen(w->sock), cap = strlen(text) * 2 + 64, len = 0;
	char *copy = calloc(1, cap);

	assert_non_null(copy);
	while (*text != '\0') {
		bool here = strncmp(text, w->sock, n) == 0;

		len += (size_t)snprintf(copy + len, cap - len, "%.*s",
		    here ? (int)strlen(BUILT_IN) : 1, here ? BUILT_IN : text);
		text += here ? n : 1;
	}
	return copy;
}

static void
expect_golden(const struct world *w, const char *text, const char *name)
{
	char path[512], want[8192] = "";
	char *got = normalised(w, text);
	FILE *f;

	(void)snprintf(path, sizeof(path), GOLDEN_DIR "/%s", name);
	f = fopen(path, "r");
	assert_non_null(f);
	want[fread(want, 1, sizeof(want) - 1, f)] = '\0';
	(void)fclose(f);
	assert_string_equal(got, want);
	free(got);
}

/* Compares stdout and stderr; NULL: nothing at all was printed there. */
static void
expect(struct world *w, const char *out, const char *err)
{
	assert_int_equal(fflush(w->tool.out), 0);
	assert_int_equal(fflush(w->tool.err), 0);
	if (out != NULL)
		expect_golden(w, w->out, out);
	else
		assert_int_equal(w->out_len, 0);
	if (err != NULL)
		expect_golden(w, w->err, err);
	else
		assert_int_equal(w->err_len, 0);
}

static void
status_prints_the_two_lines_scripts_read(void **state)
{
	struct world *w = *state;

	assert_int_equal(cmd_status(&w->tool, false), 0);
	expect(w, "status.txt", NULL);
}

static void
verbose_status_prints_every_pair(void **state)
{
	struct world *w = *state;

	assert_int_equal(cmd_status(&w->tool, true), 0);
	expect(w, "status_verbose.txt", NULL);
}

static void
json_status_is_one_object(void **state)
{
	struct world *w = *state;

	w->tool.json = true;
	assert_int_equal(cmd_status(&w->tool, false), 0);
	expect(w, "status.json", NULL);
}

static void
explain_prints_the_daemons_lines(void **state)
{
	struct world *w = *state;

	assert_int_equal(cmd_explain(&w->tool, "alice"), 0);
	expect(w, "explain.txt", NULL);
}

static void
explain_names_the_spelling_for_sshd_when_another_was_typed(void **state)
{
	struct world *w = *state;

	assert_int_equal(cmd_explain(&w->tool, "Alice"), 0);
	expect(w, "explain_spelling.txt", NULL);
}

static void
json_explain_is_one_object(void **state)
{
	struct world *w = *state;

	w->tool.json = true;
	assert_int_equal(cmd_explain(&w->tool, "Alice"), 0);
	expect(w, "explain.json", NULL);
}

static void
success_is_printed_when_it_was_one(void **state)
{
	struct world *w = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(cmd_cache_invalidate(&w->tool), 0);
	assert_int_equal(cmd_cache_clear(&w->tool, true), 0);
	assert_int_equal(cmd_accept_id(&w->tool, "alice"), 0);
	expect(w, "success.txt", NULL);
}

static unsigned forgotten;

static void
forget(const struct tool *t, const char *cmd)
{
	(void)t;
	assert_true(streq(cmd, "cache-invalidate") || streq(cmd, "accept-id"));
	forgotten++;
}

static void
what_is_in_front_forgets_when_the_daemon_did(void **state)
{
	struct world *w = *state;

	if (geteuid() != 0)
		skip();
	forgotten = 0;
	w->tool.forget_in_front = forget;
	assert_int_equal(cmd_cache_invalidate(&w->tool), 0);
	assert_int_equal(cmd_accept_id(&w->tool, "alice"), 0);
	assert_int_equal(forgotten, 2);
	assert_int_equal(cmd_accept_id(&w->tool, "bob"), 1);
	stop_daemon(w);
	assert_int_equal(cmd_cache_invalidate(&w->tool), 1);
	assert_int_equal(forgotten, 2);
}

static void
success_is_an_object_for_programs(void **state)
{
	struct world *w = *state;

	if (geteuid() != 0)
		skip();
	w->tool.json = true;
	assert_int_equal(cmd_cache_invalidate(&w->tool), 0);
	assert_int_equal(cmd_cache_clear(&w->tool, true), 0);
	assert_int_equal(cmd_accept_id(&w->tool, "alice"), 0);
	expect(w, "success.json", NULL);
}

static void
trouble_is_an_object_for_programs_and_words_for_people(void **state)
{
	struct world *w = *state;

	w->tool.json = true;
	assert_int_equal(cmd_cache_clear(&w->tool, false), 1);
	expect(w, "cache_clear_unsure.json", "cache_clear_unsure.txt");
}

static void
an_absent_daemon_is_an_object_too(void **state)
{
	struct world *w = *state;

	stop_daemon(w);
	w->tool.json = true;
	assert_int_equal(cmd_status(&w->tool, false), 1);
	expect(w, "daemon_refused.json", "daemon_refused.txt");
}

static void
clearing_wants_to_be_asked_twice(void **state)
{
	struct world *w = *state;

	assert_int_equal(cmd_cache_clear(&w->tool, false), 1);
	expect(w, NULL, "cache_clear_unsure.txt");
}

static void
refusals_name_the_command_that_would_work_and_exit_1(void **state)
{
	struct world *w = *state;
	uid_t me = geteuid();

	assert_int_equal(me == 0 ? seteuid(1000) : 0, 0);
	assert_int_equal(cmd_cache_invalidate(&w->tool), 1);
	assert_int_equal(cmd_cache_clear(&w->tool, true), 1);
	assert_int_equal(cmd_accept_id(&w->tool, "alice"), 1);
	assert_int_equal(me == 0 ? seteuid(0) : 0, 0);
	expect(w, NULL, "refused.txt");
}

/* A daemon that was taken over talks to root's terminal. */
static void
words_of_the_daemon_do_not_steer_a_terminal(void **state)
{
	struct world *w = *state;
	uint8_t body[64];
	struct enc e;
	struct tool_answer a = { .status = KU_ST_DENIED, .body = body };

	enc_init(&e, body, sizeof(body));
	enc_u32(&e, 1);
	enc_str(&e, "no\033]0;x\a\nsuccess");
	a.len = e.len;
	/* Strings end in a NUL: the length counts it. */
	body[4]++;
	body[a.len++] = 0;
	assert_int_equal(tool_refused(&w->tool, "test", &a, NULL), 1);
	(void)fflush(w->tool.err);
	assert_string_equal(w->err, "test: no?]0;x??success\n");
}

static void
accept_id_says_what_is_not_so(void **state)
{
	struct world *w = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(cmd_accept_id(&w->tool, "bob"), 1);
	assert_int_equal(cmd_accept_id(&w->tool, "carol"), 1);
	expect(w, NULL, "accept_id_no.txt");
}

static void
an_absent_daemon_is_named_with_socket_and_unit(void **state)
{
	struct world *w = *state;

	stop_daemon(w);
	assert_int_equal(cmd_status(&w->tool, false), 1);
	expect(w, NULL, "daemon_refused.txt");
}

static void
a_missing_socket_is_told_apart_from_a_dead_one(void **state)
{
	struct world *w = *state;

	stop_daemon(w);
	assert_int_equal(unlink(w->sock), 0);
	assert_int_equal(cmd_cache_invalidate(&w->tool), 1);
	expect(w, NULL, "daemon_absent.txt");
}

static void
keys_come_one_per_line(void **state)
{
	struct world *w = *state;
	uint16_t status;

	assert_int_equal(cmd_ssh_keys(&w->tool, "alice", &status), 0);
	assert_int_equal(status, KU_ST_OK);
	expect(w, "ssh_keys.txt", NULL);
}

static void
no_keys_for_unknown_impossible_and_endless_names(void **state)
{
	static const struct {
		const char *name;
		uint16_t status;
	} row[] = {
		{ "nobody-here", KU_ST_NOTFOUND },
		{ "alice,x", KU_ST_NOTFOUND },
		{ "", KU_ST_NOTFOUND },
		{ "local", KU_ST_LOCAL },
		{ "unavail", KU_ST_UNAVAIL },
	};
	struct world *w = *state;
	char endless[4096];
	uint16_t status;

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		assert_int_equal(cmd_ssh_keys(&w->tool, row[i].name, &status), 0);
		assert_int_equal(status, row[i].status);
	}
	memset(endless, 'a', sizeof(endless) - 1);
	endless[sizeof(endless) - 1] = '\0';
	assert_int_equal(cmd_ssh_keys(&w->tool, endless, &status), 0);
	assert_int_equal(status, KU_ST_NOTFOUND);
	expect(w, NULL, NULL);
}

static void
answers_larger_than_the_first_buffer_are_fetched(void **state)
{
	struct world *w = *state;
	struct tool_answer a;
	uint8_t req[64];
	size_t len = tool_pack_name(req, sizeof(req), "staff");

	stop_daemon(w);
	assert_int_equal(unlink(w->sock), 0);
	big_group = 100000;
	start_daemon(w);
	assert_int_equal(tool_ask(&w->tool, KU_OP_GROUP_BY_NAME, req, len, 20000, &a), 0);
	assert_int_equal(a.status, KU_ST_OK);
	assert_int_equal(a.len, 12 + 6 + 2 + 6 + (100000 - 1) * 4);
	tool_answer_clear(&a);
	big_group = 0;
}

static void
strings_that_do_not_add_up_are_refused(void **state)
{
	static const uint8_t too_many[] = { 9, 0, 0, 0, 2, 0, 0, 0, 'a', 0 };
	static const uint8_t too_short[] = { 1, 0, 0, 0, 9, 0, 0, 0, 'a', 0 };
	static const uint8_t open_end[] = { 1, 0, 0, 0, 2, 0, 0, 0, 'a', 'b' };
	static const uint8_t left_over[] = { 1, 0, 0, 0, 4, 0, 0, 0, 'a', 0, 'b', 0 };
	static const struct {
		const uint8_t *body;
		size_t len;
	} row[] = {
		{ too_many, sizeof(too_many) },
		{ too_short, sizeof(too_short) },
		{ open_end, sizeof(open_end) },
		{ left_over, sizeof(left_over) },
		{ too_many, 3 },
	};
	const char **v = NULL;
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct tool_answer a = { .len = row[i].len };

		a.body = malloc(row[i].len);
		memcpy(a.body, row[i].body, row[i].len);
		assert_int_not_equal(tool_strings(&a, &v, &n), 0);
		tool_answer_clear(&a);
	}
}

int
main(void)
{
#define TOOL_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TOOL_TEST(status_prints_the_two_lines_scripts_read),
		TOOL_TEST(verbose_status_prints_every_pair),
		TOOL_TEST(json_status_is_one_object),
		TOOL_TEST(explain_prints_the_daemons_lines),
		TOOL_TEST(explain_names_the_spelling_for_sshd_when_another_was_typed),
		TOOL_TEST(json_explain_is_one_object),
		TOOL_TEST(what_is_in_front_forgets_when_the_daemon_did),
		TOOL_TEST(success_is_printed_when_it_was_one),
		TOOL_TEST(success_is_an_object_for_programs),
		TOOL_TEST(trouble_is_an_object_for_programs_and_words_for_people),
		TOOL_TEST(an_absent_daemon_is_an_object_too),
		TOOL_TEST(clearing_wants_to_be_asked_twice),
		TOOL_TEST(refusals_name_the_command_that_would_work_and_exit_1),
		TOOL_TEST(words_of_the_daemon_do_not_steer_a_terminal),
		TOOL_TEST(accept_id_says_what_is_not_so),
		TOOL_TEST(an_absent_daemon_is_named_with_socket_and_unit),
		TOOL_TEST(a_missing_socket_is_told_apart_from_a_dead_one),
		TOOL_TEST(keys_come_one_per_line),
		TOOL_TEST(no_keys_for_unknown_impossible_and_endless_names),
		TOOL_TEST(answers_larger_than_the_first_buffer_are_fetched),
		cmocka_unit_test(strings_that_do_not_add_up_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
