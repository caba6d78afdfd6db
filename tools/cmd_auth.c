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
#include <string.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "ku/wire_pam.h"
#include "src/base/deadline.h"
#include "src/base/secret.h"
#include "src/client/client.h"
#include "tools/commands.h"
#include "tools/password.h"

#define SERVICE    "kanidm-unix"
#define TIMEOUT_MS 5000
/* The daemon answers by the deadline it told; this is for the way there and back. */
#define GRACE_MS        1000
#define MAX_DEADLINE_MS (700 * 1000)

enum phase_result {
	PHASE_SUCCESS,
	PHASE_FAILED,
	PHASE_UNKNOWN,
};

/* One phase under way: the line that scripts read comes from `phase` and the result. */
struct phase {
	const struct tool *t;
	const char *phase;
	const char *name;
};

static void
print_line(const struct phase *p, enum phase_result result)
{
	static const char *const word[] = {
		[PHASE_SUCCESS] = "success!",
		[PHASE_FAILED] = "failed!",
		[PHASE_UNKNOWN] = "user unknown",
	};

	(void)fprintf(p->t->out, "%s %s\n", p->phase, word[result]);
	(void)fflush(p->t->out);
}

static enum phase_result
succeed(const struct phase *p)
{
	print_line(p, PHASE_SUCCESS);
	return PHASE_SUCCESS;
}

/* The line, and why. */
static enum phase_result printf_(3, 4)
    finish(const struct phase *p, enum phase_result result, const char *fmt, ...)
{
	va_list ap;

	print_line(p, result);
	(void)fprintf(p->t->err, "%s: ", p->phase);
	va_start(ap, fmt);
	(void)vfprintf(p->t->err, fmt, ap);
	va_end(ap);
	(void)fputc('\n', p->t->err);
	return result;
}

/* The daemon said nothing about this account, but why. */
static enum phase_result
finish_status(const struct phase *p, uint16_t status)
{
	switch (status) {
	case KU_ST_NOTFOUND:
		return finish(p, PHASE_UNKNOWN,
		    "the server has no POSIX account of this name");
	case KU_ST_LOCAL:
		return finish(p, PHASE_UNKNOWN,
		    "%s is an account of this host's own files; pam_unix judges it",
		    p->name);
	case KU_ST_DENIED:
		return finish(p, PHASE_FAILED,
		    "only root, %s, and the services in pam_allowed_callers may ask this "
		    "about %s (try: sudo kanidm-unix auth-test --name %s)",
		    p->name, p->name, p->name);
	case KU_ST_UNAVAIL:
		return finish(p, PHASE_FAILED,
		    "%s is not known on this host, and the server cannot be asked now "
		    "(see: kanidm-unix status --verbose)",
		    p->name);
	case KU_ST_BUSY:
		return finish(p, PHASE_FAILED,
		    "too many passwords are being checked at this moment; try again");
	case KU_ST_VERSION:
		return finish(p, PHASE_FAILED,
		    "the daemon is of another version (try: systemctl restart "
		    "kanidm-unixd)");
	default:
		return finish(p, PHASE_FAILED,
		    "the daemon did not understand (status %u)", (unsigned)status);
	}
}

static enum phase_result
finish_error(const struct phase *p, int err)
{
	const char *sock = p->t->sock_path;

	if (err == EPERM)
		return finish(p, PHASE_FAILED,
		    "nothing was sent: whoever listens at %s is neither root nor the "
		    "owner of its directory, or others may write there",
		    sock);
	if (err == ETIMEDOUT)
		return finish(p, PHASE_FAILED, "no answer from %s in time", sock);
	if (err == EPROTO)
		return finish(p, PHASE_FAILED, "%s does not speak our protocol", sock);
	return finish(p, PHASE_FAILED,
	    "cannot connect to %s: %s (is it running? systemctl status kanidm-unixd)",
	    sock, strerror(err));
}

static enum phase_result
finish_auth(const struct phase *p, uint32_t verdict, uint32_t seconds)
{
	switch ((enum ku_auth_verdict)verdict) {
	case KU_AUTH_OK:
		return succeed(p);
	case KU_AUTH_OK_CACHED:
		return finish(p, PHASE_SUCCESS,
		    "the server did not answer; the credential kept on this host accepts "
		    "the password");
	case KU_AUTH_DENIED:
		return finish(p, PHASE_FAILED,
		    "the server refused this password: it is wrong or was changed, none "
		    "was ever set (kanidm person posix set-password %s), or the account "
		    "is locked for a moment or not valid now",
		    p->name);
	case KU_AUTH_WRONG:
		return finish(p, PHASE_FAILED,
		    "the server cannot be reached, and this is not the password that was "
		    "last used on this host");
	case KU_AUTH_NO_CREDENTIAL:
		return finish(p, PHASE_FAILED,
		    "the server cannot be reached, and %s has not logged in with a "
		    "password on this host yet",
		    p->name);
	case KU_AUTH_SUSPENDED:
		return finish(p, PHASE_FAILED,
		    "the server cannot be reached, and when it was last asked it refused "
		    "the password kept on this host; the next login with the server "
		    "decides");
	case KU_AUTH_WAIT:
		return finish(p, PHASE_FAILED,
		    "the server cannot be reached, and there were too many wrong "
		    "passwords; try again in %" PRIu32 " s",
		    seconds);
	case KU_AUTH_TOO_OLD:
		return finish(p, PHASE_FAILED,
		    "the server cannot be reached, and the last login with it is longer "
		    "ago than offline_auth_max_age allows");
	case KU_AUTH_INVALID:
		return finish(p, PHASE_FAILED,
		    "the server cannot be reached, and the account was not valid when it "
		    "was last asked about (expired or not yet begun)");
	}
	return finish(p, PHASE_FAILED, "the daemon's answer makes no sense");
}

static enum phase_result
finish_acct(const struct phase *p, uint32_t verdict)
{
	switch ((enum ku_acct_verdict)verdict) {
	case KU_ACCT_OK:
		return succeed(p);
	case KU_ACCT_EXPIRED:
		return finish(p, PHASE_FAILED,
		    "the account is not valid now (expired or not yet begun)");
	case KU_ACCT_NOT_ALLOWED:
		return finish(p, PHASE_FAILED,
		    "%s is in none of the groups that may log in on this host "
		    "(pam_allowed_login_groups; only POSIX groups of the server count)",
		    p->name);
	case KU_ACCT_NOBODY:
		return finish(p, PHASE_FAILED,
		    "nobody may log in on this host: pam_allowed_login_groups is empty");
	}
	return finish(p, PHASE_FAILED, "the daemon's answer makes no sense");
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

/* Asks for a verdict. 0, -errno; call->status. */
static int
ask(const struct tool *t, uint16_t op, const struct enc *req, int timeout_ms,
    uint16_t *ret_status, uint32_t *ret_verdict, uint32_t *ret_seconds)
{
	uint8_t head[8], rest[256];
	struct client_call call = {
		.path = t->sock_path,
		.op = op,
		.req = req->buf,
		.req_len = req->len,
		.verify_peer = true,
		.head = head,
		.head_len = sizeof(head),
		.tail = rest,
		.tail_cap = sizeof(rest),
	};
	struct dec d;
	int rc = tool_call(t, &call, deadline_in_ms(timeout_ms));

	if (rc < 0)
		return rc;
	*ret_status = call.status;
	if (call.status != KU_ST_OK)
		return 0;
	dec_init(&d, head, sizeof(head));
	*ret_verdict = dec_u32(&d);
	*ret_seconds = dec_u32(&d);
	return 0;
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

static enum phase_result
check_password(const struct phase *p, const struct secret *password, int deadline_ms)
{
	cleanup_(secret_freep) struct secret *body = secret_new(KU_MAX_PAM_REQ);
	uint32_t verdict = 0, seconds = 0;
	uint16_t status;
	struct enc e;
	int rc;

	if (body == NULL)
		return finish_error(p, ENOMEM);
	put_request(&e, body->data, body->cap, p->name);
	enc_u32(&e, (uint32_t)password->len);
	enc_bytes(&e, password->data, password->len);
	if (e.failed)
		return finish(p, PHASE_UNKNOWN, "too long to be the name of an account");
	rc = ask(p->t, KU_OP_PAM_AUTH, &e, deadline_ms + GRACE_MS, &status, &verdict,
	    &seconds);
	if (rc < 0)
		return finish_error(p, -rc);
	if (status != KU_ST_OK)
		return finish_status(p, status);
	return finish_auth(p, verdict, seconds);
}

static enum phase_result
authenticate(const struct phase *p, int deadline_ms)
{
	cleanup_(secret_freep) struct secret *password = NULL;
	int rc = password_read("Enter Unix password: ", &password);

	if (rc == -E2BIG)
		return finish(p, PHASE_FAILED, "no password is longer than %u bytes",
		    KU_MAX_PASSWORD);
	if (rc < 0)
		return finish(p, PHASE_FAILED, "no password could be read: %s",
		    rc == -ENODATA ? "the input is at its end" : strerror(-rc));
	if (password->len == 0)
		return finish(p, PHASE_FAILED, "an empty password is never right");
	return check_password(p, password, deadline_ms);
}

static enum phase_result
check_account(const struct phase *p)
{
	uint8_t body[KU_MAX_PAM_REQ];
	uint32_t verdict = 0, seconds = 0;
	uint16_t status;
	struct enc e;
	int rc;

	put_request(&e, body, sizeof(body), p->name);
	if (e.failed)
		return finish_status(p, KU_ST_NOTFOUND);
	rc = ask(p->t, KU_OP_PAM_ACCT, &e, TIMEOUT_MS, &status, &verdict, &seconds);
	if (rc < 0)
		return finish_error(p, -rc);
	if (status != KU_ST_OK)
		return finish_status(p, status);
	return finish_acct(p, verdict);
}

int
cmd_auth_test(const struct tool *t, const char *name)
{
	struct phase auth = { t, "auth", name };
	struct phase account = { t, "account", name };
	enum phase_result first, second;
	int deadline_ms;
	uint16_t status;

	if (!look_up(t, name, &status, &deadline_ms))
		return 1;
	first = status == KU_ST_OK ? authenticate(&auth, deadline_ms)
				   : finish_status(&auth, status);
	second = check_account(&account);
	return first == PHASE_SUCCESS && second == PHASE_SUCCESS ? 0 : 1;
}
