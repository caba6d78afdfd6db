/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The port to whatever protects a key of this host while it is on disk. Sealing gives a
 * blob that says which kind made it; unsealing takes nothing else's.
 *
 * Both block (they read the pin and derive a key from it): on a lane only. Several threads
 * may call them at once.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"
#include "src/base/secret.h"
#include "src/unixd/hsm/pin.h"

#define HSM_KEY_LEN    32u
#define HSM_MAX_SEALED 512u

struct hsm {
	const char *name; /* hsm_type in the configuration */
	/* `key` has HSM_KEY_LEN bytes. The pin is on the disk first. 0 or -errno. */
	int (*seal)(const struct pin *pin, const struct secret *key,
	    uint8_t ret_sealed[HSM_MAX_SEALED], size_t *ret_len);
	/* 0; -EBADMSG: damaged, of another kind or version, or sealed under another pin;
	 * else -errno: it may well open another time. */
	int (*unseal)(const struct pin *pin, const void *sealed, size_t len,
	    struct secret **ret_key);
};

/* The content of the pin file is all there is: it protects a database that is copied, or
 * backed up, without the pin. */
extern const struct hsm hsm_soft;
