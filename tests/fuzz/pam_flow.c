/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A whole PAM call: options, items, flags, the person, the daemon, /etc/passwd, and every
 * function of libc that can fail, decided by the input byte by byte. libpam itself and the
 * map are played by this file.
 *
 * What must hold whatever happens: it ends; SUCCESS of authenticate and acct_mgmt only when
 * the daemon said so in answer to that question; no password to a peer that was not
 * verified; IGNORE only for a name that somebody called foreign; nobody asked for a password
 * before the daemon knew the name; no descriptor and no mapping left; passwords wiped before
 * they are freed or unmapped; errno and cancellation as before; messages plain.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <security/pam_ext.h>
#include <security/pam_modules.h>

#include "pam/run.h"
#include "src/base/util.h"
#include "src/map/map.h"
#include "tests/fuzz/pam_world.h"

struct world w;

void
require(bool ok)
{
	if (!ok)
		abort();
}

uint8_t
byte(void)
{
	return w.at < w.len ? w.data[w.at++] : 0;
}

bool
fails(void)
{
	return byte() >= 0xf0;
}

bool
has_mark(const void *p, size_t len)
{
	return memmem(p, len, MARK, strlen(MARK)) != NULL;
}

/* ---- the map ---- */

bool
map_user_is_overridden(struct map *m, const struct name *name)
{
	(void)m;
	(void)name;
	return byte() >= 0xc0;
}

enum map_answer
map_passwd_by_name(struct map *m, const struct name *name, unsigned flags,
    struct passwd *pw, char *buf, size_t cap)
{
	(void)m;
	(void)name;
	(void)flags;
	(void)pw;
	(void)buf;
	(void)cap;
	return byte() >= 0xc0 ? MAP_LOCAL : MAP_NONE;
}

void
map_close(struct map *m)
{
	(void)m;
}

/* ---- libpam ---- */

static void
require_plain(const char *text)
{
	require(strlen(text) < PAM_MAX_MSG_SIZE);
	for (; *text != '\0'; text++)
		require(*text >= ' ' && *text <= '~');
}

static char *
type_password(void)
{
	size_t len = byte(), i = strlen(MARK);
	char *s;

	if (fails())
		len = 0; /* the empty one */
	else
		len = i + len * 3;
	s = malloc(len + 1);
	require(s != NULL && w.n_typed < ARRAY_SIZE(w.typed));
	memset(s, 'p', len);
	if (len > 0)
		memcpy(s, MARK, i);
	s[len] = '\0';
	w.typed[w.n_typed].text = s;
	w.typed[w.n_typed++].len = len;
	return s;
}

static int
converse(int n, const struct pam_message **msg, struct pam_response **resp, void *arg)
{
	static const int errors[] = { PAM_CONV_ERR, PAM_CONV_AGAIN, PAM_BUF_ERR, 99 };

	require(n == 1 && arg == &w && *resp == NULL && msg[0]->msg != NULL);
	require_plain(msg[0]->msg);
	if (msg[0]->msg_style == PAM_PROMPT_ECHO_OFF)
		require(w.entry == ENTRY_AUTH && w.known);
	if (!fails()) {
		*resp = calloc(1, sizeof(**resp));
		require(*resp != NULL);
		if (w.n_typed < ARRAY_SIZE(w.typed) && !fails())
			(*resp)->resp = type_password();
	}
	return fails() ? errors[byte() % ARRAY_SIZE(errors)] : PAM_SUCCESS;
}

static const struct pam_conv conv = { .conv = converse, .appdata_ptr = &w };

int
pam_get_user(pam_handle_t *pamh, const char **user, const char *prompt)
{
	static const int errors[] = { PAM_CONV_AGAIN, PAM_CONV_ERR, PAM_SYSTEM_ERR };

	(void)pamh;
	(void)prompt;
	*user = NULL;
	if (fails())
		return errors[byte() % ARRAY_SIZE(errors)];
	if (!fails())
		*user = w.user;
	return PAM_SUCCESS;
}

int
pam_get_item(const pam_handle_t *pamh, int type, const void **item)
{
	(void)pamh;
	*item = NULL;
	if (fails())
		return PAM_BAD_ITEM;
	if (type == PAM_CONV)
		*item = fails() ? NULL : &conv;
	else if (type == PAM_AUTHTOK)
		*item = w.has_authtok ? w.authtok : NULL;
	else
		*item = byte() < 0x80 ? NULL : "an \x1b[2J item";
	return PAM_SUCCESS;
}

int
pam_set_item(pam_handle_t *pamh, int type, const void *item)
{
	(void)pamh;
	require(type == PAM_AUTHTOK);
	w.has_authtok = item != NULL && strlen(item) < sizeof(w.authtok);
	if (w.has_authtok)
		memcpy(w.authtok, item, strlen(item) + 1);
	return fails() ? PAM_BUF_ERR : PAM_SUCCESS;
}

int
pam_fail_delay(pam_handle_t *pamh, unsigned us)
{
	(void)pamh;
	require(us <= 2000000);
	return PAM_SUCCESS;
}

void
pam_syslog(const pam_handle_t *pamh, int priority, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	(void)pamh;
	(void)priority;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	require(!has_mark(text, strlen(text)));
	require_plain(text);
	errno = ENOSPC;
}

/* ---- one call ---- */

static int
choose_options(const char **argv)
{
	static const char *const words[] = { "debug", "use_first_pass", "try_first_pass",
		"use_authtok", "ignore_unknown_user", "nodelay", "retry=2", "retry=9",
		"\x1b[2J", "no_warn" };
	uint8_t n = byte() % 4;

	for (uint8_t i = 0; i < n; i++) {
		argv[i] = words[byte() % ARRAY_SIZE(words)];
		w.option_ignore = w.option_ignore ||
		    streq(argv[i], "ignore_unknown_user");
	}
	return n;
}

static void
choose_user(void)
{
	static const char *const users[] = { "alice", "Alice@idm.example", "root", "",
		"+alice", "al\nice", "5" };
	uint8_t which = byte();
	const char *user = users[which < 0xc0 ? 0 : which % ARRAY_SIZE(users)];

	memcpy(w.user, user, strlen(user) + 1);
	w.foreign = strncmp(user, "alice", 5) != 0 && strncmp(user, "Alice", 5) != 0;
}

static void
judge(int code)
{
	int state;

	require(errno == 4711);
	(void)pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
	require(state == w.cancel);
	require(w.open_sockets == 0 && w.open_files == 0 && w.n_maps == 0);
	for (unsigned i = 0; i < w.n_typed; i++)
		require(w.typed[i].text == NULL);
	require(code != PAM_SYSTEM_ERR);
	if (code == PAM_SUCCESS) {
		require(w.entry != ENTRY_PASSWD);
		require(w.let_in || (w.entry != ENTRY_AUTH && w.entry != ENTRY_ACCT));
	}
	if (code == PAM_IGNORE)
		require(w.option_ignore || w.entry == ENTRY_PASSWD);
	if (code == PAM_IGNORE || code == PAM_USER_UNKNOWN)
		require(w.foreign || w.unsure_local);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *argv[4] = { NULL };
	int argc, flags, code, ignored;

	w = (struct world){ .data = data, .len = size };
	w.entry = (enum reason_entry)(byte() % N_REASON_ENTRIES);
	argc = choose_options(argv);
	choose_user();
	flags = (byte() % 2 != 0 ? PAM_SILENT : 0) |
	    (w.entry == ENTRY_PASSWD && byte() % 2 != 0 ? PAM_UPDATE_AUTHTOK : 0);
	if (byte() >= 0x80) {
		size_t len = byte() * 2u + strlen(MARK);

		memset(w.authtok, 's', len);
		memcpy(w.authtok, MARK, strlen(MARK));
		w.authtok[len] = '\0';
		w.has_authtok = true;
	}
	w.cancel = byte() % 2 == 0 ? PTHREAD_CANCEL_ENABLE : PTHREAD_CANCEL_DISABLE;
	(void)pthread_setcancelstate(w.cancel, &ignored);
	errno = 4711;
	code = run((pam_handle_t *)&w, w.entry, flags, argc, argv);
	judge(code);
	return 0;
}
