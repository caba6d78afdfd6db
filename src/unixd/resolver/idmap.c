/* SPDX-License-Identifier: MPL-2.0 */
/* Reader of the kernel's id maps: three numbers a line, of which the outside is not ours. */
#include "src/unixd/resolver/idmap.h"

#include <inttypes.h>
#include <stdio.h>

static void
close_file(FILE **f)
{
	if (*f != NULL)
		fclose(*f);
}

void
idmap_read(struct idmap *m, const char *path)
{
	__attribute__((cleanup(close_file))) FILE *f = fopen(path, "re");
	uint32_t first, outside, count;
	char line[128];

	m->n = 0;
	if (f == NULL)
		return;
	while (m->n < IDMAP_MAX && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%" SCNu32 " %" SCNu32 " %" SCNu32, &first, &outside,
			&count) != 3)
			continue;
		m->v[m->n].first = first;
		m->v[m->n].count = count;
		m->n++;
	}
}

bool
idmap_holds(const struct idmap *m, uint32_t id)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		if (id >= m->v[i].first && id - m->v[i].first < m->v[i].count)
			return true;
	}
	return m->n == 0;
}
