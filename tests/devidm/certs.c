/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Certificates for tests, made by the server itself so that no test needs the openssl
 * program. Dates are relative to now; that makes "expired" and "not yet valid" a matter
 * of two numbers instead of a moved clock.
 */
#include "tests/devidm/certs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define DAY ((int64_t)86400)

struct authority {
	X509 *cert;
	EVP_PKEY *key;
};

struct plan {
	const char *subject;
	const char *names; /* NULL: an authority */
	struct cert_times times;
};

static void
must(bool ok, const char *what)
{
	if (!ok)
		die("certificates: %s failed", what);
}

static void
add_ext(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	must(ext && X509_add_ext(cert, ext, -1) == 1, "extension");
	X509_EXTENSION_free(ext);
}

/* "a.test,127.0.0.1" becomes "DNS:a.test,IP:127.0.0.1". */
static char *
alt_names(const char *names)
{
	struct text t = { 0 };

	while (*names) {
		size_t len = strcspn(names, ",");
		char *one = x_strndup(names, len);
		unsigned char addr[16];
		bool ip = inet_pton(AF_INET, one, addr) == 1 ||
		    inet_pton(AF_INET6, one, addr) == 1;

		text_addf(&t, "%s%s:%s", t.len ? "," : "", ip ? "IP" : "DNS", one);
		free(one);
		names += len + (names[len] == ',');
	}
	return t.s;
}

static void
set_names(X509 *cert, X509 *issuer, const char *subject)
{
	X509_NAME *name = X509_get_subject_name(cert);
	unsigned char serial[8];
	BIGNUM *bn;

	random_bytes(serial, sizeof(serial));
	serial[0] &= 0x7fu;
	bn = BN_bin2bn(serial, sizeof(serial), NULL);
	must(bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert)), "serial");
	BN_free(bn);
	must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		 (const unsigned char *)subject, -1, -1, 0) == 1,
	    "subject");
	must(X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : name) ==
		1,
	    "issuer");
}

static struct authority
issue(const struct plan *plan, const struct authority *by)
{
	struct authority out = { X509_new(), EVP_EC_gen("P-256") };
	X509 *issuer = by ? by->cert : out.cert;
	char *san;

	must(out.cert && out.key, "key");
	must(X509_set_version(out.cert, 2) == 1, "version");
	set_names(out.cert, by ? by->cert : NULL, plan->subject);
	must(X509_gmtime_adj(X509_getm_notBefore(out.cert), (long)plan->times.from) &&
		X509_gmtime_adj(X509_getm_notAfter(out.cert), (long)plan->times.until),
	    "dates");
	must(X509_set_pubkey(out.cert, out.key) == 1, "public key");
	add_ext(out.cert, issuer, NID_subject_key_identifier, "hash");
	if (by)
		add_ext(out.cert, issuer, NID_authority_key_identifier, "keyid:always");
	if (plan->names) {
		san = alt_names(plan->names);
		add_ext(out.cert, issuer, NID_basic_constraints, "critical,CA:FALSE");
		add_ext(out.cert, issuer, NID_key_usage, "critical,digitalSignature");
		add_ext(out.cert, issuer, NID_ext_key_usage, "serverAuth");
		add_ext(out.cert, issuer, NID_subject_alt_name, san);
		free(san);
	} else {
		add_ext(out.cert, issuer, NID_basic_constraints, "critical,CA:TRUE");
		add_ext(out.cert, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
	}
	must(X509_sign(out.cert, by ? by->key : out.key, EVP_sha256()) > 0, "signature");
	return out;
}

static void
authority_free(struct authority *a)
{
	X509_free(a->cert);
	EVP_PKEY_free(a->key);
}

static void
save(const char *dir, const char *file, BIO *bio, unsigned mode)
{
	char *path = x_printf("%s/%s", dir, file), *data = NULL;
	long len = BIO_get_mem_data(bio, &data);

	if (!write_file(path, data, (size_t)len, mode))
		die("%s: %s", path, strerror(errno));
	free(path);
	BIO_free(bio);
}

static void
save_key(const char *dir, const char *name, EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *file = x_printf("%s.key", name);

	must(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1, "PEM");
	save(dir, file, bio, 0600);
	free(file);
}

/* The leaf first, then up to two of its issuers. */
static void
save_chain(const char *dir, const char *name, X509 *leaf, X509 *second, X509 *third)
{
	BIO *bio = BIO_new(BIO_s_mem());
	X509 *chain[] = { leaf, second, third };
	char *file = x_printf("%s.pem", name);

	for (size_t i = 0; i < 3 && chain[i]; i++)
		must(PEM_write_bio_X509(bio, chain[i]) == 1, "PEM");
	save(dir, file, bio, 0644);
	free(file);
}

static BIO *
open_pem(const char *dir, const char *file)
{
	char *path = x_printf("%s/%s", dir, file);
	BIO *bio = BIO_new_file(path, "r");

	free(path);
	return bio;
}

bool
certs_leaf(const char *dir, const char *name, const char *names, struct cert_times times)
{
	struct plan plan = { name, names, times };
	struct authority ca = { 0 }, leaf;
	BIO *cert = open_pem(dir, "intermediate.pem");
	BIO *key = open_pem(dir, "intermediate.key");

	if (cert && key) {
		ca.cert = PEM_read_bio_X509(cert, NULL, NULL, NULL);
		ca.key = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);
	}
	BIO_free(cert);
	BIO_free(key);
	if (ca.cert && ca.key) {
		leaf = issue(&plan, &ca);
		save_chain(dir, name, leaf.cert, ca.cert, NULL);
		save_key(dir, name, leaf.key);
		authority_free(&leaf);
	}
	authority_free(&ca);
	return ca.cert && ca.key;
}

static void
make_leaf(const char *dir, const char *file, const struct plan *plan,
    const struct authority *by, X509 *second, X509 *third)
{
	struct authority leaf = issue(plan, by);

	save_chain(dir, file, leaf.cert, second, third);
	save_key(dir, file, leaf.key);
	authority_free(&leaf);
}

void
certs_make(const char *dir, const char *names, struct cert_times times)
{
	struct cert_times long_life = { -DAY * 30, DAY * 3650 };
	struct plan plan = { "devidm root", NULL, long_life };
	struct authority root, middle, other;
	char *probe = x_printf("%s/server.pem", dir);
	int there = access(probe, R_OK);

	free(probe);
	if (there == 0)
		return;
	(void)mkdir(dir, 0755);
	root = issue(&plan, NULL);
	plan.subject = "devidm intermediate";
	middle = issue(&plan, &root);
	plan.subject = "devidm other root";
	other = issue(&plan, NULL);
	save_chain(dir, "ca", root.cert, NULL, NULL);
	save_chain(dir, "intermediate", middle.cert, NULL, NULL);
	save_key(dir, "intermediate", middle.key);
	save_chain(dir, "other-ca", other.cert, NULL, NULL);

	plan = (struct plan){ "devidm server", names, times };
	make_leaf(dir, "leaf-only", &plan, &middle, NULL, NULL);
	make_leaf(dir, "full-chain", &plan, &middle, middle.cert, root.cert);
	make_leaf(dir, "renewed", &plan, &middle, middle.cert, NULL);
	make_leaf(dir, "unknown-ca", &plan, &other, other.cert, NULL);
	make_leaf(dir, "self-signed", &plan, NULL, NULL, NULL);
	plan.times = (struct cert_times){ -2 * DAY, -DAY };
	make_leaf(dir, "expired", &plan, &middle, middle.cert, NULL);
	plan.times = (struct cert_times){ DAY, 2 * DAY };
	make_leaf(dir, "not-yet", &plan, &middle, middle.cert, NULL);
	plan.times = times;
	plan.names = "wrong.example.test";
	make_leaf(dir, "wrong-name", &plan, &middle, middle.cert, NULL);
	/* Last, since its presence says that the directory is complete. */
	plan.names = names;
	make_leaf(dir, "server", &plan, &middle, middle.cert, NULL);
	authority_free(&root);
	authority_free(&middle);
	authority_free(&other);
}
