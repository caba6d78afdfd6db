/* SPDX-License-Identifier: MPL-2.0 */
/* The reader of /etc/passwd and /etc/group: what it lists, it must also find again. */
#include <stdint.h>
#include <stdlib.h>

#include "src/unixd/local/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(enum table_kind kind, const char *data, size_t size)
{
	struct table t;

	table_parse(&t, kind, data, size);
	for (size_t i = 0; i < t.n; i++) {
		const struct table_entry *e = &t.entries[i];

		if (table_text(&t, e->name)[0] == '\0' ||
		    table_by_name(&t, table_text(&t, e->canon)) > e ||
		    table_by_name(&t, table_text(&t, e->canon)) == NULL ||
		    table_by_exact(&t, table_text(&t, e->name)) == NULL ||
		    table_by_id(&t, e->id) == NULL || e->first_member > t.n_members ||
		    e->n_members > t.n_members - e->first_member)
			abort();
		for (uint32_t k = 0; k < e->n_members; k++)
			if (t.members[e->first_member + k][0] == '\0')
				abort();
	}
	table_free(&t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check(TABLE_PASSWD, (const char *)data, size);
	check(TABLE_GROUP, (const char *)data, size);
	return 0;
}
