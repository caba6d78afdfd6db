/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The keys of one account, for sshd's AuthorizedKeysCommand. Whatever is not a key never
 * reaches stdout: sshd would take it for one.
 */
#include <errno.h>
#include <string.h>

#include "ku/wire.h"
#include "ku/wire_ops.h"
#include "src/prog/xalloc.h"
#include "tools/commands.h"

/* The daemon answers within 3 s; sshd itself waits for us without a limit. */
#define TIMEOUT_MS 4000

int
cmd_ssh_keys(const struct tool *t, const char *name, uint16_t *ret_status)
{
	cleanup_(tool_answer_clear) struct tool_answer a = { 0 };
	cleanup_(freep) const char **keys = NULL;
	uint8_t req[KU_MAX_NAME_REQ];
	size_t n = 0, len = tool_pack_name(req, sizeof(req), name);
	int rc;

	*ret_status = KU_ST_NOTFOUND;
	if (len == 0)
		return 0;
	rc = tool_ask(t, KU_OP_SSH_KEYS, req, len, TIMEOUT_MS, &a);
	if (rc < 0)
		return rc;
	*ret_status = a.status;
	if (a.status != KU_ST_OK)
		return 0;
	rc = tool_strings(&a, &keys, &n);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		/* One key, one line: a line break inside would smuggle in a second one. */
		if (keys[i][0] != '\0' && strpbrk(keys[i], "\r\n") == NULL)
			(void)fprintf(t->out, "%s\n", keys[i]);
	}
	return fflush(t->out) == 0 && ferror(t->out) == 0 ? 0 : -EIO;
}
