/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Reader of the kernel's id maps: three numbers a line. The outside number tells whose map it
 * is. A container's moves ids, and what it lacks does not exist in there for anybody. One
 * that moves none is that of the daemon's own unit (PrivateUsers=): the processes that ask
 * live outside, with all ids there are.
 */
#include "src/unixd/resolver/idmap.h"

#include <inttypes.h>
#include <stdio.h>

static void
close_file(FILE **f)
{
	if (*f != NULL)
		(void)fclose(*f);
}

void
idmap_read(struct idmap *m, const char *path)
{
	__attribute__((cleanup(close_file))) FILE *f = fopen(path, "re");
	uint32_t first, outside, count;
	bool moves = false;
	char line[128];

	m->n = 0;
	if (f == NULL)
		return;
	while (m->n < IDMAP_MAX && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%" SCNu32 " %" SCNu32 " %" SCNu32, &first, &outside,
			&count) != 3)
			continue;
		moves = moves || first != outside;
		m->v[m->n].first = first;
		m->v[m->n].count = count;
		m->n++;
	}
	if (!moves)
		m->n = 0;
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
