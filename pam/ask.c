/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Requests and replies as bytes. Every question is one connection to a peer that has been
 * verified, also those without a password: an answer from a stranger would be worth as much
 * as a password to him. Request and reply live in pages of their own, wiped when they go,
 * because the host's stack and heap are dumped, swapped and forked with the host.
 */
#include "pam/ask.h"

#include <errno.h>
#include <string.h>

#include "ku/paths.h"
#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "ku/wire_pam.h"
#include "src/base/le.h"
#include "src/client/client.h"
#include "src/wire/codec.h"

/* What is behind the fixed part of a reply with strings: their length, then they. */
#define LENGTH_LEN 4u

/* A string of the host's, cut and without anything that could garble a journal. */
static void
put_host_text(struct enc *e, const char *s, size_t max)
{
	size_t len = s == NULL ? 0 : strnlen(s, max);

	enc_u32(e, (uint32_t)len);
	for (size_t i = 0; i < len; i++)
		enc_u8(e, (uint8_t)(s[i] > ' ' && s[i] <= '~' ? s[i] : '?'));
}

static void
put_name(struct enc *e, const struct name *name)
{
	enc_u32(e, (uint32_t)name->len);
	enc_bytes(e, name->text, name->len);
}

static void
put_person(struct enc *e, const struct ask *q)
{
	enc_u32(e, (q->silent ? KU_PAM_SILENT : 0u) | (q->hold ? KU_PAM_HOLD : 0u));
	put_name(e, q->name);
	put_host_text(e, q->service, ASK_MAX_SERVICE);
	put_host_text(e, q->tty, ASK_MAX_TTY);
	put_host_text(e, q->rhost, ASK_MAX_RHOST);
}

/* The two strings behind a reply's numbers. */
static bool
take_strings(struct ask_got *got, size_t len)
{
	struct dec d;

	dec_init(&d, got->text->data, len);
	if (dec_u32(&d) != len - LENGTH_LEN)
		return false;
	got->a = dec_strz(&d);
	got->b = dec_strz(&d);
	return dec_done(&d);
}

/* `n` numbers, and strings when got->text is there to take them. */
static void
call(uint16_t op, const struct enc *req, unsigned n, int ms, struct ask_got *got)
{
	uint8_t head[8] = { 0 };
	struct client_call c = {
		.path = KU_PATH_SOCK,
		.op = op,
		.req = req->buf,
		.req_len = req->len,
		.verify_peer = true,
		.head = head,
		.head_len = n * sizeof(uint32_t),
	};

	if (req->failed) {
		got->error = -EMSGSIZE;
		return;
	}
	if (got->text != NULL) {
		c.tail = got->text->data;
		c.tail_cap = got->text->cap;
	}
	got->error = client_call(&c, deadline_in_ms(ms));
	got->status = c.status;
	if (got->error != 0 || c.status != KU_ST_OK)
		return;
	got->first = le32_get(head);
	got->second = n > 1 ? le32_get(head + 4) : 0;
	if (got->text != NULL && !take_strings(got, c.tail_len))
		got->error = -EPROTO;
}

static void
call_about(uint16_t op, const struct ask *q, const struct secret *password, unsigned n,
    int ms, struct ask_got *got)
{
	cleanup_(secret_freep) struct secret *req = secret_new(KU_MAX_PAM_REQ);
	struct enc e;

	if (req == NULL) {
		got->error = -ENOMEM;
		return;
	}
	enc_init(&e, req->data, req->cap);
	if (op == KU_OP_PAM_LOOKUP)
		put_name(&e, q->name);
	else
		put_person(&e, q);
	if (op == KU_OP_PAM_AUTH)
		enc_u32(&e, password != NULL ? (uint32_t)password->len : 0);
	if (password != NULL)
		enc_bytes(&e, password->data, password->len);
	call(op, &e, n, ms, got);
}

static bool
begin(struct ask_got *got, bool with_text)
{
	*got = (struct ask_got){ .a = "", .b = "" };
	if (!with_text)
		return true;
	got->text = secret_new(ASK_MAX_TEXT);
	if (got->text == NULL)
		got->error = -ENOMEM;
	return got->text != NULL;
}

/* What did not come whole is as if it had not come. */
static void
end(struct ask_got *got)
{
	if (got->a == NULL || got->b == NULL || got->error != 0) {
		got->a = "";
		got->b = "";
	}
}

void
ask_lookup(const struct ask *q, int ms, struct ask_got *got)
{
	if (begin(got, true))
		call_about(KU_OP_PAM_LOOKUP, q, NULL, 1, ms, got);
	end(got);
}

void
ask_auth(const struct ask *q, const struct secret *password, int ms, struct ask_got *got)
{
	if (begin(got, false))
		call_about(KU_OP_PAM_AUTH, q, password, 2, ms, got);
	end(got);
}

void
ask_acct(const struct ask *q, int ms, struct ask_got *got)
{
	if (begin(got, false))
		call_about(KU_OP_PAM_ACCT, q, NULL, 2, ms, got);
	end(got);
}

void
ask_session(const struct ask *q, int ms, struct ask_got *got)
{
	if (begin(got, true))
		call_about(KU_OP_PAM_SESSION, q, NULL, 2, ms, got);
	end(got);
}

void
ask_got_done(struct ask_got *got)
{
	got->text = secret_free(got->text);
	got->a = "";
	got->b = "";
}
