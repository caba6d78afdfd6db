/* SPDX-License-Identifier: MPL-2.0 */
/*
 * auth-test against a daemon that answers as the name tells it to: "v3a1" is verdict 3 for
 * the password and 1 for the account, "s8" is status 8 to everything. What it was asked is
 * compared, so a request that PAM would not send is a failure, too.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "ku/wire_pam.h"
#include "src/base/util.h"
#include "src/wire/codec.h"
#include "tools/commands.h"

#define PASSWORD "Sample horse 9"

struct world {
	char top[32];
	char dir[48]; /* the socket's, in a directory that only root can change */
	char sock[64];
	pid_t daemon;
	struct tool tool;
	char *out, *err;
	size_t out_len, err_len;
	int old_stdin;
};

static void
take_str(struct dec *d, char *buf, size_t cap)
{
	size_t len = 0;
	const char *s = dec_str(d, cap - 1, &len);

	if (s != NULL)
		memcpy(buf, s, len);
	buf[len] = '\0';
}

/* The body PAM sends; false: something is not as it should be. */
static bool
read_request(struct dec *d, uint16_t op, char *name, size_t cap)
{
	char service[32], tty[32], rhost[32], password[600];
	bool ok;

	if (op == KU_OP_PAM_LOOKUP) {
		take_str(d, name, cap);
		return dec_done(d);
	}
	ok = dec_u32(d) == 0;
	take_str(d, name, cap);
	take_str(d, service, sizeof(service));
	take_str(d, tty, sizeof(tty));
	take_str(d, rhost, sizeof(rhost));
	if (op == KU_OP_PAM_AUTH) {
		take_str(d, password, sizeof(password));
		ok &= streq(password, PASSWORD);
	}
	return dec_done(d) && ok && streq(service, "kanidm-unix") && tty[0] == '\0' &&
	    rhost[0] == '\0';
}

static uint16_t
answer(uint16_t op, const char *name, struct enc *e)
{
	unsigned status, auth, acct;

	if (sscanf(name, "s%u", &status) == 1)
		return (uint16_t)status;
	/* "d": known, but this caller may not ask. */
	if (streq(name, "d"))
		auth = acct = 0;
	else if (sscanf(name, "v%ua%u", &auth, &acct) != 2)
		return KU_ST_NOTFOUND;
	if (op == KU_OP_PAM_LOOKUP) {
		enc_u32(e, 2500);
		enc_u32(e, 4);
		enc_strz(e, "u");
		enc_strz(e, "n");
		return KU_ST_OK;
	}
	if (auth == 0 && acct == 0)
		return KU_ST_DENIED;
	enc_u32(e, op == KU_OP_PAM_AUTH ? auth : acct);
	enc_u32(e, 77);
	return KU_ST_OK;
}

static void
serve_one(int fd)
{
	uint8_t in[KU_WIRE_HEADER_LEN + KU_MAX_PAM_REQ], out[256];
	struct frame_header h;
	char name[600] = "";
	struct enc e;
	struct dec d;

	if (recv(fd, in, KU_WIRE_HEADER_LEN, MSG_WAITALL) != KU_WIRE_HEADER_LEN ||
	    frame_get(in, &h) < 0 || h.length > KU_MAX_PAM_REQ ||
	    recv(fd, in, h.length, MSG_WAITALL) != (ssize_t)h.length)
		return;
	enc_init(&e, out + KU_WIRE_HEADER_LEN, sizeof(out) - KU_WIRE_HEADER_LEN);
	dec_init(&d, in, h.length);
	h.status = read_request(&d, h.op, name, sizeof(name)) ? answer(h.op, name, &e)
							      : KU_ST_BAD;
	h.length = (uint32_t)e.len;
	frame_put(out, &h);
	(void)send(fd, out, KU_WIRE_HEADER_LEN + e.len, MSG_NOSIGNAL);
}

static int
setup(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	static struct world w;
	int fd;

	memset(&w, 0, sizeof(w));
	(void)snprintf(w.top, sizeof(w.top), "/tmp/ku-auth-XXXXXX");
	if (mkdtemp(w.top) == NULL || chmod(w.top, 0755) != 0)
		return -1;
	(void)snprintf(w.dir, sizeof(w.dir), "%s/run", w.top);
	if (mkdir(w.dir, 0755) != 0)
		return -1;
	(void)snprintf(w.sock, sizeof(w.sock), "%s/sock", w.dir);
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", w.sock);
	w.tool = (struct tool){
		.sock_path = w.sock,
		.out = open_memstream(&w.out, &w.out_len),
		.err = open_memstream(&w.err, &w.err_len),
	};
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 || listen(fd, 16) != 0)
		return -1;
	w.daemon = fork();
	if (w.daemon == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			int c = accept(fd, NULL, NULL);

			serve_one(c);
			(void)close(c);
		}
	}
	(void)close(fd);
	w.old_stdin = dup(STDIN_FILENO);
	*state = &w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	(void)kill(w->daemon, SIGKILL);
	(void)waitpid(w->daemon, NULL, 0);
	(void)fclose(w->tool.out);
	(void)fclose(w->tool.err);
	free(w->out);
	free(w->err);
	(void)dup2(w->old_stdin, STDIN_FILENO);
	(void)close(w->old_stdin);
	(void)unlink(w->sock);
	return rmdir(w->dir) != 0 || rmdir(w->top) != 0 ? -1 : 0;
}

/* Bytes to be read from stdin. */
static void
type(const char *text, size_t len)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], text, len), len);
	(void)close(fds[1]);
	assert_int_equal(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
	(void)close(fds[0]);
}

/* Exit code, stdout exactly, and a part of stderr ("" = nothing at all there). */
static void
expect(struct world *w, const char *name, int rc, const char *out, const char *err)
{
	rewind(w->tool.out);
	rewind(w->tool.err);
	assert_int_equal(cmd_auth_test(&w->tool, name), rc);
	(void)fflush(w->tool.out);
	(void)fflush(w->tool.err);
	w->out[w->out_len] = '\0';
	w->err[w->err_len] = '\0';
	assert_string_equal(w->out, out);
	if (err[0] == '\0')
		assert_string_equal(w->err, "");
	else if (strstr(w->err, err) == NULL)
		fail_msg("\"%s\" is not in: %s", err, w->err);
}

static void
every_verdict_has_its_line_its_reason_and_its_exit_code(void **state)
{
	static const struct {
		const char *name;
		int rc;
		const char *out, *err;
	} row[] = {
		{ "v1a1", 0, "auth success!\naccount success!\n", "" },
		{ "v2a1", 0, "auth success!\naccount success!\n", "kept on this host" },
		{ "v3a1", 1, "auth failed!\naccount success!\n", "server refused" },
		{ "v4a1", 1, "auth failed!\naccount success!\n", "last used on this" },
		{ "v5a1", 1, "auth failed!\naccount success!\n", "has logged in with" },
		{ "v6a1", 1, "auth failed!\naccount success!\n", "next login with" },
		{ "v7a1", 1, "auth failed!\naccount success!\n", "again in 77 s" },
		{ "v8a1", 1, "auth failed!\naccount success!\n", "offline_auth_max" },
		{ "v9a1", 1, "auth failed!\naccount success!\n", "not valid" },
		{ "v10a1", 1, "auth failed!\naccount success!\n", "no sense" },
		{ "v0a1", 1, "auth failed!\naccount success!\n", "no sense" },
		{ "v1a2", 1, "auth success!\naccount failed!\n", "not valid now" },
		{ "v1a3", 1, "auth success!\naccount failed!\n", "in none of the" },
		{ "v1a4", 1, "auth success!\naccount failed!\n", "is empty" },
		{ "v1a0", 1, "auth success!\naccount failed!\n", "no sense" },
		{ "v1a5", 1, "auth success!\naccount failed!\n", "no sense" },
		{ "d", 1, "auth failed!\naccount failed!\n", "auth-test --name NAME)" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		type(PASSWORD "\nsecond line", sizeof(PASSWORD "\nsecond line") - 1);
		expect(w, row[i].name, row[i].rc, row[i].out, row[i].err);
	}
}

static void
statuses_are_told_without_asking_for_a_password(void **state)
{
	static const struct {
		unsigned status;
		const char *out, *err;
	} row[] = {
		{ KU_ST_NOTFOUND, "auth user unknown\naccount user unknown\n",
		    "no POSIX account of" },
		{ KU_ST_LOCAL, "auth user unknown\naccount user unknown\n", "pam_unix" },
		{ KU_ST_UNAVAIL, "auth failed!\naccount failed!\n", "cannot be asked" },
		{ KU_ST_BUSY, "auth failed!\naccount failed!\n", "try again" },
		{ KU_ST_DENIED, "auth failed!\naccount failed!\n", "only root" },
		{ KU_ST_VERSION, "auth failed!\naccount failed!\n", "another version" },
		{ KU_ST_BAD, "auth failed!\naccount failed!\n", "no sense" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		char name[16];

		type("", 0);
		(void)snprintf(name, sizeof(name), "s%u", row[i].status);
		expect(w, name, 1, row[i].out, row[i].err);
	}
}

static void
what_cannot_be_a_password_is_never_sent(void **state)
{
	static const char failed[] = "auth failed!\naccount success!\n";
	struct world *w = *state;
	char endless[KU_MAX_PASSWORD + 100];

	type("", 0);
	expect(w, "v1a1", 1, failed, "at its end");
	type("\n", 1);
	expect(w, "v1a1", 1, failed, "an empty password");
	type("a\0b\n", 4);
	expect(w, "v1a1", 1, failed, "no password could be read");
	memset(endless, 'x', sizeof(endless));
	type(endless, sizeof(endless));
	expect(w, "v1a1", 1, failed, "longer than 512");
	type(endless, KU_MAX_PASSWORD + 1);
	expect(w, "v1a1", 1, failed, "longer than 512");
	/* The longest one is sent (and is not what the daemon wants). */
	type(endless, KU_MAX_PASSWORD);
	expect(w, "v1a1", 1, failed, "no sense");
}

static void
a_password_without_a_newline_counts(void **state)
{
	type(PASSWORD, sizeof(PASSWORD) - 1);
	expect(*state, "v1a1", 0, "auth success!\naccount success!\n", "");
}

static void
names_too_long_for_a_request_are_unknown(void **state)
{
	char name[4096];

	memset(name, 'v', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	type("", 0);
	expect(*state, name, 1, "auth user unknown\naccount user unknown\n",
	    "of this name");
}

static void
nothing_is_sent_where_others_could_have_put_the_socket(void **state)
{
	struct world *w = *state;

	assert_int_equal(chmod(w->dir, 0777), 0);
	type(PASSWORD, sizeof(PASSWORD) - 1);
	expect(w, "v1a1", 1, "auth failed!\naccount failed!\n", "nothing was sent");
}

static void
without_a_daemon_nothing_is_said_on_stdout(void **state)
{
	struct world *w = *state;

	(void)kill(w->daemon, SIGKILL);
	(void)waitpid(w->daemon, NULL, 0);
	type(PASSWORD, sizeof(PASSWORD) - 1);
	expect(w, "v1a1", 1, "", "is it running?");
}

int
main(void)
{
#define AUTH_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		AUTH_TEST(every_verdict_has_its_line_its_reason_and_its_exit_code),
		AUTH_TEST(statuses_are_told_without_asking_for_a_password),
		AUTH_TEST(what_cannot_be_a_password_is_never_sent),
		AUTH_TEST(a_password_without_a_newline_counts),
		AUTH_TEST(names_too_long_for_a_request_are_unknown),
		AUTH_TEST(nothing_is_sent_where_others_could_have_put_the_socket),
		AUTH_TEST(without_a_daemon_nothing_is_said_on_stdout),
	};

	/* A password goes to a socket of root's directory only. */
	if (geteuid() != 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
