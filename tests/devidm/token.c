/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Makes and reads tokens. One shape for all: header.payload.mac, base64url, the payload
 * being the JSON the real server's tokens carry, plus an "epoch" by which a control
 * command can expire every session at once.
 */
#include "tests/devidm/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cjson/cJSON.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define MAC_LEN 32u

void
tokens_forget_steps(struct tokens *tk)
{
	random_bytes(tk->step_key, sizeof(tk->step_key));
}

void
tokens_init(struct tokens *tk, const char *state_dir)
{
	char *path, *old;
	size_t len = 0;

	*tk = (struct tokens){ 0 };
	tokens_forget_steps(tk);
	random_bytes(tk->key, sizeof(tk->key));
	if (!state_dir)
		return;
	(void)mkdir(state_dir, 0700);
	path = x_printf("%s/token.key", state_dir);
	old = read_file(path, &len);
	if (old && len == TOKEN_KEY_LEN)
		memcpy(tk->key, old, TOKEN_KEY_LEN);
	else if (!write_file(path, tk->key, TOKEN_KEY_LEN, 0600))
		die("%s: cannot be written", path);
	free(old);
	free(path);
}

static void
mac(const unsigned char *key, const char *data, size_t len, unsigned char out[MAC_LEN])
{
	unsigned int n = MAC_LEN;

	if (!HMAC(EVP_sha256(), key, (int)TOKEN_KEY_LEN, (const unsigned char *)data, len,
		out, &n))
		die("HMAC failed");
}

static char *
sign(const unsigned char *key, const char *header, const char *payload)
{
	unsigned char m[MAC_LEN];
	char *h = b64url(header, strlen(header));
	char *p = b64url(payload, strlen(payload));
	char *head = x_printf("%s.%s", h, p), *tail, *token;

	mac(key, head, strlen(head), m);
	tail = b64url(m, sizeof(m));
	token = x_printf("%s.%s", head, tail);
	free(h);
	free(p);
	free(head);
	free(tail);
	return token;
}

/* The payload, terminated, or NULL when the signature does not hold. */
static char *
verify(const unsigned char *key, const char *token)
{
	const char *dot = strchr(token, '.'), *last = strrchr(token, '.');
	unsigned char want[MAC_LEN];
	size_t len = 0;
	char *got;
	bool same;

	if (!dot || dot == last)
		return NULL;
	got = b64url_decode(last + 1, strlen(last + 1), &len);
	if (!got)
		return NULL;
	mac(key, token, (size_t)(last - token), want);
	same = len == MAC_LEN && CRYPTO_memcmp(got, want, MAC_LEN) == 0;
	free(got);
	return same ? b64url_decode(dot + 1, (size_t)(last - dot - 1), &len) : NULL;
}

static char *
print_and_delete(cJSON *o)
{
	char *s = cJSON_PrintUnformatted(o);

	cJSON_Delete(o);
	if (!s)
		die("out of memory");
	return s;
}

static void
add_int(cJSON *o, const char *key, int64_t v)
{
	(void)cJSON_AddNumberToObject(o, key, (double)v);
}

char *
token_session(const struct tokens *tk, struct store *st, const struct entry *e,
    bool privileged)
{
	cJSON *o = cJSON_CreateObject(), *purpose, *rw;
	char session[UUID_LEN + 1], *payload, *token;
	int64_t now = store_now(st);

	uuid_random(session);
	(void)cJSON_AddStringToObject(o, "session_id", session);
	add_int(o, "issued_at", now);
	add_int(o, "expiry", now + TOKEN_SESSION_LIFE);
	if (strcmp(e->uuid, UUID_ANONYMOUS) == 0) {
		(void)cJSON_AddStringToObject(o, "purpose", "readonly");
	} else {
		purpose = cJSON_AddObjectToObject(o, "purpose");
		rw = cJSON_AddObjectToObject(purpose, "readwrite");
		if (privileged || e->kind == ENTRY_SERVICE)
			add_int(rw, "expiry", now + 3600);
		else
			(void)cJSON_AddNullToObject(rw, "expiry");
	}
	(void)cJSON_AddStringToObject(o, "uuid", e->uuid);
	(void)cJSON_AddStringToObject(o, "displayname", e->display);
	(void)cJSON_AddStringToObject(o, "spn", e->spn);
	(void)cJSON_AddNullToObject(o, "mail_primary");
	(void)cJSON_AddArrayToObject(o, "ui_hints");
	(void)cJSON_AddNullToObject(o, "limit_search_max_results");
	(void)cJSON_AddNullToObject(o, "limit_search_max_filter_test");
	add_int(o, "epoch", tk->epoch);
	payload = print_and_delete(o);
	token = sign(tk->key, "{\"alg\":\"HS256\",\"kid\":\"d956f8dfc685\"}", payload);
	free(payload);
	return token;
}

char *
token_api(const struct tokens *tk, const struct entry *e, const struct api_token *t)
{
	cJSON *o = cJSON_CreateObject();
	char *payload, *token;

	(void)cJSON_AddStringToObject(o, "account_id", e->uuid);
	(void)cJSON_AddStringToObject(o, "token_id", t->token_id);
	(void)cJSON_AddStringToObject(o, "label", t->label);
	if (t->expiry)
		add_int(o, "expiry", t->expiry);
	else
		(void)cJSON_AddNullToObject(o, "expiry");
	add_int(o, "issued_at", t->issued);
	(void)cJSON_AddStringToObject(o, "purpose",
	    t->writable ? "readwrite" : "readonly");
	payload = print_and_delete(o);
	token = sign(tk->key, "{\"alg\":\"HS256\",\"kid\":\"d68a042707c2\"}", payload);
	free(payload);
	return token;
}

char *
token_step(const struct tokens *tk, const char *session)
{
	char *payload = x_printf("\"%s\"", session);
	char *token = sign(tk->step_key, "{\"alg\":\"HS256\"}", payload);

	free(payload);
	return token;
}

bool
token_step_read(const struct tokens *tk, const char *value,
    char ret_uuid[static UUID_LEN + 1])
{
	char *payload = verify(tk->step_key, value);
	bool ok = payload && strlen(payload) == UUID_LEN + 2;

	if (ok) {
		memcpy(ret_uuid, payload + 1, UUID_LEN);
		ret_uuid[UUID_LEN] = '\0';
	}
	free(payload);
	return ok;
}

static const char *
get_string(const cJSON *o, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));
}

static int64_t
get_int(const cJSON *o, const char *key)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

	return cJSON_IsNumber(v) ? (int64_t)v->valuedouble : 0;
}

static void
read_api(struct store *st, const cJSON *o, struct caller *ret)
{
	struct entry *e = store_find(st, get_string(o, "account_id"));
	const char *id = get_string(o, "token_id");
	const struct api_token *t = NULL;

	if (!e || !id)
		return;
	for (size_t i = 0; i < e->token_count && !t; i++)
		if (strcmp(e->tokens[i].token_id, id) == 0)
			t = &e->tokens[i];
	if (!t)
		return;
	ret->entry = e;
	ret->api = true;
	ret->writable = t->writable;
	ret->state = CALLER_OK;
	if ((t->expiry && store_now(st) >= t->expiry) || !entry_valid(st, e))
		ret->state = CALLER_EXPIRED;
}

static void
read_session(const struct tokens *tk, struct store *st, const cJSON *o,
    struct caller *ret)
{
	const char *uuid = get_string(o, "uuid");
	const cJSON *rw = cJSON_GetObjectItemCaseSensitive(
	    cJSON_GetObjectItemCaseSensitive(o, "purpose"), "readwrite");

	ret->entry = uuid ? store_find(st, uuid) : NULL;
	ret->state = CALLER_OK;
	ret->writable = rw && get_int(rw, "expiry") > store_now(st);
	if (!ret->entry || get_int(o, "epoch") < tk->epoch ||
	    get_int(o, "expiry") <= store_now(st) || !entry_valid(st, ret->entry))
		ret->state = CALLER_EXPIRED;
}

void
token_read(const struct tokens *tk, struct store *st, const char *value,
    struct caller *ret)
{
	cJSON *o;

	*ret = (struct caller){ .state = CALLER_UNKNOWN };
	ret->payload = verify(tk->key, value);
	o = ret->payload ? cJSON_Parse(ret->payload) : NULL;
	if (get_string(o, "account_id"))
		read_api(st, o, ret);
	else if (o)
		read_session(tk, st, o, ret);
	cJSON_Delete(o);
}

void
caller_free(struct caller *c)
{
	free(c->payload);
	c->payload = NULL;
}
