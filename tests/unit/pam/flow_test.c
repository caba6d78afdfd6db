/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The policy, by trying everything: from each step on, whatever can come of it, for every
 * entry point and choice of options. What must never happen is asked at every step; single
 * cases below say what happens instead.
 */
#include "pam/flow.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <security/_pam_types.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "ku/wire_pam.h"
#include "src/base/util.h"

/* What has happened on the way to a step. */
struct past {
	bool answered;  /* the daemon knows the name */
	bool foreign;   /* somebody said that it is not ours */
	bool let_in;    /* the last verdict */
	bool kept;      /* PAM_AUTHTOK is what was typed */
	bool had_stack; /* there was one before */
	unsigned prompts;
	unsigned tries;
	size_t len; /* of the last password */
};

static size_t n_ends;

static void
end_is_right(const struct flow *f, const struct flow_step *s, const struct past *past)
{
	n_ends++;
	assert_int_not_equal(s->code, PAM_SYSTEM_ERR);
	if (f->entry == ENTRY_AUTH || f->entry == ENTRY_ACCT)
		assert_int_equal(s->code == PAM_SUCCESS, past->let_in);
	if (s->code == PAM_IGNORE || s->code == PAM_USER_UNKNOWN)
		assert_true(past->foreign);
	if (s->code == PAM_IGNORE)
		assert_true(f->options->ignore_unknown_user || f->entry == ENTRY_PASSWD);
	if (f->entry == ENTRY_PASSWD)
		assert_int_not_equal(s->code, PAM_SUCCESS);
}

static void
step_is_right(const struct flow *f, const struct flow_step *s, const struct past *past)
{
	unsigned most = f->options->retry;

	if (past->had_stack)
		most = f->options->use_first_pass ? 0 : f->options->retry;
	assert_int_equal(s->known, f->known);
	switch (s->act) {
	case FLOW_PROMPT:
		assert_int_equal(f->entry, ENTRY_AUTH);
		assert_true(past->answered && !f->options->use_authtok && !past->kept);
		assert_true(past->prompts < most);
		break;
	case FLOW_AUTH:
		assert_int_equal(f->entry, ENTRY_AUTH);
		assert_true(past->answered && (past->kept || f->stacked));
		assert_true(past->len > 0 && past->len <= KU_MAX_PASSWORD);
		assert_true(s->ms >= FLOW_LOOKUP_MS &&
		    s->ms <= FLOW_MAX_ANSWER_MS + FLOW_MARGIN_MS);
		break;
	case FLOW_TELL:
		if (s->say && f->entry == ENTRY_AUTH)
			assert_true(past->tries > 0);
		break;
	case FLOW_END:
		end_is_right(f, s, past);
		break;
	default:
		break;
	}
}

static void go(struct flow f, struct flow_step s, struct past past);

/* One thing that may come of the step, and on from there. */
static void
try(const struct flow *f, const struct past *past, const struct flow_got *got)
{
	struct flow copy = *f;
	struct flow_step next = flow_next(&copy, got);

	step_is_right(&copy, &next, past);
	go(copy, next, *past);
}

static void
try_who(const struct flow *f, const struct past *past)
{
	for (int who = 0; who <= WHO_UNREADABLE + 1; who++) {
		struct flow_got got = { .who = (enum flow_who)who };
		struct past p = *past;

		p.foreign = who == WHO_LOCAL;
		try(f, &p, &got);
	}
}

static void
try_question(const struct flow *f, const struct past *past, unsigned last_verdict)
{
	static const int errors[] = { -ETIMEDOUT, -ENOENT, -EPERM, -ERANGE, -EMFILE };
	struct past p = *past;

	p.let_in = false;
	if (f->at == FLOW_LOOKUP)
		p.foreign = f->open;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		/* what is in the rest does not count then */
		struct flow_got got = { .error = errors[i],
			.status = KU_ST_OK,
			.verdict = 1 };

		try(f, &p, &got);
	}
	for (unsigned status = KU_ST_OK + 1; status <= KU_ST_LOCAL + 1; status++) {
		struct flow_got got = { .status = status, .verdict = 1 };
		struct past q = p;

		q.foreign = q.foreign || status == KU_ST_NOTFOUND ||
		    status == KU_ST_LOCAL;
		try(f, &q, &got);
	}
	p.answered = true;
	p.foreign = false;
	for (unsigned verdict = 0; verdict <= last_verdict; verdict++) {
		struct flow_got got = { .status = KU_ST_OK,
			.verdict = verdict,
			.deadline_ms = verdict == 0 ? UINT32_MAX : 2500,
			.flags = verdict };

		p.let_in = f->at != FLOW_LOOKUP &&
		    (verdict == 1 ||
			(f->at == FLOW_AUTH && verdict == KU_AUTH_OK_CACHED));
		try(f, &p, &got);
	}
}

static void
try_token(const struct flow *f, const struct past *past)
{
	static const size_t lens[] = { 0, 1, KU_MAX_PASSWORD, KU_MAX_PASSWORD + 1 };

	for (int token = 0; token <= TOKEN_NO_MEMORY + 1; token++) {
		for (size_t i = 0; i < (token == TOKEN_GOT ? ARRAY_SIZE(lens) : 1); i++) {
			struct flow_got got = { .token = (enum flow_token)token,
				.len = lens[i] };
			struct past p = *past;

			p.prompts += f->at == FLOW_PROMPT;
			p.tries += token == TOKEN_GOT;
			p.len = lens[i];
			p.had_stack = p.had_stack ||
			    (f->at == FLOW_STACKED && token == TOKEN_GOT);
			try(f, &p, &got);
		}
	}
}

static void
go(struct flow f, struct flow_step s, struct past past)
{
	struct flow_got nothing = { .error = 0 };

	assert_true(f.steps < FLOW_MAX_STEPS);
	switch (s.act) {
	case FLOW_WHO:
		try_who(&f, &past);
		break;
	case FLOW_LOOKUP:
		try_question(&f, &past, 1);
		break;
	case FLOW_AUTH:
		try_question(&f, &past, KU_AUTH_INVALID + 1);
		break;
	case FLOW_ACCT:
	case FLOW_SESSION:
		try_question(&f, &past, 5);
		break;
	case FLOW_HOLD: /* whatever comes of it */
		try(&f, &past, &nothing);
		nothing.verdict = KU_AUTH_OK;
		try(&f, &past, &nothing);
		nothing.error = -ETIMEDOUT;
		try(&f, &past, &nothing);
		break;
	case FLOW_STACKED:
	case FLOW_PROMPT:
		try_token(&f, &past);
		break;
	case FLOW_HOME:
		for (int home = 0; home <= HOME_UNKNOWN + 1; home++) {
			nothing.home = (enum flow_home)home;
			try(&f, &past, &nothing);
		}
		break;
	case FLOW_END:
		break;
	case FLOW_KEEP:
	case FLOW_FORGET:
	case FLOW_TELL:
	default:
		past.kept = s.act == FLOW_KEEP || (past.kept && s.act == FLOW_TELL);
		try(&f, &past, &nothing);
		break;
	}
}

static void
whatever_happens_nothing_happens_that_must_not(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 16; bits++) {
		struct options o = { .use_first_pass = (bits & 1) != 0,
			.use_authtok = (bits & 2) != 0,
			.ignore_unknown_user = (bits & 4) != 0,
			.retry = (bits & 8) != 0 ? 2 : 1 };

		for (int e = 0; e < N_REASON_ENTRIES * 2; e++) {
			struct flow f;
			struct flow_step s = flow_begin(&f, &o,
			    (enum reason_entry)(e / 2), e % 2 != 0);

			assert_int_equal(s.act, FLOW_WHO);
			go(f, s, (struct past){ 0 });
		}
	}
	print_message("%zu ways\n", n_ends);
	assert_true(n_ends > 10000);
}

/* ---- single cases ---- */

static struct options plain = { .retry = 1 };

static struct flow_step
at_token(struct flow *f, const struct options *o)
{
	struct flow_got got = { .who = WHO_OURS };
	struct flow_step s = flow_begin(f, o, ENTRY_AUTH, false);

	s = flow_next(f, &got);
	assert_int_equal(s.act, FLOW_LOOKUP);
	assert_int_equal(s.ms, 10000);
	got = (struct flow_got){ .deadline_ms = 120000 };
	s = flow_next(f, &got);
	assert_int_equal(s.act, FLOW_STACKED);
	return s;
}

static struct flow_step
token(struct flow *f, enum flow_token t, size_t len)
{
	struct flow_got got = { .token = t, .len = len };

	return flow_next(f, &got);
}

static struct flow_step
verdict(struct flow *f, unsigned v)
{
	struct flow_got got = { .verdict = v };

	return flow_next(f, &got);
}

static struct flow_step
on(struct flow *f)
{
	struct flow_got got = { .error = 0 };

	return flow_next(f, &got);
}

static void
a_prompted_password_is_kept_before_it_is_judged(void **state)
{
	struct flow f;
	struct flow_step s = at_token(&f, &plain);

	(void)state;
	assert_int_equal(token(&f, TOKEN_NONE, 0).act, FLOW_PROMPT);
	assert_int_equal(token(&f, TOKEN_GOT, 8).act, FLOW_KEEP);
	s = on(&f);
	assert_int_equal(s.act, FLOW_AUTH);
	assert_int_equal(s.ms, 121000);
	s = verdict(&f, KU_AUTH_OK);
	assert_int_equal(s.reason, REASON_ACCEPTED);
	assert_false(s.say);
	s = on(&f);
	assert_int_equal(s.act, FLOW_END);
	assert_int_equal(s.code, PAM_SUCCESS);
}

static void
nobody_takes_the_time_of_somebody(void **state)
{
	static const unsigned unknown[] = { KU_ST_NOTFOUND, KU_ST_UNAVAIL };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		struct flow_got got = { .who = WHO_OURS };
		struct flow f;
		struct flow_step s = flow_begin(&f, &plain, ENTRY_AUTH, false);

		assert_int_equal(flow_next(&f, &got).act, FLOW_LOOKUP);
		got = (struct flow_got){ .status = unknown[i] };
		assert_int_equal(flow_next(&f, &got).act, FLOW_STACKED);
		assert_int_equal(token(&f, TOKEN_GOT, 8).act, FLOW_HOLD);
		/* whatever is answered */
		s = verdict(&f, KU_AUTH_OK);
		assert_int_equal(s.act, FLOW_TELL);
		assert_int_equal(s.reason,
		    i == 0 ? REASON_NOT_OURS : REASON_NOT_KNOWN_NOW);
		assert_false(s.known);
		assert_int_not_equal(on(&f).code, PAM_SUCCESS);
	}
}

static void
nobody_is_asked_for_a_password(void **state)
{
	struct flow_got got = { .who = WHO_OURS };
	struct flow_step s;
	struct flow f;

	(void)state;
	(void)flow_begin(&f, &plain, ENTRY_AUTH, false);
	(void)flow_next(&f, &got);
	got = (struct flow_got){ .status = KU_ST_NOTFOUND };
	assert_int_equal(flow_next(&f, &got).act, FLOW_STACKED);
	s = token(&f, TOKEN_NONE, 0);
	assert_int_equal(s.act, FLOW_TELL);
	assert_int_equal(s.reason, REASON_NOT_OURS);
}

static void
after_a_wrong_stacked_password_one_is_asked_for(void **state)
{
	struct flow f;
	struct flow_step s = at_token(&f, &plain);

	(void)state;
	assert_int_equal(token(&f, TOKEN_GOT, 8).act, FLOW_AUTH);
	s = verdict(&f, KU_AUTH_DENIED);
	assert_int_equal(s.act, FLOW_TELL);
	assert_int_equal(on(&f).act, FLOW_FORGET);
	assert_int_equal(on(&f).act, FLOW_PROMPT);
	assert_int_equal(token(&f, TOKEN_GOT, 8).act, FLOW_KEEP);
	assert_int_equal(on(&f).act, FLOW_AUTH);
	s = verdict(&f, KU_AUTH_DENIED);
	assert_int_equal(s.act, FLOW_TELL);
	s = on(&f);
	assert_int_equal(s.act, FLOW_END);
	assert_int_equal(s.code, PAM_AUTH_ERR);
}

static void
use_first_pass_takes_the_stacked_one_or_asks_and_never_asks_again(void **state)
{
	struct options o = { .use_first_pass = true, .retry = 1 };
	struct flow f;

	(void)state;
	(void)at_token(&f, &o);
	assert_int_equal(token(&f, TOKEN_GOT, 8).act, FLOW_AUTH);
	assert_int_equal(verdict(&f, KU_AUTH_WRONG).act, FLOW_TELL);
	assert_int_equal(on(&f).code, PAM_AUTH_ERR);
	(void)at_token(&f, &o);
	assert_int_equal(token(&f, TOKEN_NONE, 0).act, FLOW_PROMPT);
}

static void
retry_counts_the_passwords_typed(void **state)
{
	struct options o = { .retry = 3 };
	struct flow f;

	(void)state;
	(void)at_token(&f, &o);
	assert_int_equal(token(&f, TOKEN_NONE, 0).act, FLOW_PROMPT);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(token(&f, TOKEN_GOT, 8).act, FLOW_KEEP);
		assert_int_equal(on(&f).act, FLOW_AUTH);
		assert_int_equal(verdict(&f, KU_AUTH_DENIED).act, FLOW_TELL);
		assert_int_equal(on(&f).act, i < 2 ? FLOW_FORGET : FLOW_END);
		if (i < 2)
			assert_int_equal(on(&f).act, FLOW_PROMPT);
	}
}

static void
where_another_password_cannot_help_none_is_asked_for(void **state)
{
	static const unsigned verdicts[] = { KU_AUTH_NO_CREDENTIAL, KU_AUTH_SUSPENDED,
		KU_AUTH_WAIT, KU_AUTH_TOO_OLD, KU_AUTH_INVALID };
	struct options o = { .retry = 3 };
	struct flow f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
		(void)at_token(&f, &o);
		assert_int_equal(token(&f, TOKEN_GOT, 8).act, FLOW_AUTH);
		assert_int_equal(verdict(&f, verdicts[i]).act, FLOW_TELL);
		assert_int_equal(on(&f).act, FLOW_END);
	}
}

static void
an_open_name_is_local_unless_the_daemon_takes_it(void **state)
{
	struct flow_got open = { .who = WHO_OPEN }, down = { .error = -ENOENT },
			ok = { .error = 0 };
	struct flow f;
	struct flow_step s;

	(void)state;
	for (int e = 0; e < N_REASON_ENTRIES; e++) {
		s = flow_begin(&f, &plain, (enum reason_entry)e, false);
		s = flow_next(&f, &open);
		assert_int_equal(s.act, FLOW_LOOKUP);
		assert_int_equal(s.ms, FLOW_SHORT_MS);
		assert_int_equal(flow_next(&f, &down).reason, REASON_NOT_OURS);
		s = flow_begin(&f, &plain, (enum reason_entry)e, false);
		s = flow_next(&f, &open);
		assert_int_not_equal(flow_next(&f, &ok).reason, REASON_NOT_OURS);
	}
}

static void
setcred_does_not_wait_for_a_daemon(void **state)
{
	struct flow_got ours = { .who = WHO_OURS }, frozen = { .error = -ETIMEDOUT };
	struct flow f;
	struct flow_step s = flow_begin(&f, &plain, ENTRY_CRED, false);

	(void)state;
	s = flow_next(&f, &ours);
	assert_int_equal(s.ms, FLOW_SHORT_MS);
	(void)flow_next(&f, &frozen);
	assert_int_equal(on(&f).code, PAM_SUCCESS);
}

static void
the_second_pass_says_nothing_again(void **state)
{
	struct flow_got ours = { .who = WHO_OURS }, ok = { .error = 0 };
	struct flow f;
	struct flow_step s;

	(void)state;
	(void)flow_begin(&f, &plain, ENTRY_PASSWD, false);
	(void)flow_next(&f, &ours);
	s = flow_next(&f, &ok);
	assert_int_equal(s.reason, REASON_ELSEWHERE);
	assert_true(s.say);
	(void)flow_begin(&f, &plain, ENTRY_PASSWD, true);
	(void)flow_next(&f, &ours);
	s = flow_next(&f, &ok);
	assert_null(reason_get(s.reason)->say);
	assert_int_equal(on(&f).code, PAM_AUTHTOK_ERR);
}

static void
a_machine_that_is_never_told_an_end_ends(void **state)
{
	struct options o = { .retry = OPTIONS_MAX_RETRY };
	struct flow_got got = { .who = WHO_OURS,
		.token = TOKEN_GOT,
		.len = 1,
		.verdict = 3 };
	struct flow f;
	struct flow_step s = flow_begin(&f, &o, ENTRY_AUTH, false);
	unsigned n = 0;

	(void)state;
	for (; s.act != FLOW_END; n++)
		s = flow_next(&f, &got);
	assert_true(n < FLOW_MAX_STEPS);
	assert_int_equal(s.code, PAM_AUTH_ERR);
	assert_int_equal(f.asked, OPTIONS_MAX_RETRY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_happens_nothing_happens_that_must_not),
		cmocka_unit_test(nobody_takes_the_time_of_somebody),
		cmocka_unit_test(nobody_is_asked_for_a_password),
		cmocka_unit_test(a_prompted_password_is_kept_before_it_is_judged),
		cmocka_unit_test(after_a_wrong_stacked_password_one_is_asked_for),
		cmocka_unit_test(
		    use_first_pass_takes_the_stacked_one_or_asks_and_never_asks_again),
		cmocka_unit_test(retry_counts_the_passwords_typed),
		cmocka_unit_test(where_another_password_cannot_help_none_is_asked_for),
		cmocka_unit_test(an_open_name_is_local_unless_the_daemon_takes_it),
		cmocka_unit_test(setcred_does_not_wait_for_a_daemon),
		cmocka_unit_test(the_second_pass_says_nothing_again),
		cmocka_unit_test(a_machine_that_is_never_told_an_end_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
