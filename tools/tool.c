/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Tools ask as the NSS module does, with the one-question client, but may allocate: a reply
 * that turns out larger than the buffer is asked for again with one that fits.
 */
#include "tools/tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "src/client/client.h"
#include "src/prog/jsonw.h"
#include "src/prog/xalloc.h"
#include "tools/screen.h"

#define FIRST_BUFFER ((size_t)16 * 1024)
#define MAX_ATTEMPTS 4

void
tool_answer_clear(struct tool_answer *a)
{
	free(a->body);
	*a = (struct tool_answer){ 0 };
}

int
tool_call(const struct tool *t, struct client_call *call, struct deadline deadline)
{
	int64_t began = clock_mono_ns();
	int rc = client_call(call, deadline);

	if (t->debug)
		(void)fprintf(t->err,
		    "debug: %s op=%s result=%d status=%u bytes=%zu ms=%lld\n",
		    t->sock_path, op_name(call->op), rc, (unsigned)call->status,
		    call->tail_len, (long long)((clock_mono_ns() - began) / 1000000));
	return rc;
}

int
tool_ask(const struct tool *t, uint16_t op, const void *req, size_t req_len,
    int timeout_ms, struct tool_answer *ret_answer)
{
	struct deadline deadline = deadline_in_ms(timeout_ms);
	struct client_call call = {
		.path = t->sock_path,
		.op = op,
		.req = req,
		.req_len = req_len,
		.tail_cap = FIRST_BUFFER,
	};
	int rc = -ERANGE;

	*ret_answer = (struct tool_answer){ 0 };
	/* The answer may grow while we ask; not for ever. */
	for (int i = 0; rc == -ERANGE && i < MAX_ATTEMPTS; i++) {
		if (call.tail_len > call.tail_cap)
			call.tail_cap = call.tail_len;
		call.tail = xreallocarray(call.tail, call.tail_cap, 1);
		rc = tool_call(t, &call, deadline);
	}
	if (rc < 0) {
		free(call.tail);
		return rc;
	}
	*ret_answer = (struct tool_answer){
		.status = call.status,
		.body = call.tail,
		.len = call.tail_len,
	};
	return 0;
}

static void
print_error(const struct tool *t, const char *text, int code)
{
	struct jsonw w;

	if (!t->json)
		return;
	jsonw_begin(&w, t->out);
	jsonw_open_object(&w, NULL);
	jsonw_string(&w, "error", text);
	if (code != 0)
		jsonw_int(&w, "code", code);
	jsonw_close(&w);
	/* The exit code says already that it did not work. */
	if (jsonw_end(&w) < 0)
		return;
}

int
tool_fail(const struct tool *t, const char *cmd, const char *fmt, ...)
{
	cleanup_(freep) char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	/* The daemon's own words may be in it. */
	screen_clean(text);
	(void)fprintf(t->err, "%s: %s\n", cmd, text);
	print_error(t, text, 0);
	return 1;
}

int
tool_end(int rc)
{
	bool good = fflush(stdout) == 0 && ferror(stdout) == 0;

	return good || rc != 0 ? rc : 1;
}

int
tool_success(const struct tool *t)
{
	struct jsonw w;

	if (!t->json) {
		(void)fprintf(t->out, "success\n");
		return 0;
	}
	jsonw_begin(&w, t->out);
	jsonw_open_object(&w, NULL);
	jsonw_bool(&w, "success", true);
	jsonw_close(&w);
	return jsonw_end(&w) == 0 ? 0 : 1;
}

static void
explain_failure(const struct tool *t, int err)
{
	cleanup_(freep) char *text = NULL;

	if (err == ETIMEDOUT)
		text = xasprintf("no answer from %s", t->sock_path);
	else if (err == EPROTO)
		text = xasprintf("%s does not speak our protocol", t->sock_path);
	else
		text = xasprintf("cannot connect to %s: %s", t->sock_path, strerror(err));
	(void)fprintf(t->err,
	    "kanidm-unix: Error -> %s (code %d)\n"
	    "is it running? systemctl status kanidm-unixd\n",
	    text, err);
	print_error(t, text, err);
}

bool
tool_ask_loudly(const struct tool *t, uint16_t op, const void *req, size_t req_len,
    int timeout_ms, struct tool_answer *ret_answer)
{
	int rc = tool_ask(t, op, req, req_len, timeout_ms, ret_answer);

	if (rc == 0)
		return true;
	explain_failure(t, -rc);
	return false;
}

size_t
tool_pack_name(uint8_t *buf, size_t cap, const char *name)
{
	struct enc e;

	enc_init(&e, buf, cap);
	enc_str(&e, name);
	return e.failed ? 0 : e.len;
}

int
tool_strings(const struct tool_answer *a, const char ***ret_v, size_t *ret_n)
{
	struct dec d;
	const char **v;
	uint32_t n, bytes;

	dec_init(&d, a->body, a->len);
	n = dec_u32(&d);
	bytes = dec_u32(&d);
	/* Every string takes a byte at least, so n is bounded by what has arrived. */
	if (d.failed || bytes != a->len - d.pos || n > bytes)
		return -EPROTO;
	v = xcalloc((size_t)n + 1, sizeof(*v));
	for (uint32_t i = 0; i < n; i++)
		v[i] = dec_strz(&d);
	if (!dec_done(&d)) {
		free(v);
		return -EPROTO;
	}
	*ret_v = v;
	*ret_n = n;
	return 0;
}

int
tool_refused(const struct tool *t, const char *cmd, const struct tool_answer *a,
    const char *hint)
{
	cleanup_(freep) const char **v = NULL;
	const char *text = NULL;
	size_t n = 0;

	if (a->len != 0 && tool_strings(a, &v, &n) == 0 && n > 0)
		text = v[0];
	switch (a->status) {
	case KU_ST_DENIED:
		if (text == NULL)
			text = "the daemon refused";
		if (hint != NULL)
			return tool_fail(t, cmd, "%s (try: %s)", text, hint);
		return tool_fail(t, cmd, "%s", text);
	case KU_ST_NOTFOUND:
		return tool_fail(t, cmd, "there is no such entry");
	case KU_ST_LOCAL:
		return tool_fail(t, cmd, "the entry belongs to this host's own files");
	case KU_ST_BUSY:
		return tool_fail(t, cmd, "the daemon is busy, try again");
	case KU_ST_VERSION:
		return tool_fail(t, cmd,
		    "the daemon is of another version (try: systemctl restart "
		    "kanidm-unixd)");
	default:
		return tool_fail(t, cmd, "%s",
		    text != NULL ? text : "the daemon cannot do this now");
	}
}
