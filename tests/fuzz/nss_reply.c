/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A hostile daemon's reply as struct passwd and struct group, in buffers of every awkward
 * size and alignment. Input: kind, spare room, misalignment, 12 bytes of head, then the
 * strings. What comes out must lie inside the buffer, be terminated, and be nobody below
 * 1000.
 */
#include <errno.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nss/pack.h"
#include "tests/fuzz/require.h"

static void
require_inside(const char *s, const char *buf, size_t cap)
{
	require(s != NULL && s >= buf && s < buf + cap);
	require(memchr(s, '\0', cap - (size_t)(s - buf)) != NULL);
	require(strchr(s, '\n') == NULL && strchr(s, ':') == NULL);
}

static void
try_passwd(const uint8_t *head, char *buf, size_t len)
{
	struct passwd pw;

	if (pack_passwd(head, buf, len, &pw) < 0)
		return;
	require(pw.pw_uid >= 1000 && pw.pw_gid >= 1000);
	require_inside(pw.pw_name, buf, len);
	require_inside(pw.pw_passwd, buf, len);
	require_inside(pw.pw_gecos, buf, len);
	require_inside(pw.pw_dir, buf, len);
	require_inside(pw.pw_shell, buf, len);
}

static void
try_group(const uint8_t *head, char *buf, size_t len, size_t cap)
{
	struct group gr;
	const char *mem;
	int r = pack_group(head, buf, len, cap, &gr);
	size_t n = 0;

	if (r == -ERANGE)
		require(cap < len + (len + 1) * sizeof(char *) + alignof(char *));
	if (r < 0)
		return;
	mem = (const char *)gr.gr_mem;
	require(gr.gr_gid != 0 && (uintptr_t)mem % alignof(char *) == 0);
	require_inside(gr.gr_name, buf, len);
	require_inside(gr.gr_passwd, buf, len);
	for (; gr.gr_mem[n] != NULL; n++)
		require_inside(gr.gr_mem[n], buf, len);
	require(mem >= buf + len && mem + (n + 1) * sizeof(char *) <= buf + cap);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len, cap, shift;
	char *block;

	if (size < 3 + PACK_HEAD_LEN)
		return 0;
	len = size - 3 - PACK_HEAD_LEN;
	cap = len + data[1];
	shift = data[2] % 16;
	block = malloc(shift + cap + (shift + cap == 0));
	if (block == NULL)
		return 0;
	memcpy(block + shift, data + 3 + PACK_HEAD_LEN, len);
	if (data[0] % 2 == 0)
		try_passwd(data + 3, block + shift, len);
	else
		try_group(data + 3, block + shift, len, cap);
	free(block);
	return 0;
}
