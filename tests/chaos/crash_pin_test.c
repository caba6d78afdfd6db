/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The pin, made for the first time and used at once. A pin that has been seen by anybody is
 * there for good, and one that something was sealed with outlives a loss of power; what an
 * interrupted start leaves is a pin or nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "chaos/crash.h"
#include "src/base/secret.h"
#include "src/base/util.h"
#include "src/unixd/hsm/hsm.h"

enum step { NOTHING, FOUND, SEALED };

static char dir[64];
static char path[96];
static char alt[96];

/* What it costs is not the question here. */
int __wrap_EVP_PBE_scrypt(const char *pass, size_t pass_len, const unsigned char *salt,
    size_t salt_len, uint64_t n, uint64_t r, uint64_t p, uint64_t max_mem,
    unsigned char *key, size_t key_len);

int
__wrap_EVP_PBE_scrypt(const char *pass, size_t pass_len, const unsigned char *salt,
    size_t salt_len, uint64_t n, uint64_t r, uint64_t p, uint64_t max_mem,
    unsigned char *key, size_t key_len)
{
	(void)n;
	(void)r;
	(void)p;
	(void)max_mem;
	return PKCS5_PBKDF2_HMAC(pass, (int)pass_len, salt, (int)salt_len, 1,
	    EVP_sha256(), (int)key_len, key);
}

/* Hands the pin over to the parent. */
static int
remember(const struct pin *pin)
{
	struct secret *s cleanup_(secret_freep) = NULL;

	worker_role_assume();
	if (pin_read(pin, &s) < 0 || s->len != PIN_HEX_LEN)
		return -1;
	memcpy(crash_shared->word, s->data, PIN_HEX_LEN);
	return 0;
}

static int
body(void *arg)
{
	struct secret *key cleanup_(secret_freep) = secret_new(HSM_KEY_LEN);
	uint8_t sealed[HSM_MAX_SEALED];
	struct pin pin;
	size_t len;

	(void)arg;
	pin_prepare(NULL, path, alt, &pin);
	if (pin.state != PIN_CREATED || remember(&pin) < 0 || key == NULL)
		return 1;
	crash_step(FOUND);
	key->len = HSM_KEY_LEN;
	if (hsm_soft.seal(&pin, key, sealed, &len) < 0)
		return 2;
	crash_step(SEALED);
	/* What follows a sealed key: it is written down. */
	return mkdir(alt, 0700) == 0 ? 0 : 3;
}

static void
prepare(void *arg)
{
	(void)arg;
	crash_dir_empty(dir);
}

static void
check(const struct crash *c, void *arg)
{
	bool power = c->mode == CRASH_POWER || c->mode == CRASH_POWER_DATA;
	struct pin pin;
	char first[PIN_HEX_LEN];
	struct stat st;

	(void)arg;
	memcpy(first, crash_shared->word, sizeof(first));
	(void)rmdir(alt);
	pin_prepare(NULL, path, alt, &pin);
	assert_true(pin.state == PIN_READY || pin.state == PIN_CREATED);
	assert_int_equal(remember(&pin), 0);
	if (crash_shared->step >= (c->killed && power ? SEALED : FOUND)) {
		assert_int_equal(pin.state, PIN_READY);
		assert_memory_equal(crash_shared->word, first, sizeof(first));
	}
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* and nothing beside it */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(mkdir(dir, 0700), 0);
}

static void
a_pin_is_whole_or_not_there(void **state)
{
	static const enum crash_mode modes[] = { CRASH_BEFORE, CRASH_TORN, CRASH_POWER,
		CRASH_POWER_DATA };
	static struct crash_plan p = { .prepare = prepare,
		.check = check,
		.modes = modes,
		.n_modes = ARRAY_SIZE(modes),
		.promise =
		    "what was said to be kept is kept, what was to be forgotten is gone",
		.attack = "pin: made and used, killed" };

	(void)state;
	p.crash.dir = dir;
	p.crash.body = body;
	crash_everywhere(&p, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_pin_is_whole_or_not_there, crash_say_where),
	};
	int failed;

	crash_init();
	crash_dir_make(dir);
	(void)snprintf(path, sizeof(path), "%s/hsm-pin", dir);
	(void)snprintf(alt, sizeof(alt), "%s/alt", dir);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	crash_dir_remove(dir);
	return failed;
}
