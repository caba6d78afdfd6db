/* SPDX-License-Identifier: MPL-2.0 */
#include "pam/talk.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <security/pam_modules.h>

int __wrap_pam_get_item(const pam_handle_t *pamh, int type, const void **item);

static struct pam_conv conv;
static const void *the_conv;
static const char *authtok;
static int item_code;

static struct {
	int code;
	bool reply;       /* a response is given */
	const char *text; /* and a string in it */
	unsigned calls;
	int style;
	int cancel;
} person;

/* Never looked into here. */
static pam_handle_t *
handle(void)
{
	return (pam_handle_t *)(void *)&person;
}

int
__wrap_pam_get_item(const pam_handle_t *pamh, int type, const void **item)
{
	assert_ptr_equal(pamh, handle());
	*item = type == PAM_CONV ? the_conv : authtok;
	return item_code;
}

static int
converse(int n, const struct pam_message **msg, struct pam_response **resp, void *arg)
{
	assert_int_equal(n, 1);
	assert_ptr_equal(arg, &person);
	assert_null(*resp);
	person.calls++;
	person.style = msg[0]->msg_style;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &person.cancel);
	if (person.reply) {
		*resp = calloc(1, sizeof(**resp));
		assert_non_null(*resp);
		if (person.text != NULL)
			(*resp)->resp = strdup(person.text);
	}
	return person.code;
}

static int
begin(void **state)
{
	(void)state;
	memset(&person, 0, sizeof(person));
	conv = (struct pam_conv){ .conv = converse, .appdata_ptr = &person };
	the_conv = &conv;
	authtok = NULL;
	item_code = PAM_SUCCESS;
	return 0;
}

static enum flow_token
ask(const char *want)
{
	struct secret *s = NULL;
	enum flow_token got = talk_password(handle(), PTHREAD_CANCEL_ENABLE,
	    "Password: ", &s);

	assert_int_equal(s != NULL, got == TOKEN_GOT);
	if (want != NULL) {
		assert_int_equal(s->len, strlen(want));
		assert_memory_equal(s->data, want, s->len + 1);
	}
	s = secret_free(s);
	return got;
}

static void
what_is_typed_is_copied(void **state)
{
	(void)state;
	person.reply = true;
	person.text = "secret";
	assert_int_equal(ask("secret"), TOKEN_GOT);
	assert_int_equal(person.style, PAM_PROMPT_ECHO_OFF);
	person.text = "";
	assert_int_equal(ask(""), TOKEN_GOT);
}

/* The sanitizers see what is not freed. */
static void
every_way_not_to_answer_is_told_apart(void **state)
{
	(void)state;
	assert_int_equal(ask(NULL), TOKEN_NONE);
	person.reply = true;
	assert_int_equal(ask(NULL), TOKEN_NONE);
	person.code = PAM_CONV_AGAIN;
	person.text = "too early";
	assert_int_equal(ask(NULL), TOKEN_LATER);
	person.code = PAM_CONV_ERR;
	assert_int_equal(ask(NULL), TOKEN_FAILED);
	person.code = PAM_BUF_ERR;
	person.text = NULL;
	assert_int_equal(ask(NULL), TOKEN_FAILED);
}

static void
no_conversation_is_a_failed_one(void **state)
{
	(void)state;
	the_conv = NULL;
	assert_int_equal(ask(NULL), TOKEN_FAILED);
	the_conv = &conv;
	conv.conv = NULL;
	assert_int_equal(ask(NULL), TOKEN_FAILED);
	conv.conv = converse;
	item_code = PAM_BAD_ITEM;
	assert_int_equal(ask(NULL), TOKEN_FAILED);
	assert_int_equal(person.calls, 0);
	talk_say(handle(), PTHREAD_CANCEL_ENABLE, PAM_TEXT_INFO, "nobody hears it");
}

static void
a_text_of_any_length_is_cut_one_behind_the_limit(void **state)
{
	static char text[100000];
	struct secret *s = NULL;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	person.reply = true;
	person.text = text;
	assert_int_equal(talk_password(handle(), PTHREAD_CANCEL_ENABLE, "Password: ", &s),
	    TOKEN_GOT);
	assert_int_equal(s->len, 513);
	s = secret_free(s);
}

static void
a_stacked_password_is_copied(void **state)
{
	struct secret *s = NULL;

	(void)state;
	assert_int_equal(talk_stacked(handle(), &s), TOKEN_NONE);
	authtok = "stacked";
	assert_int_equal(talk_stacked(handle(), &s), TOKEN_GOT);
	assert_string_equal((const char *)s->data, "stacked");
	s = secret_free(s);
	item_code = PAM_BAD_ITEM;
	assert_int_equal(talk_stacked(handle(), &s), TOKEN_NONE);
	assert_int_equal(person.calls, 0);
}

static void
a_waiting_thread_can_be_cancelled_when_the_host_allows_it(void **state)
{
	static const int host[] = { PTHREAD_CANCEL_ENABLE, PTHREAD_CANCEL_DISABLE };
	int before, after;

	(void)state;
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	for (int i = 0; i < 2; i++) {
		talk_say(handle(), host[i], PAM_ERROR_MSG, "hello");
		assert_int_equal(person.cancel, host[i]);
	}
	(void)pthread_setcancelstate(before, &after);
	assert_int_equal(after, PTHREAD_CANCEL_DISABLE);
	assert_int_equal(person.style, PAM_ERROR_MSG);
}

static void
texts_lose_what_steers_a_terminal(void **state)
{
	char to[16];

	(void)state;
	talk_clean(to, sizeof(to), "a\x1b[2J\nb\x7f\xc2\x9b");
	assert_string_equal(to, "a?[2J?b???");
	talk_clean(to, 4, "abcdef");
	assert_string_equal(to, "abc");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_is_typed_is_copied, begin),
		cmocka_unit_test_setup(every_way_not_to_answer_is_told_apart, begin),
		cmocka_unit_test_setup(no_conversation_is_a_failed_one, begin),
		cmocka_unit_test_setup(a_text_of_any_length_is_cut_one_behind_the_limit,
		    begin),
		cmocka_unit_test_setup(a_stacked_password_is_copied, begin),
		cmocka_unit_test_setup(
		    a_waiting_thread_can_be_cancelled_when_the_host_allows_it, begin),
		cmocka_unit_test(texts_lose_what_steers_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
