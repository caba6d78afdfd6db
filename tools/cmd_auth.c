/* SPDX-License-Identifier: MPL-2.0 */
/*
 * auth-test: what would PAM say? Asks the daemon what pam_kanidm.so asks, in the same order,
 * without any service's PAM files between. Scripts read the two lines on stdout; the reasons
 * are for people, on stderr. Somebody who may not log in can still see whether it is the
 * password or the account, so the account phase is always run.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "ku/wire_pam.h"
#include "src/base/deadline.h"
#include "src/base/secret.h"
#include "src/base/util.h"
#include "src/client/client.h"
#include "src/prog/jsonw.h"
#include "tools/commands.h"
#include "tools/password.h"
#include "tools/screen.h"

#define SERVICE    "kanidm-unix"
#define TIMEOUT_MS 5000
/* The daemon answers by the deadline it told; this is for the way there and back. */
#define GRACE_MS        1000
#define MAX_DEADLINE_MS (700 * 1000)

enum result {
	SENSELESS, /* what a table has no row for */
	SUCCESS,
	FAILED,
	UNKNOWN,
};

/* What a verdict or a status comes to, and why; NULL: there is nothing to explain. */
struct words {
	enum result result;
	const char *why;
};

/* clang-format off */
static const struct words auth_words[] = {
	[KU_AUTH_OK] = { SUCCESS, NULL },
	[KU_AUTH_OK_CACHED] = { SUCCESS,
		"the server did not answer; the credential kept on this host accepts the password" },
	[KU_AUTH_DENIED] = { FAILED,
		"the server refused this password: it is wrong or was changed, none was ever set "
		"(kanidm person posix set-password NAME), or the account is locked for a moment or "
		"not valid now" },
	[KU_AUTH_WRONG] = { FAILED,
		"the server cannot be reached, and this is not the password that was last used on "
		"this host" },
	[KU_AUTH_NO_CREDENTIAL] = { FAILED,
		"the server cannot be reached, and nobody of this name has logged in with a password "
		"on this host yet" },
	[KU_AUTH_SUSPENDED] = { FAILED,
		"the server cannot be reached, and when it was last asked it refused the password "
		"kept on this host; the next login with the server decides" },
	[KU_AUTH_WAIT] = { FAILED,
		"the server cannot be reached, and there were too many wrong passwords" },
	[KU_AUTH_TOO_OLD] = { FAILED,
		"the server cannot be reached, and the last login with it is longer ago than "
		"offline_auth_max_age allows" },
	[KU_AUTH_INVALID] = { FAILED,
		"the server cannot be reached, and the account was not valid when it was last asked "
		"about (expired or not yet begun)" },
};

static const struct words account_words[] = {
	[KU_ACCT_OK] = { SUCCESS, NULL },
	[KU_ACCT_EXPIRED] = { FAILED, "the account is not valid now (expired or not yet begun)" },
	[KU_ACCT_NOT_ALLOWED] = { FAILED,
		"in none of the groups that may log in on this host (pam_allowed_login_groups; only "
		"POSIX groups of the server count)" },
	[KU_ACCT_NOBODY] = { FAILED,
		"nobody may log in on this host: pam_allowed_login_groups is empty" },
};

static const struct words status_words[] = {
	[KU_ST_NOTFOUND] = { UNKNOWN, "the server has no POSIX account of this name" },
	[KU_ST_LOCAL] = { UNKNOWN, "an account of this host's own files; pam_unix judges it" },
	[KU_ST_DENIED] = { FAILED,
		"only root, the person, and the services in pam_allowed_callers may ask this "
		"(try: sudo kanidm-unix auth-test --name NAME)" },
	[KU_ST_UNAVAIL] = { FAILED,
		"not known on this host, and the server cannot be asked now "
		"(see: kanidm-unix status --verbose)" },
	[KU_ST_BUSY] = { FAILED,
		"too many passwords are being checked at this moment; try again" },
	[KU_ST_VERSION] = { FAILED,
		"the daemon is of another version (try: systemctl restart kanidm-unixd)" },
};
/* clang-format on */

/* What became of one phase, for --json. */
struct outcome {
	enum result result;
	char *why; /* NULL: there is nothing to explain */
};

/* One phase under way. */
struct phase {
	const struct tool *t;
	const char *name; /* of the phase */
	const char *account;
	const struct words *verdicts;
	size_t n_verdicts;
	struct outcome *outcome;
};

/* The line that scripts read, and on the other stream why, when there is a reason. */
static bool printf_(3, 4)
    finish(const struct phase *p, enum result result, const char *fmt, ...)
{
	static const char *const line[] = {
		[SENSELESS] = "failed!",
		[SUCCESS] = "success!",
		[FAILED] = "failed!",
		[UNKNOWN] = "user unknown",
	};
	const struct screen screen = screen_of(p->t->err);
	va_list ap;

	p->outcome->result = result;
	if (!p->t->json) {
		(void)fprintf(p->t->out, "%s %s\n", p->name, line[result]);
		(void)fflush(p->t->out);
	}
	if (fmt != NULL) {
		va_start(ap, fmt);
		if (vasprintf(&p->outcome->why, fmt, ap) < 0)
			abort();
		va_end(ap);
		(void)fprintf(p->t->err, "%s: ", p->name);
		screen_text(&screen, strlen(p->name) + 2, strlen(p->name) + 2,
		    p->outcome->why);
	}
	return result == SUCCESS;
}

static bool
finish_words(const struct phase *p, const struct words *words, size_t n, uint32_t which)
{
	const struct words *w = which < n ? &words[which] : NULL;

	if (w == NULL || w->result == SENSELESS)
		return finish(p, FAILED,
		    "the daemon's answer makes no sense (%" PRIu32 ")", which);
	return w->why == NULL ? finish(p, w->result, NULL)
			      : finish(p, w->result, "%s", w->why);
}

static bool
finish_status(const struct phase *p, uint16_t status)
{
	return finish_words(p, status_words, ARRAY_SIZE(status_words), status);
}

static bool
finish_error(const struct phase *p, int err)
{
	const char *sock = p->t->sock_path;

	if (err == EPERM)
		return finish(p, FAILED,
		    "nothing was sent: whoever listens at %s is neither root nor the "
		    "owner of its directory, or others may write there",
		    sock);
	if (err == ETIMEDOUT)
		return finish(p, FAILED, "no answer from %s in time", sock);
	if (err == EPROTO)
		return finish(p, FAILED, "%s does not speak our protocol", sock);
	return finish(p, FAILED,
	    "cannot connect to %s: %s (is it running? systemctl status kanidm-unixd)",
	    sock, strerror(err));
}

/* What all three questions begin with. */
static void
put_request(struct enc *e, void *buf, size_t cap, const char *name)
{
	enc_init(e, buf, cap);
	enc_u32(e, 0); /* flags */
	enc_str(e, name);
	enc_str(e, SERVICE);
	enc_str(e, ""); /* tty */
	enc_str(e, ""); /* rhost */
}

/* Asks for a verdict, and says it. */
static bool
judge(const struct phase *p, uint16_t op, const struct enc *req, int timeout_ms)
{
	uint8_t head[8], rest[256];
	struct client_call call = {
		.path = p->t->sock_path,
		.op = op,
		.req = req->buf,
		.req_len = req->len,
		.verify_peer = true,
		.head = head,
		.head_len = sizeof(head),
		.tail = rest,
		.tail_cap = sizeof(rest),
	};
	uint32_t verdict, seconds;
	struct dec d;
	int rc;

	if (req->failed)
		return finish_status(p, KU_ST_NOTFOUND);
	rc = tool_call(p->t, &call, deadline_in_ms(timeout_ms));
	if (rc < 0)
		return finish_error(p, -rc);
	if (call.status != KU_ST_OK)
		return finish_status(p, call.status);
	dec_init(&d, head, sizeof(head));
	verdict = dec_u32(&d);
	seconds = dec_u32(&d);
	if (op == KU_OP_PAM_AUTH && verdict == KU_AUTH_WAIT)
		return finish(p, FAILED, "%s; try again in %" PRIu32 " s",
		    p->verdicts[verdict].why, seconds);
	return finish_words(p, p->verdicts, p->n_verdicts, verdict);
}

/*
 * Is there such an account, and until when will the daemon have answered? False: there is
 * nobody to ask, and that has been said.
 */
static bool
look_up(const struct tool *t, const char *name, uint16_t *ret_status,
    int *ret_deadline_ms)
{
	cleanup_(tool_answer_clear) struct tool_answer a = { 0 };
	uint8_t req[KU_MAX_NAME_REQ];
	size_t len = tool_pack_name(req, sizeof(req), name);
	struct dec d;
	uint32_t ms;

	*ret_status = KU_ST_NOTFOUND;
	*ret_deadline_ms = 0;
	if (len == 0)
		return true;
	if (!tool_ask_loudly(t, KU_OP_PAM_LOOKUP, req, len, TIMEOUT_MS, &a))
		return false;
	*ret_status = a.status;
	dec_init(&d, a.body, a.len);
	ms = a.status == KU_ST_OK ? dec_u32(&d) : 0;
	*ret_deadline_ms = ms < MAX_DEADLINE_MS ? (int)ms : MAX_DEADLINE_MS;
	return true;
}

static bool
check_password(const struct phase *p, const struct secret *password, int deadline_ms)
{
	cleanup_(secret_freep) struct secret *body = secret_new(KU_MAX_PAM_REQ);
	struct enc e;

	if (body == NULL)
		return finish(p, FAILED, "%s", strerror(ENOMEM));
	put_request(&e, body->data, body->cap, p->account);
	enc_u32(&e, (uint32_t)password->len);
	enc_bytes(&e, password->data, password->len);
	return judge(p, KU_OP_PAM_AUTH, &e, deadline_ms + GRACE_MS);
}

static bool
authenticate(const struct phase *p, int deadline_ms)
{
	cleanup_(secret_freep) struct secret *password = NULL;
	int rc = password_read("Enter Unix password: ", &password);

	if (rc == -E2BIG)
		return finish(p, FAILED, "no password is longer than %u bytes",
		    KU_MAX_PASSWORD);
	if (rc < 0)
		return finish(p, FAILED, "no password could be read: %s",
		    rc == -ENODATA ? "the input is at its end" : strerror(-rc));
	if (password->len == 0)
		return finish(p, FAILED, "an empty password is never right");
	return check_password(p, password, deadline_ms);
}

static bool
check_account(const struct phase *p)
{
	uint8_t body[KU_MAX_PAM_REQ];
	struct enc e;

	put_request(&e, body, sizeof(body), p->account);
	return judge(p, KU_OP_PAM_ACCT, &e, TIMEOUT_MS);
}

static void
put_outcome(struct jsonw *w, const struct phase *p, const char *why_key)
{
	static const char *const word[] = {
		[SENSELESS] = "failed",
		[SUCCESS] = "success",
		[FAILED] = "failed",
		[UNKNOWN] = "unknown",
	};

	jsonw_string(w, p->name, word[p->outcome->result]);
	if (p->outcome->why != NULL)
		jsonw_string(w, why_key, p->outcome->why);
}

static bool
print_json(const struct phase *auth, const struct phase *account, bool both)
{
	struct jsonw w;

	jsonw_begin(&w, auth->t->out);
	jsonw_open_object(&w, NULL);
	jsonw_bool(&w, "success", both);
	jsonw_string(&w, "name", auth->account);
	put_outcome(&w, auth, "auth_reason");
	put_outcome(&w, account, "account_reason");
	jsonw_close(&w);
	return jsonw_end(&w) == 0;
}

int
cmd_auth_test(const struct tool *t, const char *name)
{
	struct outcome outcomes[2] = { 0 };
	const struct phase auth = { t, "auth", name, auth_words, ARRAY_SIZE(auth_words),
		&outcomes[0] };
	const struct phase account = { t, "account", name, account_words,
		ARRAY_SIZE(account_words), &outcomes[1] };
	bool first, second, printed = true;
	int deadline_ms;
	uint16_t status;

	if (!look_up(t, name, &status, &deadline_ms))
		return 1;
	first = status == KU_ST_OK ? authenticate(&auth, deadline_ms)
				   : finish_status(&auth, status);
	second = check_account(&account);
	if (t->json)
		printed = print_json(&auth, &account, first && second);
	free(outcomes[0].why);
	free(outcomes[1].why);
	return first && second && printed ? 0 : 1;
}
