/* SPDX-License-Identifier: MPL-2.0 */
/* Any bytes as a line of mountinfo: mount points are named by whoever mounts. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tasks/mountinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mountinfo_entry e;
	char *line = malloc(size + 1);

	if (line == NULL)
		abort();
	if (size > 0)
		memcpy(line, data, size);
	line[size] = '\0';
	if (mountinfo_parse(line, &e) && strlen(e.root) + strlen(e.point) > size)
		abort();
	free(line);
	return 0;
}
