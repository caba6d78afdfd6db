/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Any bytes as the body of TASK_HOME. What is accepted keeps its promises: ids that a
 * person may have, names that are one path component each and begin with a letter.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/ids.h"
#include "tasks/mount_ask.h"
#include "tasks/request.h"

static void
check_component(const char *text)
{
	if (text == NULL || text[0] == '\0' || text[0] == '.' ||
	    strchr(text, '/') != NULL || strlen(text) > 255 + 64)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request r;
	struct why why;
	static uint8_t out[2048];
	static struct request again;
	size_t len;

	if (request_decode(data, size, &r, &why) < 0)
		return 0;
	if (!ids_is_allowed(r.uid) || !ids_is_allowed(r.gid))
		abort();
	check_component(request_attr(&r, NAME_ATTR_NAME));
	check_component(request_attr(&r, NAME_ATTR_SPN));
	check_component(request_attr(&r, NAME_ATTR_UUID));
	len = mount_ask_encode(&r, out, sizeof(out));
	if (len != size || memcmp(out, data, len) != 0 ||
	    request_decode(out, len, &again, &why) < 0)
		abort();
	return 0;
}
