/* SPDX-License-Identifier: MPL-2.0 */
/* In place of root's files: people of the server may be in the group 27 and in no other. */
#include "nss/granted.h"

bool
granted_gid(uint32_t gid)
{
	return gid == 27;
}
