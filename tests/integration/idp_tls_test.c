/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Whom the port trusts: the system's bundle (through SSL_CERT_FILE, as OpenSSL's default
 * paths have it), ca_path beside it, and every way in which a certificate can be wrong. And
 * that a mistake in them heals without a restart.
 */
#include <errno.h>
#include <netdb.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/util.h"
#include "tests/integration/idp_client.h"

struct fixture {
	struct idp_server server;
	struct idp_client client;
	struct answer a;
	char bundle[256]; /* $SSL_CERT_FILE: empty until a test fills it */
	char file[256];   /* for ca_path */
};

static void
copy(const char *from, const char *to)
{
	char buf[65536];
	FILE *in = fopen(from, "re"), *out = fopen(to, "we");
	size_t n;

	assert_non_null(in);
	assert_non_null(out);
	n = fread(buf, 1, sizeof(buf), in);
	assert_true(n > 0 && n < sizeof(buf));
	assert_int_equal(fwrite(buf, 1, n, out), n);
	assert_int_equal(fclose(out), 0);
	(void)fclose(in);
}

static void
put(struct fixture *f, const char *cert, const char *to)
{
	copy(idp_server_cert(&f->server, cert), to);
}

static int
setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){ 0 };
	idp_server_start(&f.server);
	(void)snprintf(f.bundle, sizeof(f.bundle), "%.100s/bundle.pem", f.server.dir);
	(void)snprintf(f.file, sizeof(f.file), "%.100s/ca.pem", f.server.dir);
	/* The host's own trust must not help: neither its file nor its directory. */
	assert_int_equal(setenv("SSL_CERT_FILE", f.bundle, 1), 0);
	assert_int_equal(setenv("SSL_CERT_DIR", "/nonexistent", 1), 0);
	idp_client_init(&f.client, &f.server, NULL);
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	answer_clear(&f->a);
	idp_client_close(&f->client);
	idp_server_stop(&f->server);
	return 0;
}

/* A fresh look at the certificate: what is kept from before must not answer for it. */
static void
present(struct fixture *f, const char *cert)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "cert %s", cert);
	idp_server_do(&f->server, command);
	idp_server_do(&f->server, "close-idle");
}

static void
test_a_root_only_in_the_system_bundle_is_enough(void **state)
{
	struct fixture *f = *state;

	put(f, "ca.pem", f->bundle);
	idp_client_open(&f->client);
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
}

static void
test_a_root_only_in_ca_path_is_enough(void **state)
{
	struct fixture *f = *state;

	put(f, "ca.pem", f->file);
	f->client.settings.ca_path = f->file;
	idp_client_open(&f->client);
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
}

static void
test_ca_path_is_added_to_the_system_bundle(void **state)
{
	struct fixture *f = *state;

	put(f, "ca.pem", f->bundle);
	put(f, "other-ca.pem", f->file);
	f->client.settings.ca_path = f->file;
	idp_client_open(&f->client);
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
	present(f, "unknown-ca");
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
}

static void
test_only_the_intermediate_in_ca_path_is_enough(void **state)
{
	struct fixture *f = *state;

	put(f, "intermediate.pem", f->file);
	f->client.settings.ca_path = f->file;
	idp_client_open(&f->client);
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
	present(f, "leaf-only");
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
}

static void
test_each_wrong_certificate_has_its_reason(void **state)
{
	static const struct {
		const char *cert;
		enum idp_reason reason;
	} t[] = {
		{ "leaf-only", IDP_TLS_UNKNOWN_ISSUER },
		{ "unknown-ca", IDP_TLS_UNKNOWN_ISSUER },
		{ "self-signed", IDP_TLS_UNKNOWN_ISSUER },
		{ "expired", IDP_TLS_EXPIRED },
		{ "not-yet", IDP_TLS_NOT_YET_VALID },
		{ "wrong-name", IDP_TLS_NAME },
	};
	struct fixture *f = *state;

	put(f, "ca.pem", f->file);
	f->client.settings.ca_path = f->file;
	idp_client_open(&f->client);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		present(f, t[i].cert);
		user_is(&f->client, &f->a, "alice", IDP_UNREACHABLE, t[i].reason);
		/* The link heals by itself when the certificate is put right. */
		present(f, "server");
		user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
	}
	assert_string_equal(idp_reason_text(IDP_TLS_UNKNOWN_ISSUER),
	    "unknown issuer (UnknownIssuer)");
}

static void
test_a_certificate_renewed_during_keep_alive_is_seen_at_the_next_connection(void **state)
{
	struct fixture *f = *state;
	int64_t before;

	put(f, "ca.pem", f->file);
	f->client.settings.ca_path = f->file;
	idp_client_open(&f->client);
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
	before = idp_identity(f->client.idp)->cert_not_after;
	idp_server_do(&f->server, "cert-make longer -60 8640000");
	idp_server_do(&f->server, "cert longer");
	user_is(&f->client, &f->a, "bob", IDP_FOUND, IDP_OK);
	assert_int_equal(idp_server_total(&f->server, "connections"), 1);
	assert_int_equal(idp_identity(f->client.idp)->cert_not_after, before);
	idp_server_do(&f->server, "close-idle");
	user_is(&f->client, &f->a, "bob", IDP_FOUND, IDP_OK);
	assert_true(idp_identity(f->client.idp)->cert_not_after > before);
}

static void
test_a_root_added_later_heals_without_restart_or_reload(void **state)
{
	struct fixture *f = *state;

	put(f, "other-ca.pem", f->bundle);
	put(f, "other-ca.pem", f->file);
	f->client.settings.ca_path = f->file;
	idp_client_open(&f->client);
	user_is(&f->client, &f->a, "alice", IDP_UNREACHABLE, IDP_TLS_UNKNOWN_ISSUER);
	put(f, "ca.pem", f->bundle);
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
	/* The same with ca_path. */
	put(f, "other-ca.pem", f->bundle);
	idp_reload(f->client.idp, &f->client.settings);
	user_is(&f->client, &f->a, "alice", IDP_UNREACHABLE, IDP_TLS_UNKNOWN_ISSUER);
	put(f, "ca.pem", f->file);
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
}

static void
test_a_reload_does_not_go_on_with_connections_that_were_trusted_before(void **state)
{
	struct fixture *f = *state;

	put(f, "ca.pem", f->file);
	f->client.settings.ca_path = f->file;
	idp_client_open(&f->client);
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
	put(f, "other-ca.pem", f->file);
	idp_reload(f->client.idp, &f->client.settings);
	user_is(&f->client, &f->a, "alice", IDP_UNREACHABLE, IDP_TLS_UNKNOWN_ISSUER);
}

static void
test_a_ca_path_that_cannot_be_read_is_named(void **state)
{
	struct fixture *f = *state;

	put(f, "ca.pem", f->bundle);
	f->client.settings.ca_path = f->file;
	idp_client_open(&f->client);
	user_is(&f->client, &f->a, "alice", IDP_UNREACHABLE, IDP_CA_FILE);
	assert_non_null(strstr(f->a.res.detail, f->file));
	put(f, "server.key", f->file);
	user_is(&f->client, &f->a, "alice", IDP_UNREACHABLE, IDP_CA_FILE);
	put(f, "ca.pem", f->file);
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
}

static void
test_verify_ca_and_verify_hostnames_are_switched_off_one_by_one(void **state)
{
	struct fixture *f = *state;

	idp_client_open(&f->client);
	present(f, "unknown-ca");
	user_is(&f->client, &f->a, "alice", IDP_UNREACHABLE, IDP_TLS_UNKNOWN_ISSUER);
	f->client.settings.verify_ca = false;
	idp_reload(f->client.idp, &f->client.settings);
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
	present(f, "wrong-name");
	user_is(&f->client, &f->a, "alice", IDP_UNREACHABLE, IDP_TLS_NAME);
	f->client.settings.verify_hostnames = false;
	idp_reload(f->client.idp, &f->client.settings);
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
	/* The name not looked at, the chain still is. */
	f->client.settings.verify_ca = true;
	idp_reload(f->client.idp, &f->client.settings);
	user_is(&f->client, &f->a, "alice", IDP_UNREACHABLE, IDP_TLS_UNKNOWN_ISSUER);
	put(f, "ca.pem", f->bundle);
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
}

static void
test_an_address_in_the_certificate_is_a_name_too(void **state)
{
	struct fixture *f = *state;
	char url[64];

	put(f, "ca.pem", f->bundle);
	(void)snprintf(url, sizeof(url), "https://127.0.0.1%.20s",
	    strrchr(f->server.url, ':'));
	f->client.settings.uri = url;
	idp_client_open(&f->client);
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
}

/* ---- a name server that does not answer ---- */

static sem_t resolver_gate, resolver_entered;
static bool resolver_hangs;

/* Takes the place of libc's for libcurl, too: exported from the program. */
__attribute__((visibility("default"))) int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
    struct addrinfo **res)
{
	(void)node;
	(void)service;
	(void)hints;
	(void)res;
	if (resolver_hangs) {
		(void)sem_post(&resolver_entered);
		(void)sem_wait(&resolver_gate);
	}
	return EAI_AGAIN;
}

static void
test_a_hanging_name_server_holds_up_neither_other_requests_nor_the_end(void **state)
{
	struct fixture *f = *state;
	struct answer b = { 0 };
	struct clock before, after;
	char url[64];

	assert_int_equal(sem_init(&resolver_gate, 0, 0), 0);
	assert_int_equal(sem_init(&resolver_entered, 0, 0), 0);
	resolver_hangs = true;
	put(f, "ca.pem", f->bundle);
	f->client.settings.uri = "https://idm.example.test";
	f->client.settings.conn_timeout_s = 1;
	idp_client_open(&f->client);
	user_is(&f->client, &f->a, "alice", IDP_UNREACHABLE, IDP_TIMED_OUT);
	/* Another server, by address, while the first one's resolver still hangs. */
	(void)snprintf(url, sizeof(url), "https://127.0.0.1%.20s",
	    strrchr(f->server.url, ':'));
	f->client.settings.uri = url;
	idp_reload(f->client.idp, &f->client.settings);
	user_is(&f->client, &f->a, "alice", IDP_FOUND, IDP_OK);
	f->client.settings.uri = "https://idm.example.test";
	f->client.settings.conn_timeout_s = 60;
	idp_reload(f->client.idp, &f->client.settings);
	assert_int_equal(sem_wait(&resolver_entered), 0);
	ask_user(&f->client, &b, "alice");
	while (sem_trywait(&resolver_entered) != 0)
		assert_int_equal(loop_turn(f->client.loop, 10), 0);
	clock_read(&before);
	f->client.idp = idp_free(f->client.idp);
	clock_read(&after);
	assert_true(after.mono_ns - before.mono_ns < 2 * CLOCK_S);
	assert_int_equal(b.res.reason, IDP_CANCELLED);
	/* Let the forgotten threads go. */
	resolver_hangs = false;
	(void)sem_post(&resolver_gate);
	(void)sem_post(&resolver_gate);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_root_only_in_the_system_bundle_is_enough),
		TEST(test_a_root_only_in_ca_path_is_enough),
		TEST(test_ca_path_is_added_to_the_system_bundle),
		TEST(test_only_the_intermediate_in_ca_path_is_enough),
		TEST(test_each_wrong_certificate_has_its_reason),
		TEST(
		    test_a_certificate_renewed_during_keep_alive_is_seen_at_the_next_connection),
		TEST(test_a_root_added_later_heals_without_restart_or_reload),
		TEST(
		    test_a_reload_does_not_go_on_with_connections_that_were_trusted_before),
		TEST(test_a_ca_path_that_cannot_be_read_is_named),
		TEST(test_verify_ca_and_verify_hostnames_are_switched_off_one_by_one),
		TEST(test_an_address_in_the_certificate_is_a_name_too),
		TEST(
		    test_a_hanging_name_server_holds_up_neither_other_requests_nor_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
