/* SPDX-License-Identifier: MPL-2.0 */
/* Credentials and values for the tests of the store: put, waited for, loaded. */
#pragma once

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "unit/src/unixd/store/kit.h"

struct secrets {
	unsigned creds;
	unsigned values;
	char last_cred[64];
	char last_value[64];
	char last_key[STORE_MAX_KEY + 1];
};

static inline void
keep_text(char *out, size_t cap, const void *blob, size_t len)
{
	len = len < cap ? len : cap - 1;
	memcpy(out, blob, len);
	out[len] = '\0';
}

static inline void
take_cred(void *arg, const struct uuid *uuid, const void *blob, size_t len)
{
	struct secrets *got = arg;

	(void)uuid;
	got->creds++;
	keep_text(got->last_cred, sizeof(got->last_cred), blob, len);
}

static inline void
take_value(void *arg, const char *key, const void *blob, size_t len)
{
	struct secrets *got = arg;

	got->values++;
	(void)snprintf(got->last_key, sizeof(got->last_key), "%s", key);
	keep_text(got->last_value, sizeof(got->last_value), blob, len);
}

static inline struct secrets
load_secrets(struct kit *k)
{
	struct secrets got = { 0 };
	struct store_secrets sink = { &got, take_cred, take_value };

	assert_int_equal(store_load_secrets(k->store, &sink), 0);
	return got;
}

static inline struct secrets
reopen(struct kit *k)
{
	kit_close(k);
	kit_open(k);
	return load_secrets(k);
}

/* What done() was called with. */
struct told {
	unsigned times;
	int rc;
};

static inline void
be_told(void *arg, int rc)
{
	struct told *t = arg;

	t->times++;
	t->rc = rc;
}

static inline bool
wait_told(struct kit *k, const struct told *t, unsigned times)
{
	struct deadline d = deadline_in_ms(20000);

	while (t->times < times && deadline_left_ms(d) > 0)
		assert_true(loop_turn(k->loop, 100) >= 0);
	return t->times == times;
}

static inline void
put(struct kit *k, uint32_t n, const char *text, struct told *t)
{
	struct uuid uuid = kit_uuid(n);

	store_put_cred(k->store, &uuid, text, strlen(text), t == NULL ? NULL : be_told,
	    t);
}

static inline void
del(struct kit *k, uint32_t n)
{
	struct uuid uuid = kit_uuid(n);

	store_del_cred(k->store, &uuid);
}

static inline void
set_file_limit(rlim_t bytes)
{
	struct rlimit lim;

	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &lim), 0);
	lim.rlim_cur = bytes < lim.rlim_max ? bytes : lim.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &lim), 0);
}
