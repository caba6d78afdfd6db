/* SPDX-License-Identifier: MPL-2.0 */
/* What the tests of crypt share: a pin in a directory, a loop, and answers that count. */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/deadline.h"
#include "src/base/util.h"
#include "src/unixd/core/loop.h"
#include "src/unixd/crypt/crypt.h"
#include "src/unixd/hsm/pin.h"

struct kit {
	char dir[64];
	struct pin pin;
	struct loop *loop;
	struct crypt *crypt;
	/* What opened() said. */
	unsigned opened;
	enum crypt_state state;
	uint8_t sealed[CRYPT_MAX_SEALED];
	size_t sealed_len;
	bool gave_blob;
};

/* One answer. */
struct answer {
	unsigned times;
	unsigned order; /* which answer of all this was */
	int rc;
	int took_ms;
	uint8_t verifier[CRYPT_MAX_VERIFIER];
	size_t len;
};

static unsigned kit_order;

static inline void
kit_opened(void *arg, enum crypt_state state, const void *sealed, size_t len)
{
	struct kit *k = arg;

	k->opened++;
	k->state = state;
	k->gave_blob = sealed != NULL;
	if (sealed != NULL) {
		memcpy(k->sealed, sealed, len);
		k->sealed_len = len;
	}
}

static inline void
kit_made(void *arg, int rc, const void *verifier, size_t len)
{
	struct answer *a = arg;

	a->times++;
	a->order = ++kit_order;
	a->rc = rc;
	a->len = len;
	if (rc == 0)
		memcpy(a->verifier, verifier, len);
}

static inline void
kit_checked(void *arg, int rc, int took_ms)
{
	struct answer *a = arg;

	a->times++;
	a->order = ++kit_order;
	a->rc = rc;
	a->took_ms = took_ms;
}

static inline void
kit_write_pin(struct kit *k, const char *text)
{
	FILE *f = fopen(k->pin.path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

static inline int
kit_setup(void **state)
{
	struct kit *k = calloc(1, sizeof(*k));

	(void)snprintf(k->dir, sizeof(k->dir), "/tmp/ku-crypt-XXXXXX");
	if (mkdtemp(k->dir) == NULL)
		return -1;
	(void)snprintf(k->pin.path, sizeof(k->pin.path), "%s/hsm-pin", k->dir);
	k->pin.state = PIN_READY;
	kit_write_pin(k, "a pin that somebody wrote by hand");
	assert_int_equal(loop_new(&k->loop), 0);
	*state = k;
	kit_order = 0;
	return 0;
}

static inline int
kit_teardown(void **state)
{
	struct kit *k = *state;

	crypt_free(k->crypt);
	loop_free(k->loop);
	(void)unlink(k->pin.path);
	(void)rmdir(k->dir);
	free(k);
	return 0;
}

/* Begins to open the key that was sealed last, if any. */
static inline void
kit_begin(struct kit *k)
{
	k->crypt = crypt_free(k->crypt);
	k->opened = 0;
	assert_int_equal(crypt_new(k->loop, &k->pin, k->sealed, k->sealed_len, kit_opened,
			     k, &k->crypt),
	    0);
}

/* Turns the loop until *counter is as large; false when that takes too long. */
static inline bool
kit_wait(struct kit *k, const unsigned *counter, unsigned wanted)
{
	struct deadline d = deadline_in_ms(30000);

	while (*counter < wanted && deadline_left_ms(d) > 0)
		assert_true(loop_turn(k->loop, 100) >= 0);
	return *counter >= wanted;
}

static inline enum crypt_state
kit_open(struct kit *k)
{
	kit_begin(k);
	assert_true(kit_wait(k, &k->opened, 1));
	return k->state;
}

static inline struct crypt_job *
kit_make(struct kit *k, const char *password, bool behind, struct answer *a)
{
	struct secret *s cleanup_(secret_freep) = secret_copy(password, strlen(password));

	return crypt_make(k->crypt, s, behind, kit_made, a);
}

/* `v` is the answer of a kit_make(). */
static inline struct crypt_job *
kit_check(struct kit *k, const char *password, const struct answer *v, bool behind,
    struct answer *a)
{
	struct secret *s cleanup_(secret_freep) = secret_copy(password, strlen(password));

	return crypt_check(k->crypt, s, v->verifier, v->len, behind, kit_checked, a);
}

#define KIT_TEST(fn) cmocka_unit_test_setup_teardown(fn, kit_setup, kit_teardown)
