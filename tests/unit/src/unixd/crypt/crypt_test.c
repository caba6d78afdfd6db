/* SPDX-License-Identifier: MPL-2.0 */
/* The KDFs are replaced by quick ones behind a gate, so that a test decides how many are
 * running when something happens. */
#include <pthread.h>

#include <openssl/evp.h>

#include "src/unixd/crypt/kdf.h"
#include "unit/src/unixd/crypt/kit.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool gate_open = true;
static bool pin_gate_open = true;
static unsigned inside;
static unsigned most_inside;
static bool no_memory;

static void
set_gate(bool *gate, bool open)
{
	(void)pthread_mutex_lock(&lock);
	*gate = open;
	if (open)
		(void)pthread_cond_broadcast(&changed);
	(void)pthread_mutex_unlock(&lock);
}

static void
pass(const bool *gate)
{
	(void)pthread_mutex_lock(&lock);
	inside++;
	most_inside = inside > most_inside ? inside : most_inside;
	(void)pthread_cond_broadcast(&changed);
	while (!*gate)
		(void)pthread_cond_wait(&changed, &lock);
	inside--;
	(void)pthread_mutex_unlock(&lock);
}

static void
wait_inside(unsigned n)
{
	(void)pthread_mutex_lock(&lock);
	while (inside < n)
		(void)pthread_cond_wait(&changed, &lock);
	(void)pthread_mutex_unlock(&lock);
}

static unsigned
take_most_inside(void)
{
	unsigned n;

	(void)pthread_mutex_lock(&lock);
	n = most_inside;
	most_inside = 0;
	(void)pthread_mutex_unlock(&lock);
	return n;
}

int __real_kdf_run(const struct kdf *k, const struct secret *password,
    const uint8_t salt[KDF_SALT_LEN], struct secret *ret_key);
int __wrap_kdf_run(const struct kdf *k, const struct secret *password,
    const uint8_t salt[KDF_SALT_LEN], struct secret *ret_key);
int __real_EVP_PBE_scrypt(const char *password, size_t len, const unsigned char *salt,
    size_t salt_len, uint64_t n, uint64_t r, uint64_t p, uint64_t max, unsigned char *key,
    size_t key_len);
int __wrap_EVP_PBE_scrypt(const char *password, size_t len, const unsigned char *salt,
    size_t salt_len, uint64_t n, uint64_t r, uint64_t p, uint64_t max, unsigned char *key,
    size_t key_len);

int
__wrap_kdf_run(const struct kdf *k, const struct secret *password,
    const uint8_t salt[KDF_SALT_LEN], struct secret *ret_key)
{
	static const struct kdf quick = { KDF_SCRYPT, 10, 1, 1 };

	worker_role_assume();
	pass(&gate_open);
	if (!kdf_is_bounded(k))
		return -EBADMSG;
	return no_memory ? -ENOMEM : __real_kdf_run(&quick, password, salt, ret_key);
}

/* The pin's; and that of the quick one above, which is not let through any gate again. */
int
__wrap_EVP_PBE_scrypt(const char *password, size_t len, const unsigned char *salt,
    size_t salt_len, uint64_t n, uint64_t r, uint64_t p, uint64_t max, unsigned char *key,
    size_t key_len)
{
	(void)n;
	(void)p;
	if (r != 1)
		pass(&pin_gate_open);
	return __real_EVP_PBE_scrypt(password, len, salt, salt_len, 1024, 1, 1, max, key,
	    key_len);
}

static void
a_key_is_made_once_and_opens_again(void **state)
{
	struct kit *k = *state;
	struct answer made = { 0 };
	struct answer checked = { 0 };
	char text[PIN_MAX_PATH + 32];

	kit_begin(k);
	assert_int_equal(k->opened, 0);
	assert_int_equal(crypt_state(k->crypt), CRYPT_OPENING);
	assert_true(kit_wait(k, &k->opened, 1));
	assert_int_equal(k->state, CRYPT_NEW_KEY);
	assert_int_equal(crypt_state(k->crypt), CRYPT_NEW_KEY);
	assert_true(k->gave_blob);
	assert_true(k->sealed_len > 0 && k->sealed_len <= CRYPT_MAX_SEALED);
	(void)snprintf(text, sizeof(text), "soft key, pin %s", k->pin.path);
	assert_string_equal(crypt_text(k->crypt), text);
	assert_non_null(kit_make(k, "secret", false, &made));
	assert_true(kit_wait(k, &made.times, 1));
	assert_int_equal(made.rc, 0);
	assert_int_equal(kit_open(k), CRYPT_READY);
	assert_false(k->gave_blob);
	assert_string_equal(crypt_text(k->crypt), text);
	assert_non_null(kit_check(k, "secret", &made, false, &checked));
	assert_true(kit_wait(k, &checked.times, 1));
	assert_int_equal(checked.rc, 1);
	assert_non_null(kit_check(k, "Secret", &made, false, &checked));
	assert_true(kit_wait(k, &checked.times, 2));
	assert_int_equal(checked.rc, 0);
}

static void
another_pin_makes_a_new_key_and_voids_what_was_made(void **state)
{
	struct kit *k = *state;
	struct answer made = { 0 };
	struct answer checked = { 0 };

	assert_int_equal(kit_open(k), CRYPT_NEW_KEY);
	assert_non_null(kit_make(k, "secret", false, &made));
	assert_true(kit_wait(k, &made.times, 1));
	kit_write_pin(k, "another pin that is long enough");
	assert_int_equal(kit_open(k), CRYPT_NEW_KEY);
	assert_true(k->gave_blob);
	assert_non_null(strstr(crypt_text(k->crypt), "new, the stored one"));
	assert_non_null(kit_check(k, "secret", &made, false, &checked));
	assert_true(kit_wait(k, &checked.times, 1));
	assert_int_equal(checked.rc, -EBADMSG);
	/* A stored one that is far too long is no key either. */
	k->sealed_len = sizeof(k->sealed);
	assert_int_equal(kit_open(k), CRYPT_NEW_KEY);
	assert_int_equal(kit_open(k), CRYPT_READY);
}

static void
without_a_pin_there_is_no_key(void **state)
{
	struct kit *k = *state;
	struct answer a = { 0 };
	struct answer b = { 0 };

	k->pin.state = PIN_NO_PLACE;
	(void)snprintf(k->pin.text, sizeof(k->pin.text), "no place for it");
	kit_begin(k);
	/* Whoever asked before that was known is answered. */
	assert_non_null(kit_make(k, "x", false, &a));
	assert_non_null(kit_make(k, "x", true, &b));
	assert_true(kit_wait(k, &k->opened, 1));
	assert_int_equal(k->state, CRYPT_NONE);
	assert_false(k->gave_blob);
	assert_string_equal(crypt_text(k->crypt), "no place for it");
	assert_int_equal(a.times, 1);
	assert_int_equal(a.rc, -ENOKEY);
	assert_int_equal(b.rc, -ENOKEY);
	assert_null(kit_make(k, "x", false, &a));
	assert_null(kit_check(k, "x", &a, false, &b));
}

static void
a_pin_that_went_away_is_no_reason_for_a_new_key(void **state)
{
	struct kit *k = *state;

	assert_int_equal(kit_open(k), CRYPT_NEW_KEY);
	assert_int_equal(unlink(k->pin.path), 0);
	assert_int_equal(kit_open(k), CRYPT_NONE);
	assert_false(k->gave_blob);
	assert_non_null(strstr(crypt_text(k->crypt), "No such file"));
	assert_non_null(strstr(crypt_text(k->crypt), k->pin.path));
	kit_write_pin(k, "short");
	assert_int_equal(kit_open(k), CRYPT_NONE);
	assert_non_null(strstr(crypt_text(k->crypt), "not a pin"));
	kit_write_pin(k, "a pin that somebody wrote by hand");
	assert_int_equal(kit_open(k), CRYPT_READY);
}

static void
jobs_wait_until_the_key_is_open(void **state)
{
	struct kit *k = *state;
	struct answer a = { 0 };

	set_gate(&pin_gate_open, false);
	kit_begin(k);
	assert_non_null(kit_make(k, "secret", false, &a));
	wait_inside(1);
	assert_true(loop_turn(k->loop, 0) >= 0);
	assert_int_equal(k->opened, 0);
	assert_int_equal(a.times, 0);
	set_gate(&pin_gate_open, true);
	assert_true(kit_wait(k, &a.times, 1));
	assert_int_equal(k->opened, 1);
	assert_int_equal(a.rc, 0);
}

static void
an_answer_never_comes_from_inside(void **state)
{
	struct kit *k = *state;
	struct answer made = { 0 };
	struct answer a = { 0 };

	(void)kit_open(k);
	/* Not even when there is nothing to compute. */
	assert_non_null(kit_check(k, "x", &made, false, &a));
	assert_int_equal(a.times, 0);
	assert_true(kit_wait(k, &a.times, 1));
	assert_int_equal(a.rc, -EBADMSG);
	made.len = 80;
	assert_non_null(kit_check(k, "x", &made, false, &a));
	assert_true(kit_wait(k, &a.times, 2));
	assert_int_equal(a.rc, -EBADMSG);
	no_memory = true;
	assert_non_null(kit_make(k, "x", false, &a));
	assert_true(kit_wait(k, &a.times, 3));
	no_memory = false;
	assert_int_equal(a.rc, -ENOMEM);
}

static void
people_go_before_work_behind_an_answer(void **state)
{
	struct kit *k = *state;
	struct answer behind[3] = { 0 };
	struct answer front[3] = { 0 };
	unsigned overtaken = 0;

	(void)kit_open(k);
	(void)take_most_inside();
	set_gate(&gate_open, false);
	for (size_t i = 0; i < 3; i++)
		assert_non_null(kit_make(k, "x", true, &behind[i]));
	/* One thread is kept free for whoever comes. */
	wait_inside(1);
	for (size_t i = 0; i < 3; i++)
		assert_non_null(kit_make(k, "x", false, &front[i]));
	wait_inside(2);
	assert_int_equal(take_most_inside(), 2);
	set_gate(&gate_open, true);
	assert_true(kit_wait(k, &behind[2].times, 1));
	for (size_t i = 0; i < 3; i++) {
		/* Its thread may have stood still for as long as the other one did the rest. */
		assert_true(kit_wait(k, &front[i].times, 1));
		assert_int_equal(front[i].rc, 0);
		overtaken += front[i].order > behind[1].order;
	}
	/* The last of them may still have been running beside it. */
	assert_in_range(overtaken, 0, 1);
	assert_true(behind[0].order < behind[1].order);
	assert_true(behind[1].order < behind[2].order);
	assert_in_range(take_most_inside(), 1, 2);
}

static void
both_lines_have_an_end(void **state)
{
	struct kit *k = *state;
	struct answer a = { 0 };
	struct answer b = { 0 };
	unsigned n = 0;
	unsigned m = 0;

	(void)kit_open(k);
	set_gate(&gate_open, false);
	while (kit_make(k, "x", true, &b) != NULL)
		m++;
	assert_int_equal(m, CRYPT_QUEUE_BEHIND + 1);
	while (kit_make(k, "x", false, &a) != NULL)
		n++;
	/* The one that runs, and the line. */
	assert_int_equal(n, CRYPT_QUEUE + 1);
	set_gate(&gate_open, true);
	assert_true(kit_wait(k, &a.times, n));
	assert_true(kit_wait(k, &b.times, m));
	assert_non_null(kit_make(k, "x", false, &a));
	assert_true(kit_wait(k, &a.times, n + 1));
}

static void
who_is_cancelled_is_not_called(void **state)
{
	struct kit *k = *state;
	struct answer gone[4] = { 0 };
	struct crypt_job *job[4];
	struct answer last = { 0 };

	(void)kit_open(k);
	set_gate(&gate_open, false);
	for (size_t i = 0; i < 3; i++)
		job[i] = kit_make(k, "x", false, &gone[i]);
	job[3] = kit_make(k, "x", true, &gone[3]);
	assert_non_null(kit_make(k, "x", false, &last));
	wait_inside(2);
	for (size_t i = 0; i < 4; i++) {
		assert_non_null(job[i]);
		crypt_cancel(job[i]);
	}
	set_gate(&gate_open, true);
	assert_true(kit_wait(k, &last.times, 1));
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(gone[i].times, 0);
}

static void *
open_the_gate(void *arg)
{
	(void)arg;
	set_gate(&gate_open, true);
	return NULL;
}

static void
closing_answers_everybody(void **state)
{
	struct kit *k = *state;
	struct answer a[6] = { 0 };
	struct crypt_job *cancelled;
	struct answer c = { 0 };
	pthread_t opener;

	(void)kit_open(k);
	set_gate(&gate_open, false);
	cancelled = kit_make(k, "x", false, &c);
	for (size_t i = 0; i < 6; i++)
		assert_non_null(kit_make(k, "x", i % 2 == 0, &a[i]));
	crypt_cancel(cancelled);
	wait_inside(2);
	assert_int_equal(pthread_create(&opener, NULL, open_the_gate, NULL), 0);
	k->crypt = crypt_free(k->crypt);
	assert_int_equal(pthread_join(opener, NULL), 0);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(a[i].times, 1);
		assert_int_equal(a[i].rc, -ECANCELED);
	}
	assert_int_equal(c.times, 0);
	/* Also before there was a key. */
	kit_begin(k);
	assert_non_null(kit_make(k, "x", false, &a[0]));
	k->crypt = crypt_free(k->crypt);
	assert_int_equal(a[0].times, 2);
	assert_int_equal(a[0].rc, -ECANCELED);
	assert_int_equal(k->opened, 0);
}

struct chain {
	struct kit *k;
	struct answer a;
	struct crypt_job *other;
};

static void
made_one_more(void *arg, int rc, const void *verifier, size_t len)
{
	struct chain *ch = arg;

	kit_made(&ch->a, rc, verifier, len);
	if (ch->other != NULL)
		crypt_cancel(TAKE_PTR(ch->other));
	if (ch->a.times == 1)
		assert_true((kit_make(ch->k, "x", false, &ch->a) != NULL) == (rc == 0));
}

/* A job that has answered cannot be cancelled any more. */
static void
made_the_other(void *arg, int rc, const void *verifier, size_t len)
{
	struct chain *ch = arg;

	(void)rc;
	(void)verifier;
	(void)len;
	ch->other = NULL;
}

static void
a_callback_may_post_and_cancel(void **state)
{
	struct kit *k = *state;
	struct chain ch = { .k = k };
	struct answer other = { 0 };
	struct secret *s cleanup_(secret_freep) = secret_copy("x", 1);

	(void)kit_open(k);
	set_gate(&gate_open, false);
	assert_non_null(crypt_make(k->crypt, s, false, made_one_more, &ch));
	(void)kit_make(k, "x", true, &other);
	ch.other = crypt_make(k->crypt, s, true, made_the_other, &ch);
	set_gate(&gate_open, true);
	assert_true(kit_wait(k, &ch.a.times, 2));
	assert_true(kit_wait(k, &other.times, 1));
	/* The same while closing: nothing new is begun. */
	ch = (struct chain){ .k = k };
	assert_non_null(crypt_make(k->crypt, s, false, made_one_more, &ch));
	k->crypt = crypt_free(k->crypt);
	assert_int_equal(ch.a.times, 1);
	assert_int_equal(ch.a.rc, -ECANCELED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(a_key_is_made_once_and_opens_again),
		KIT_TEST(another_pin_makes_a_new_key_and_voids_what_was_made),
		KIT_TEST(without_a_pin_there_is_no_key),
		KIT_TEST(a_pin_that_went_away_is_no_reason_for_a_new_key),
		KIT_TEST(jobs_wait_until_the_key_is_open),
		KIT_TEST(an_answer_never_comes_from_inside),
		KIT_TEST(people_go_before_work_behind_an_answer),
		KIT_TEST(both_lines_have_an_end),
		KIT_TEST(who_is_cancelled_is_not_called),
		KIT_TEST(closing_answers_everybody),
		KIT_TEST(a_callback_may_post_and_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
