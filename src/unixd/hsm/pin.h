/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The HSM pin: the file whose content protects keys kept on this host (hsm_type = soft).
 *
 * Where it is: hsm_pin_path when configured; else /var/lib/kanidm-unixd/hsm-pin; when that
 * does not exist and /var/cache/kanidm-unixd/hsm-pin does, the latter (hosts that followed
 * the NixOS module). The file is shared with the reference client and is never rewritten:
 * a pin that is there and cannot be read is a problem to report, not a reason to make one.
 */
#pragma once

#include "src/base/attr.h"
#include "src/base/secret.h"

/* 24 random bytes as lower-case hex, no newline; files of others may be longer. */
#define PIN_MIN_LEN  24u
#define PIN_HEX_LEN  48u
#define PIN_MAX_LEN  4096u
#define PIN_MAX_PATH 1024u

enum pin_state {
	PIN_READY,      /* it was there and can be read */
	PIN_CREATED,    /* a new one was made */
	PIN_UNREADABLE, /* it is there, but not for us, or it is no pin */
	PIN_NO_PLACE,   /* not there, and none can be made */
};

struct pin {
	enum pin_state state;
	char path[PIN_MAX_PATH + 1];
	/* One line for status and the journal, with the fix where there is one. */
	char text[PIN_MAX_PATH + 256];
};

/* `configured` may be NULL. `path` and `alt` are the built-in places. Looks, creates when
 * nothing is there, fills *ret_pin. Never fails: what is wrong is in the result. */
void pin_prepare(const char *configured, const char *path, const char *alt,
    struct pin *ret_pin);

/*
 * What the file says now: all its bytes but a newline at the end, which an editor may have
 * put there. 0, -EBADMSG when it is no pin any more, or -errno.
 */
int must_use_ pin_read(const struct pin *pin, struct secret **ret_secret) ON_WORKER;

/* What pin_read() has returned, in words. */
const char *pin_why(int rc);

/* The pin, and its name, are on the disk from here on. A disk that does not say so, or a
 * directory that is not ours to open, is no reason to go without. */
void pin_settle(const struct pin *pin) ON_WORKER;
