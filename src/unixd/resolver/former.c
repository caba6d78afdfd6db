/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A ring: names that pass from one to another are rare, and who floods it with names of his
 * own has to change them on the server as often.
 */
#include "src/unixd/resolver/former.h"

#include <string.h>

#include "src/unixd/core/hmap.h"

void
former_note(struct former *f, const char *key, uint32_t uid, int32_t now)
{
	uint64_t hash = hmap_hash(key, strlen(key));
	size_t i;

	for (i = 0; i < FORMER_MAX; i++) {
		if (f->v[i].until != 0 && f->v[i].hash == hash && f->v[i].uid == uid)
			break;
	}
	if (i == FORMER_MAX) {
		i = f->next;
		f->next = (f->next + 1) % FORMER_MAX;
	}
	f->v[i].hash = hash;
	f->v[i].uid = uid;
	f->v[i].until = now + FORMER_S;
}

bool
former_is_others(const struct former *f, const char *key, uint32_t uid, int32_t now)
{
	uint64_t hash = hmap_hash(key, strlen(key));

	for (size_t i = 0; i < FORMER_MAX; i++) {
		if (f->v[i].hash == hash && f->v[i].uid != uid && now < f->v[i].until)
			return true;
	}
	return false;
}
