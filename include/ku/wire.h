/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The frame: what every message on the daemon's sockets looks like.
 *
 *	offset	size
 *	0	2	magic	0x4b75 ("uK" on the wire)
 *	2	1	version	1
 *	3	1	flags	0
 *	4	2	op	enum ku_op
 *	6	2	status	enum ku_status; 0 in requests
 *	8	4	serial	chosen by the client, repeated in the reply
 *	12	4	length	of the body that follows, bytes
 *
 * All integers are little-endian. Bodies are described beside each operation in
 * wire_ops.h and, with diagrams and golden vectors, in docs/protocol.md. Nothing is ever
 * overlaid with a struct; src/wire encodes and decodes.
 *
 * A daemon that sees a version it does not know answers with its own version, the same op
 * and serial, and status KU_ST_VERSION; a client treats that as "unavailable".
 */
#pragma once

#include <stdint.h>

#define KU_WIRE_MAGIC      0x4b75u
#define KU_WIRE_VERSION    1u
#define KU_WIRE_HEADER_LEN 16u

enum ku_status {
	KU_ST_OK = 0,
	KU_ST_NOTFOUND = 1, /* there is no such entry: the server said so, or the name
				 cannot be one */
	KU_ST_UNAVAIL = 2,  /* not known, and cannot be found out now */
	KU_ST_BUSY = 3,     /* a limit was reached; the same request may succeed later */
	KU_ST_DENIED = 4,   /* the caller may not do this */
	KU_ST_BAD = 5,      /* the request could not be decoded */
	KU_ST_VERSION = 6,  /* protocol version or operation not known */
	KU_ST_LOCAL = 7,    /* the entry belongs to this host's own files */
};
