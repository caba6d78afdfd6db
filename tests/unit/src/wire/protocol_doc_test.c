/* SPDX-License-Identifier: MPL-2.0 */
/*
 * docs/protocol.md against the code: its table of operations is the one of wire_ops.h, its
 * statuses are those of wire.h, and its golden vectors are what the codec writes. Who
 * changes one must change the other.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "ku/wire_pam.h"
#include "src/base/le.h"
#include "src/base/util.h"
#include "src/wire/codec.h"

static char doc[64 * 1024];

static int
read_doc(void **state)
{
	const char *root = getenv("KU_SOURCE_DIR");
	char path[512];
	FILE *f;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/docs/protocol.md",
	    root == NULL ? "." : root);
	f = fopen(path, "re");
	if (f == NULL)
		return -1;
	doc[fread(doc, 1, sizeof(doc) - 1, f)] = '\0';
	(void)fclose(f);
	return 0;
}

static const char *
who_word(int who)
{
	return who == KU_WHO_ROOT ? "root" : who == KU_WHO_OWNER ? "owner" : "anyone";
}

/* How many lines of the document begin with `start`. */
static size_t
lines_with(const char *start)
{
	size_t n = 0;

	for (const char *at = doc; (at = strstr(at, start)) != NULL; at++)
		n += at == doc || at[-1] == '\n';
	return n;
}

static void
the_table_of_operations_is_the_one_of_the_code(void **state)
{
	static const struct {
		const char *name;
		unsigned code;
		int who;
		uint32_t max;
	} ops[] = {
#define ROW(name, code, who, max_req) { #name, code, who, max_req },
		KU_OPS(ROW)
#undef ROW
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		char row[128];

		(void)snprintf(row, sizeof(row), "| %s | 0x%04x | %s | %" PRIu32 " |",
		    ops[i].name, ops[i].code, who_word(ops[i].who), ops[i].max);
		if (lines_with(row) != 1)
			fail_msg("docs/protocol.md has no line \"%s\"", row);
	}
	/* and none that the code does not have */
	{
		size_t rows = 0;

		for (const char *at = doc; (at = strstr(at, " | 0x0")) != NULL; at++)
			rows++;
		assert_int_equal(rows, ARRAY_SIZE(ops));
	}
}

static void
the_statuses_are_those_of_the_code(void **state)
{
	static const struct {
		const char *name;
		int value;
	} statuses[] = { { "OK", KU_ST_OK }, { "NOTFOUND", KU_ST_NOTFOUND },
		{ "UNAVAIL", KU_ST_UNAVAIL }, { "BUSY", KU_ST_BUSY },
		{ "DENIED", KU_ST_DENIED }, { "BAD", KU_ST_BAD },
		{ "VERSION", KU_ST_VERSION }, { "LOCAL", KU_ST_LOCAL } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		char row[64];

		(void)snprintf(row, sizeof(row), "| %d | %s |", statuses[i].value,
		    statuses[i].name);
		if (lines_with(row) != 1)
			fail_msg("docs/protocol.md has no line \"%s\"", row);
	}
}

/* A whole frame around the body that `put` writes. */
static size_t
frame(uint8_t *out, uint16_t op, uint16_t status, void (*put)(struct enc *e))
{
	struct enc e;

	enc_init(&e, out + KU_WIRE_HEADER_LEN, 512);
	if (put != NULL)
		put(&e);
	assert_false(e.failed);
	frame_put(out,
	    &(struct frame_header){ .version = KU_WIRE_VERSION,
		.op = op,
		.status = status,
		.serial = 1,
		.length = (uint32_t)e.len });
	return KU_WIRE_HEADER_LEN + e.len;
}

static void
put_strs(struct enc *e, const char *const *strings, size_t n)
{
	size_t at = e->len;

	enc_u32(e, 0);
	for (size_t i = 0; i < n; i++)
		enc_strz(e, strings[i]);
	le32_put(e->buf + at, (uint32_t)(e->len - at - 4));
}

static void
put_alice(struct enc *e)
{
	enc_str(e, "alice");
}

static void
put_passwd(struct enc *e)
{
	static const char *const strings[] = { "alice", "x", "Alice Doe", "/home/alice",
		"/bin/sh" };

	enc_u32(e, 70001);
	enc_u32(e, 70001);
	put_strs(e, strings, ARRAY_SIZE(strings));
}

static void
put_uid(struct enc *e)
{
	enc_u32(e, 70001);
}

static void
put_next(struct enc *e)
{
	enc_u32(e, 70001);
	enc_u32(e, 1);
}

static void
put_group(struct enc *e)
{
	static const char *const strings[] = { "staff", "x", "alice", "bob" };

	enc_u32(e, 71000);
	enc_u32(e, 2);
	put_strs(e, strings, ARRAY_SIZE(strings));
}

static void
put_gids(struct enc *e)
{
	enc_u32(e, 70001);
	enc_u32(e, 2);
	enc_u32(e, 71000);
	enc_u32(e, 71001);
}

static void
put_keys(struct enc *e)
{
	static const char *const strings[] = { "ssh-ed25519 AAAA" };

	enc_u32(e, 1);
	put_strs(e, strings, 1);
}

static void
put_who(struct enc *e)
{
	enc_u32(e, KU_PAM_SILENT);
	enc_str(e, "alice");
	enc_str(e, "sshd");
	enc_str(e, "ssh");
	enc_str(e, "192.0.2.7");
}

static void
put_password(struct enc *e)
{
	put_who(e);
	enc_str(e, "x");
}

static void
put_denied(struct enc *e)
{
	enc_u32(e, KU_AUTH_DENIED);
	enc_u32(e, 0);
}

static void
put_wait(struct enc *e)
{
	enc_u32(e, KU_AUTH_WAIT);
	enc_u32(e, 30);
}

static void
put_lookup(struct enc *e)
{
	static const char *const strings[] = { "https://idm.example.test", "alice" };

	enc_u32(e, 2500);
	put_strs(e, strings, ARRAY_SIZE(strings));
}

static void
put_session(struct enc *e)
{
	static const char *const strings[] = { "/home/alice", "" };

	enc_u32(e, KU_SESSION_NO_TASKS);
	enc_u32(e, KU_SESSION_LOOK);
	put_strs(e, strings, ARRAY_SIZE(strings));
}

static void
put_refusal(struct enc *e)
{
	static const char *const strings[] = { "only root may do this" };

	enc_u32(e, 1);
	put_strs(e, strings, 1);
}

static const struct {
	const char *name;
	uint16_t op;
	uint16_t status;
	void (*put)(struct enc *e);
} vectors[] = {
	{ "passwd-by-name-request", KU_OP_PASSWD_BY_NAME, 0, put_alice },
	{ "passwd-reply", KU_OP_PASSWD_BY_NAME, KU_ST_OK, put_passwd },
	{ "passwd-by-uid-request", KU_OP_PASSWD_BY_UID, 0, put_uid },
	{ "passwd-next-request", KU_OP_PASSWD_NEXT, 0, put_next },
	{ "not-found-reply", KU_OP_PASSWD_NEXT, KU_ST_NOTFOUND, NULL },
	{ "group-reply", KU_OP_GROUP_BY_GID, KU_ST_OK, put_group },
	{ "initgroups-reply", KU_OP_INITGROUPS, KU_ST_OK, put_gids },
	{ "ssh-keys-reply", KU_OP_SSH_KEYS, KU_ST_OK, put_keys },
	{ "pam-auth-request", KU_OP_PAM_AUTH, 0, put_password },
	{ "pam-auth-denied-reply", KU_OP_PAM_AUTH, KU_ST_OK, put_denied },
	{ "pam-auth-wait-reply", KU_OP_PAM_AUTH, KU_ST_OK, put_wait },
	{ "pam-lookup-reply", KU_OP_PAM_LOOKUP, KU_ST_OK, put_lookup },
	{ "pam-acct-request", KU_OP_PAM_ACCT, 0, put_who },
	{ "pam-session-reply", KU_OP_PAM_SESSION, KU_ST_OK, put_session },
	{ "cache-clear-request", KU_OP_CACHE_CLEAR, 0, NULL },
	{ "denied-reply", KU_OP_CACHE_CLEAR, KU_ST_DENIED, put_refusal },
};

/* The bytes of the block "```vector NAME"; 0 when there is none. */
static size_t
read_vector(const char *name, uint8_t *out, size_t cap)
{
	char start[64];
	const char *at;
	size_t n = 0;

	(void)snprintf(start, sizeof(start), "\n```vector %s\n", name);
	at = strstr(doc, start);
	if (at == NULL)
		return 0;
	at += strlen(start);
	while (strncmp(at, "```", 3) != 0 && n < cap) {
		char *end;

		out[n++] = (uint8_t)strtoul(at, &end, 16);
		assert_true(end > at);
		at = end + strspn(end, " \n");
	}
	return n;
}

/* Each value is documented once, by its number and its name. */
static void
the_verdicts_are_those_of_the_code(void **state)
{
	static const struct {
		const char *name;
		int value;
	} verdicts[] = { { "OK: the server", KU_AUTH_OK },
		{ "OK_CACHED:", KU_AUTH_OK_CACHED }, { "DENIED:", KU_AUTH_DENIED },
		{ "WRONG:", KU_AUTH_WRONG }, { "NO_CREDENTIAL:", KU_AUTH_NO_CREDENTIAL },
		{ "SUSPENDED:", KU_AUTH_SUSPENDED }, { "WAIT:", KU_AUTH_WAIT },
		{ "TOO_OLD:", KU_AUTH_TOO_OLD }, { "INVALID:", KU_AUTH_INVALID },
		{ "OK |", KU_ACCT_OK }, { "EXPIRED,", KU_ACCT_EXPIRED },
		{ "NOT_ALLOWED:", KU_ACCT_NOT_ALLOWED }, { "NOBODY:", KU_ACCT_NOBODY },
		{ "OK: the home", KU_SESSION_OK }, { "FAILED:", KU_SESSION_FAILED },
		{ "NO_TASKS:", KU_SESSION_NO_TASKS } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
		char row[64];

		(void)snprintf(row, sizeof(row), "| %d | %s", verdicts[i].value,
		    verdicts[i].name);
		if (lines_with(row) < 1)
			fail_msg("docs/protocol.md has no line \"%s\"", row);
	}
}

static void
the_golden_vectors_are_what_the_codec_writes(void **state)
{
	size_t blocks = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		uint8_t want[1024], said[1024];
		size_t want_len, said_len;

		want_len = frame(want, vectors[i].op, vectors[i].status, vectors[i].put);
		said_len = read_vector(vectors[i].name, said, sizeof(said));
		if (said_len != want_len || memcmp(said, want, want_len) != 0) {
			print_message("%s should be:\n", vectors[i].name);
			for (size_t k = 0; k < want_len; k++)
				print_message("%02x%s", want[k],
				    k % 16 == 15 || k + 1 == want_len ? "\n" : " ");
			fail_msg("docs/protocol.md: vector %s differs", vectors[i].name);
		}
	}
	for (const char *at = doc; (at = strstr(at, "\n```vector ")) != NULL; at++)
		blocks++;
	assert_int_equal(blocks, ARRAY_SIZE(vectors));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_of_operations_is_the_one_of_the_code),
		cmocka_unit_test(the_statuses_are_those_of_the_code),
		cmocka_unit_test(the_verdicts_are_those_of_the_code),
		cmocka_unit_test(the_golden_vectors_are_what_the_codec_writes),
	};

	return cmocka_run_group_tests(tests, read_doc, NULL);
}
