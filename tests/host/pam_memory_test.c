/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What stays in the host process of a password that was typed: nothing. The needle is only
 * ever written down with each character changed, so whatever is found was left by libpam or
 * by the module.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>
#include <security/pam_appl.h>

#include "host/fake.h"
#include "host/module.h"
#include "host/pamhost.h"
#include "ku/wire_pam.h"
#include "src/base/secret.h"

static struct fake fake;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OTHER_MEMORY true
#elif defined(__has_feature)
#define OTHER_MEMORY (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define OTHER_MEMORY false
#endif

/* "correct-horse-battery-staple" with PERSON_MASK in each character */
#define MASKED "bnssdbu,instd,c`uudsx,ru`qmd"

static bool
is_unmasked(const char *at)
{
	const char *masked = MASKED;
	size_t i = 0;

	while (i < strlen(masked) && at[i] == (char)(masked[i] ^ PERSON_MASK))
		i++;
	return i == strlen(masked);
}

/* Counts the plain text in this process's own writable memory. */
static unsigned
count_in_memory(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	FILE *mem = fopen("/proc/self/mem", "re");
	const int first = MASKED[0] ^ PERSON_MASK;
	size_t len = strlen(MASKED), cap = 16u << 20;
	char line[512], *copy;
	unsigned n = 0;

	assert_non_null(maps);
	assert_non_null(mem);
	copy = mmap(NULL, cap, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(copy != MAP_FAILED);
	while (fgets(line, sizeof(line), maps) != NULL) {
		unsigned long from, to;
		char mode[8];
		size_t got;

		/* what is shared is the copy, and the daemon's half of this test */
		if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 ||
		    mode[1] != 'w' || mode[3] != 'p' ||
		    fseeko(mem, (off_t)from, SEEK_SET) != 0)
			continue;
		got = fread(copy, 1, to - from < cap ? to - from : cap, mem);
		for (char *at = copy;
		     (at = memchr(at, first, got - (size_t)(at - copy))) != NULL &&
		     (size_t)(at - copy) + len <= got;
		     at++)
			n += is_unmasked(at);
	}
	(void)fclose(maps);
	(void)fclose(mem);
	assert_int_equal(munmap(copy, cap), 0);
	return n;
}

static void
no_password_stays_in_the_host(void **state)
{
	struct person p = { .mode = PERSON_TYPES_MASKED, .answers = { MASKED, MASKED } };
	char *witness;
	pam_handle_t *pamh;

	(void)state;
	/* their memory is not what the module's would be, and there is very much of it */
	if (OTHER_MEMORY)
		skip();
	witness = strdup(MASKED);
	assert_non_null(witness);
	pamhost_stack("one", "required", "retry=2");
	pamh = pamhost_start("one", "alice", &p);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
	assert_true(is_unmasked(fake.ctl->seen.password));
	/* libpam has dropped PAM_AUTHTOK with the end of the stack */
	assert_int_equal(count_in_memory(), 0);
	assert_int_equal(pam_end(pamh, PAM_AUTH_ERR), PAM_SUCCESS);
	assert_int_equal(count_in_memory(), 0);
	/* and the search does find what there is */
	for (char *c = witness; *c != '\0'; c++)
		*c ^= PERSON_MASK;
	assert_int_equal(count_in_memory(), 1);
	free(witness);
}

/* Mappings that a fork()ed child would find wiped: nobody has such but struct secret. */
static unsigned
count_secrets(void)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	char line[512];
	unsigned n = 0;

	assert_non_null(smaps);
	while (fgets(line, sizeof(line), smaps) != NULL)
		n += strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " wf") != NULL;
	(void)fclose(smaps);
	return n;
}

static void
look(struct person *p)
{
	p->n_held += count_secrets();
}

/* A host may cancel the thread while its person reads or types. */
static void
nothing_is_held_while_somebody_is_talked_to(void **state)
{
	struct person p = { .answers = { "wrong", "wrong, too" }, .looks = look };
	struct secret *witness = secret_new(16);
	pam_handle_t *pamh;

	(void)state;
	assert_non_null(witness);
	assert_int_equal(count_secrets(), 1);
	assert_null(secret_free(witness));
	fake_pam_reset(&fake);
	fake.ctl->pam.session_verdict = KU_SESSION_FAILED;
	(void)snprintf(fake.ctl->pam.text, sizeof(fake.ctl->pam.text), "no home");
	pamhost_stack("one", "required", "retry=2");
	pamh = pamhost_start("one", "alice", &p);
	assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_chauthtok(pamh, 0), PAM_AUTHTOK_ERR);
	assert_int_equal(pam_end(pamh, PAM_AUTHTOK_ERR), PAM_SUCCESS);
	assert_non_null(strstr(p.told, " | "));
	assert_int_equal(p.n_held, 0);
	fake_pam_reset(&fake);
	pamh = pamhost_start("one", "alice", &p);
	assert_int_equal(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
	assert_int_equal(pam_end(pamh, PAM_AUTH_ERR), PAM_SUCCESS);
	assert_int_equal(p.n_asked, 2);
	assert_int_equal(p.n_held, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_password_stays_in_the_host),
		cmocka_unit_test(nothing_is_held_while_somebody_is_talked_to),
	};
	int failed;

	pamhost_enter();
	fake_start(&fake, MODULE_SOCK, 64);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	fake_stop(&fake);
	return failed;
}
