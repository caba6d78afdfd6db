/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Between the daemon and kanidm_unixd_tasks, on task_sock: frames of wire.h. Tasks connects
 * and says HELLO; from then on the daemon asks and tasks answers, one request at a time,
 * repeating op and serial. Both look at the other's credentials first: the daemon takes uid
 * 0 only, tasks takes the owner of the socket's directory only.
 *
 * Requests carry ids and names, never a path: tasks makes paths itself, from its own
 * configuration. A reply has status OK, or UNAVAIL with one line of text for a person.
 *
 *	TASK_HELLO	> strs version			< (tasks asks this one)
 *	TASK_HOME	> 16 bytes uuid, u32 uid, u32 gid, strs name, spn, shown
 *							< strs text ("" when OK)
 *
 * `name` is the short name, or the SPN again for an account of another domain: homes and
 * aliases by name must not be those of a namesake. `shown` is the account's name as NSS
 * shows it (for SELinux labels). uid and gid are what NSS shows. Names are canonical; tasks
 * parses them again.
 */
#pragma once

#include <stdint.h>

#define KU_TASK_MAX_REQ   2048u
#define KU_TASK_MAX_REPLY 1024u

/* clang-format off */
#define KU_TASK_OPS(X) \
	X(TASK_HELLO, 0x0801) \
	X(TASK_HOME,  0x0802)
/* clang-format on */

enum ku_task_op {
#define KU_TASK_OP_ENUM(name, code) KU_OP_##name = (code),
	KU_TASK_OPS(KU_TASK_OP_ENUM)
#undef KU_TASK_OP_ENUM
};
