/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The hands of the flow: each step is one function here, and what it learnt goes back. All
 * that a call knows is in a struct on its stack, so that any number of conversations may
 * run in a process, and nothing is left when it returns: no descriptor, no mapping, no
 * password. PAM_USER is read and never written.
 *
 * A thread is not cancelled in here, unless the host allows it, and then only while it waits
 * for the person.
 */
#include "pam/run.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include <security/pam_ext.h>
#include <security/pam_modules.h>

#include "ku/paths.h"
#include "ku/wire.h"
#include "pam/ask.h"
#include "pam/audit.h"
#include "pam/flow.h"
#include "pam/local.h"
#include "pam/options.h"
#include "pam/talk.h"
#include "src/base/util.h"
#include "src/map/map.h"

#define PROMPT        "Password: "
#define DELAY_US      2000000u
#define MAX_PASSWD    512
#define LOCAL_IS_ROOT 2

struct run {
	pam_handle_t *pamh;
	struct options options;
	bool silent;
	int cancel;                   /* the host's cancellation state */
	char user[NAME_MAX_TEXT + 1]; /* as typed; "" when it cannot be a name */
	struct name name;
	struct secret *password;
	struct ask_got reply; /* the last one */
	struct ask_got place; /* the lookup's: the uri */
	int error;            /* errno of what went wrong last */
};

static void
run_done(struct run *r)
{
	r->password = secret_free(r->password);
	ask_got_done(&r->reply);
	ask_got_done(&r->place);
}

/* ---- whose is the name? ---- */

/* Copied: PAM's string goes when the application sets another one while it asks. */
static enum flow_who
get_user(struct run *r)
{
	const char *user = NULL;
	int got, state;
	size_t len;

	/* it may ask, too */
	(void)pthread_setcancelstate(r->cancel, &state);
	got = pam_get_user(r->pamh, &user, NULL);
	(void)pthread_setcancelstate(state, &r->cancel);
	if (got == PAM_CONV_AGAIN || got == PAM_INCOMPLETE)
		return WHO_LATER;
	if (got != PAM_SUCCESS || user == NULL)
		return WHO_NO_NAME;
	len = strnlen(user, sizeof(r->user));
	if (name_parse(user, len, &r->name) != 0)
		return WHO_LOCAL;
	memcpy(r->user, user, len);
	return WHO_OURS;
}

/* A local name, not root's: who gets it is in the map, if there is one. On a stack frame of
 * its own, because the map's state is large and threads may be small. */
static __attribute__((noinline)) enum flow_who
ask_map(const struct name *name)
{
	struct map map = MAP_INIT(KU_PATH_MAP);
	char buf[MAX_PASSWD];
	struct passwd pw;
	enum flow_who who = WHO_OPEN;

	if (map_user_is_overridden(&map, name))
		who = WHO_OVERRIDDEN;
	else if (map_passwd_by_name(&map, name, MAP_ANY_AGE, &pw, buf, sizeof(buf)) ==
	    MAP_LOCAL)
		who = WHO_LOCAL;
	map_close(&map);
	return who;
}

static enum flow_who
who(struct run *r)
{
	enum flow_who user = get_user(r);
	int local;

	if (user != WHO_OURS)
		return user;
	if (streq(r->name.text, "root"))
		return WHO_LOCAL;
	local = local_find(KU_PATH_ETC_PASSWD, &r->name);
	if (local < 0) {
		r->error = -local;
		return WHO_UNREADABLE;
	}
	if (local == 0)
		return WHO_OURS;
	return local == LOCAL_IS_ROOT ? WHO_LOCAL : ask_map(&r->name);
}

/* ---- questions ---- */

static const char *
item(const struct run *r, int type)
{
	const void *value = NULL;

	return pam_get_item(r->pamh, type, &value) == PAM_SUCCESS ? value : NULL;
}

static void
ask(struct run *r, const struct flow_step *s, struct flow_got *got)
{
	struct ask q = {
		.name = &r->name,
		.service = item(r, PAM_SERVICE),
		.tty = item(r, PAM_TTY),
		.rhost = item(r, PAM_RHOST),
		.silent = r->silent,
		.hold = s->act == FLOW_HOLD,
	};
	struct ask_got *reply = s->act == FLOW_LOOKUP ? &r->place : &r->reply;

	ask_got_done(reply);
	if (q.hold)
		r->password = secret_free(r->password);
	if (s->act == FLOW_LOOKUP)
		ask_lookup(&q, s->ms, reply);
	else if (s->act == FLOW_AUTH || q.hold)
		ask_auth(&q, r->password, s->ms, reply);
	else if (s->act == FLOW_ACCT)
		ask_acct(&q, s->ms, reply);
	else
		ask_session(&q, s->ms, reply);
	r->error = -reply->error;
	got->error = reply->error;
	got->status = reply->status;
	got->deadline_ms = reply->first;
	got->verdict = reply->first;
	got->seconds = reply->second;
	got->flags = reply->second;
	if (s->act == FLOW_AUTH)
		r->password = secret_free(r->password);
}

/* ---- the password ---- */

static void
take_password(struct run *r, enum flow_act act, struct flow_got *got)
{
	/* nothing is held while the host may cancel the thread */
	run_done(r);
	got->token = act == FLOW_STACKED
	    ? talk_stacked(r->pamh, &r->password)
	    : talk_password(r->pamh, r->cancel, PROMPT, &r->password);
	got->len = r->password == NULL ? 0 : r->password->len;
	r->error = got->token == TOKEN_NO_MEMORY ? ENOMEM : 0;
}

/* ---- the home ---- */

static enum flow_home
look(const char *home)
{
	struct stat st;

	if (home[0] != '/')
		return HOME_UNKNOWN;
	if (stat(home, &st) == 0)
		return S_ISDIR(st.st_mode) ? HOME_THERE : HOME_MISSING;
	return errno == ENOENT || errno == ENOTDIR ? HOME_MISSING : HOME_UNKNOWN;
}

/* ---- what people and journals are told ---- */

static __attribute__((noinline)) void
say(struct run *r, const struct reason *why)
{
	char text[TALK_MAX_TEXT], with[TALK_MAX_TEXT - 100];
	int style = (why->flags & REASON_INFO) != 0 ? PAM_TEXT_INFO : PAM_ERROR_MSG;

	switch (why->with) {
	case WITH_SECONDS:
		(void)snprintf(with, sizeof(with), "%u", r->reply.second);
		break;
	case WITH_URI:
		talk_clean(with, sizeof(with), r->place.a);
		break;
	case WITH_HOME:
		talk_clean(with, sizeof(with), r->reply.a);
		break;
	case WITH_TEXT:
		talk_clean(with, sizeof(with), r->reply.b);
		break;
	default:
		with[0] = '\0';
		break;
	}
	if (!reason_text(why, with, text, sizeof(text)))
		return;
	run_done(r); /* as in take_password() */
	talk_say(r->pamh, r->cancel, style, text);
}

static void
tell(struct run *r, const struct flow_step *s)
{
	const struct reason *why = reason_get(s->reason);
	struct audit a = { .pamh = r->pamh,
		.user = s->known ? r->user : NULL,
		.error = r->error };

	audit_reason(&a, why, s->code == PAM_SUCCESS);
	if (s->say && !r->silent && why->say != NULL)
		say(r, why);
	if ((why->flags & REASON_DELAY) != 0 && !r->options.nodelay)
		(void)pam_fail_delay(r->pamh, DELAY_US);
}

static void
unknown_option(void *arg, const char *word)
{
	char clean[64];

	talk_clean(clean, sizeof(clean), word);
	pam_syslog(arg, LOG_ERR, "unknown option: %s", clean);
}

static void
debug(const struct run *r, const struct flow_step *s, const struct flow_got *got)
{
	if (r->options.debug)
		pam_syslog(r->pamh, LOG_DEBUG,
		    "step %d: who=%d error=%d status=%u verdict=%u token=%d home=%d "
		    "reason=%s",
		    (int)s->act, (int)got->who, got->error, got->status, got->verdict,
		    (int)got->token, (int)got->home, reason_get(s->reason)->name);
}

static void
step(struct run *r, const struct flow_step *s, struct flow_got *got)
{
	switch (s->act) {
	case FLOW_WHO:
		got->who = who(r);
		break;
	case FLOW_LOOKUP:
	case FLOW_AUTH:
	case FLOW_HOLD:
	case FLOW_ACCT:
	case FLOW_SESSION:
		ask(r, s, got);
		break;
	case FLOW_STACKED:
	case FLOW_PROMPT:
		take_password(r, s->act, got);
		break;
	case FLOW_KEEP:
		(void)pam_set_item(r->pamh, PAM_AUTHTOK, r->password->data);
		break;
	case FLOW_FORGET:
		(void)pam_set_item(r->pamh, PAM_AUTHTOK, NULL);
		break;
	case FLOW_HOME:
		got->home = look(r->reply.a);
		break;
	case FLOW_TELL:
		tell(r, s);
		break;
	case FLOW_END:
	default:
		break;
	}
	debug(r, s, got);
}

int
run(pam_handle_t *pamh, enum reason_entry entry, int flags, int argc,
    const char *const *argv)
{
	int saved = errno, ignored;
	struct run r = { .pamh = pamh };
	struct flow_step s;
	struct flow f;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &r.cancel);
	options_parse(&r.options, argc, argv, unknown_option, pamh);
	r.silent = ((unsigned)flags & PAM_SILENT) != 0 || r.options.no_warn;
	s = flow_begin(&f, &r.options, entry,
	    ((unsigned)flags & PAM_UPDATE_AUTHTOK) != 0);
	while (s.act != FLOW_END) {
		struct flow_got got = { .error = 0 };

		step(&r, &s, &got);
		s = flow_next(&f, &got);
	}
	run_done(&r);
	(void)pthread_setcancelstate(r.cancel, &ignored);
	errno = saved;
	return s.code;
}
