/* SPDX-License-Identifier: MPL-2.0 */
/* The operations of the PAM module. */
#include "ku/wire.h"
#include "src/unixd/server/conn.h"
#include "src/unixd/server/dispatch.h"
#include "src/unixd/server/server_internal.h"

#define PAM_OP(name)                                  \
	void op_##name(struct conn *c, struct dec *d) \
	{                                             \
		(void)d;                              \
		conn_reply_status(c, KU_ST_UNAVAIL);  \
	}
PAM_OP(PAM_LOOKUP)
PAM_OP(PAM_AUTH)
PAM_OP(PAM_ACCT)
PAM_OP(PAM_SESSION)
