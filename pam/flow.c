/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The policy. Three rules shape it: nobody is asked for a password before it is known that
 * the name is ours; SUCCESS of authenticate and acct_mgmt has exactly one cause each, a
 * verdict that says so; and a way out that was not thought of is a failure.
 */
#include "pam/flow.h"

#include <errno.h>

#include <security/_pam_types.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "ku/wire_pam.h"

static struct flow_step
take(struct flow *f, enum flow_act act, int ms)
{
	f->at = act;
	return (struct flow_step){ .act = act, .ms = ms, .known = f->known };
}

static int
code_of(const struct flow *f, enum reason_id reason)
{
	/* the one way to IGNORE; a password of somebody else is not ours to comment on */
	if (reason == REASON_NOT_OURS &&
	    (f->options->ignore_unknown_user || f->entry == ENTRY_PASSWD))
		return PAM_IGNORE;
	return reason_get(reason)->code[f->entry];
}

static struct flow_step
finish(struct flow *f)
{
	struct flow_step s = take(f, FLOW_END, 0);

	s.reason = f->reason;
	s.code = code_of(f, f->reason);
	return s;
}

static struct flow_step
tell(struct flow *f, enum reason_id reason)
{
	struct flow_step s = take(f, FLOW_TELL, 0);

	f->reason = reason;
	s.reason = reason;
	s.code = code_of(f, reason);
	/* Before a password was typed nobody has proved anything; and who gets in is not
	 * to be told what went wrong on the way. */
	s.say = (f->entry != ENTRY_AUTH || f->asked > 0 || f->stacked) &&
	    (s.code != PAM_SUCCESS || (reason_get(reason)->flags & REASON_INFO) != 0);
	return s;
}

/* ---- the daemon's ways not to answer ---- */

static enum reason_id
reason_of_error(int error)
{
	switch (error) {
	case -ETIMEDOUT:
		return REASON_TIMEOUT;
	case -EPERM:
		return REASON_IMPOSTOR;
	case -EPROTO:
	case -ERANGE:
	case -EMSGSIZE:
		return REASON_PROTOCOL;
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
	case -ENOBUFS:
		return REASON_NO_MEANS;
	default:
		return REASON_NO_DAEMON;
	}
}

/* Of anything but KU_ST_OK. */
static enum reason_id
reason_of_status(unsigned status)
{
	switch (status) {
	case KU_ST_NOTFOUND:
	case KU_ST_LOCAL:
		return REASON_NOT_OURS;
	case KU_ST_UNAVAIL:
		return REASON_NOT_KNOWN_NOW;
	case KU_ST_BUSY:
		return REASON_BUSY;
	case KU_ST_DENIED:
		return REASON_CALLER;
	case KU_ST_VERSION:
		return REASON_VERSION;
	default:
		return REASON_PROTOCOL;
	}
}

static bool
is_answer(const struct flow_got *got)
{
	return got->error == 0 && got->status == KU_ST_OK;
}

static enum reason_id
reason_of_trouble(const struct flow_got *got)
{
	return got->error != 0 ? reason_of_error(got->error)
			       : reason_of_status(got->status);
}

/* ---- whose is the name? ---- */

/* A question whose answer takes as long as the daemon says, and a little more. */
static int
answer_ms(unsigned deadline_ms, int least)
{
	int ms = deadline_ms > FLOW_MAX_ANSWER_MS ? FLOW_MAX_ANSWER_MS : (int)deadline_ms;

	ms += FLOW_MARGIN_MS;
	return ms < least ? least : ms;
}

static struct flow_step
after_who(struct flow *f, const struct flow_got *got)
{
	bool brief = f->entry == ENTRY_CRED;

	switch (got->who) {
	case WHO_LOCAL:
		return tell(f, REASON_NOT_OURS);
	case WHO_NO_NAME:
		return tell(f, REASON_NO_NAME);
	case WHO_LATER:
		return tell(f, REASON_NAME_LATER);
	case WHO_OPEN:
		f->open = true;
		return take(f, FLOW_LOOKUP, FLOW_SHORT_MS);
	case WHO_OURS:
	case WHO_OVERRIDDEN:
		if (f->entry == ENTRY_ACCT)
			return take(f, FLOW_ACCT, FLOW_ACCT_MS);
		if (f->entry == ENTRY_AUTH)
			return take(f, FLOW_LOOKUP, FLOW_LOGIN_MS);
		return take(f, FLOW_LOOKUP, brief ? FLOW_SHORT_MS : FLOW_LOOKUP_MS);
	case WHO_UNREADABLE:
	default:
		return tell(f, REASON_LOCAL_UNREADABLE);
	}
}

/*
 * A password has been typed for a name that the daemon does not know. An answer at once
 * would tell whoever typed it that there is no such person.
 */
static bool
is_to_be_held(const struct flow *f, const struct flow_got *got)
{
	return f->entry == ENTRY_AUTH && !f->open && got->error == 0 &&
	    (got->status == KU_ST_NOTFOUND || got->status == KU_ST_UNAVAIL);
}

static struct flow_step
after_lookup(struct flow *f, const struct flow_got *got)
{
	if (!is_answer(got)) {
		/* local when nobody says otherwise */
		f->reason = f->open ? REASON_NOT_OURS : reason_of_trouble(got);
		f->nobody = is_to_be_held(f, got);
		return f->nobody ? take(f, FLOW_STACKED, 0) : tell(f, f->reason);
	}
	f->known = true;
	switch (f->entry) {
	case ENTRY_AUTH:
		f->answer_ms = answer_ms(got->deadline_ms, FLOW_LOOKUP_MS);
		return take(f, FLOW_STACKED, 0);
	case ENTRY_ACCT:
		return take(f, FLOW_ACCT, FLOW_ACCT_MS);
	case ENTRY_OPEN:
		return take(f, FLOW_SESSION, answer_ms(got->deadline_ms, FLOW_HOME_MS));
	case ENTRY_PASSWD:
		return tell(f, f->update ? REASON_ELSEWHERE_TOLD : REASON_ELSEWHERE);
	case ENTRY_CRED:
	case N_REASON_ENTRIES:
	default:
		return tell(f, REASON_OURS);
	}
}

/* ---- authenticate ---- */

static struct flow_step
judge_length(struct flow *f, size_t len)
{
	/* no account has an empty one, so there is nobody to ask, whatever the flags */
	if (len == 0)
		return tell(f, REASON_EMPTY);
	if (len > KU_MAX_PASSWORD)
		return tell(f, REASON_TOO_LONG);
	if (f->stacked)
		return take(f, FLOW_AUTH, f->answer_ms);
	return take(f, FLOW_KEEP, 0);
}

static struct flow_step
prompt(struct flow *f)
{
	f->stacked = false;
	return take(f, FLOW_PROMPT, 0);
}

static struct flow_step
after_stacked(struct flow *f, const struct flow_got *got)
{
	if (f->nobody)
		return got->token == TOKEN_GOT ? take(f, FLOW_HOLD, FLOW_LOGIN_MS)
					       : tell(f, f->reason);
	switch (got->token) {
	case TOKEN_GOT:
		f->stacked = true;
		return judge_length(f, got->len);
	case TOKEN_NONE:
		if (f->options->use_authtok)
			return tell(f, REASON_NOTHING_STACKED);
		return prompt(f);
	case TOKEN_FAILED:
	case TOKEN_LATER:
	case TOKEN_NO_MEMORY:
	default:
		return tell(f, REASON_NO_MEANS);
	}
}

static struct flow_step
after_prompt(struct flow *f, const struct flow_got *got)
{
	switch (got->token) {
	case TOKEN_GOT:
		f->asked++;
		return judge_length(f, got->len);
	case TOKEN_NONE:
		return tell(f, REASON_NO_REPLY);
	case TOKEN_LATER:
		return tell(f, REASON_CONV_LATER);
	case TOKEN_NO_MEMORY:
		return tell(f, REASON_NO_MEANS);
	case TOKEN_FAILED:
	default:
		return tell(f, REASON_CONV_FAILED);
	}
}

static enum reason_id
reason_of_password(unsigned verdict)
{
	switch (verdict) {
	case KU_AUTH_OK:
		return REASON_ACCEPTED;
	case KU_AUTH_OK_CACHED:
		return REASON_ACCEPTED_CACHED;
	case KU_AUTH_DENIED:
		return REASON_DENIED;
	case KU_AUTH_WRONG:
		return REASON_WRONG;
	case KU_AUTH_NO_CREDENTIAL:
		return REASON_NO_CREDENTIAL;
	case KU_AUTH_SUSPENDED:
		return REASON_SUSPENDED;
	case KU_AUTH_WAIT:
		return REASON_WAIT;
	case KU_AUTH_TOO_OLD:
		return REASON_TOO_OLD;
	case KU_AUTH_INVALID:
		return REASON_INVALID;
	default:
		return REASON_PROTOCOL;
	}
}

/*
 * May another password be asked for? After a stacked one, which was meant for another
 * module, always once (unless the administrator said that there is only that one).
 */
static bool
may_ask_again(const struct flow *f)
{
	if ((reason_get(f->reason)->flags & REASON_AGAIN) == 0 || f->options->use_authtok)
		return false;
	if (f->stacked)
		return !f->options->use_first_pass;
	return f->asked < f->options->retry && f->asked < OPTIONS_MAX_RETRY;
}

/* ---- acct_mgmt ---- */

static enum reason_id
reason_of_account(unsigned verdict)
{
	switch (verdict) {
	case KU_ACCT_OK:
		return REASON_ALLOWED;
	case KU_ACCT_EXPIRED:
		return REASON_EXPIRED;
	case KU_ACCT_NOT_ALLOWED:
		return REASON_NOT_ALLOWED;
	case KU_ACCT_NOBODY:
		return REASON_NOBODY;
	default:
		return REASON_PROTOCOL;
	}
}

static struct flow_step
after_acct(struct flow *f, const struct flow_got *got)
{
	if (!is_answer(got))
		return tell(f, reason_of_trouble(got));
	f->known = true;
	return tell(f, reason_of_account(got->verdict));
}

/* ---- open_session ---- */

static struct flow_step
after_session(struct flow *f, const struct flow_got *got)
{
	bool deny = (got->flags & KU_SESSION_DENY) != 0;

	if (!is_answer(got))
		return tell(f, reason_of_trouble(got));
	f->flags = got->flags;
	switch (got->verdict) {
	case KU_SESSION_OK:
		return tell(f, REASON_HOME);
	case KU_SESSION_FAILED:
		return tell(f, deny ? REASON_HOME_FAILED_DENY : REASON_HOME_FAILED);
	case KU_SESSION_NO_TASKS:
		if ((got->flags & KU_SESSION_LOOK) == 0)
			return tell(f, REASON_HOME_UNSEEN);
		return take(f, FLOW_HOME, 0);
	default:
		return tell(f, REASON_PROTOCOL);
	}
}

static struct flow_step
after_home(struct flow *f, const struct flow_got *got)
{
	bool deny = (f->flags & KU_SESSION_DENY) != 0;

	switch (got->home) {
	case HOME_THERE:
		return tell(f, REASON_HOME);
	case HOME_MISSING:
		return tell(f, deny ? REASON_HOME_MISSING_DENY : REASON_HOME_MISSING);
	case HOME_UNKNOWN:
	default:
		return tell(f, REASON_HOME_UNSEEN);
	}
}

/* ---- all of it ---- */

struct flow_step
flow_begin(struct flow *f, const struct options *o, enum reason_entry entry, bool update)
{
	*f = (struct flow){ .options = o,
		.entry = entry,
		.update = update,
		.reason = REASON_PROTOCOL };
	return take(f, FLOW_WHO, 0);
}

struct flow_step
flow_next(struct flow *f, const struct flow_got *got)
{
	if (++f->steps >= FLOW_MAX_STEPS) {
		f->reason = REASON_PROTOCOL;
		return finish(f);
	}
	switch (f->at) {
	case FLOW_WHO:
		return after_who(f, got);
	case FLOW_LOOKUP:
		return after_lookup(f, got);
	case FLOW_STACKED:
		return after_stacked(f, got);
	case FLOW_PROMPT:
		return after_prompt(f, got);
	case FLOW_KEEP:
		return take(f, FLOW_AUTH, f->answer_ms);
	case FLOW_FORGET:
		return prompt(f);
	case FLOW_AUTH:
		return tell(f,
		    is_answer(got) ? reason_of_password(got->verdict)
				   : reason_of_trouble(got));
	case FLOW_HOLD:
		return tell(f, f->reason);
	case FLOW_ACCT:
		return after_acct(f, got);
	case FLOW_SESSION:
		return after_session(f, got);
	case FLOW_HOME:
		return after_home(f, got);
	case FLOW_TELL:
		return may_ask_again(f) ? take(f, FLOW_FORGET, 0) : finish(f);
	case FLOW_END:
	default:
		return finish(f);
	}
}
