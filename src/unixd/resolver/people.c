/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The table behind the numbers: one word each, whose low bits say what it is. Numbers of
 * those who are gone are given out again.
 */
#include "src/unixd/resolver/people.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/hmap.h"

#define TAG      ((uintptr_t)3)
#define USER     ((uintptr_t)0)
#define STRANGER ((uintptr_t)1)
#define FREE     ((uintptr_t)2)

static void *
at(const struct people *p, uint32_t number, uintptr_t tag)
{
	uintptr_t v = number < p->n ? p->slot[number] : FREE;

	return (v & TAG) == tag ? (void *)(v & ~TAG) : NULL;
}

struct cache_user *
people_user(const struct people *p, uint32_t number)
{
	return at(p, number, USER);
}

struct stranger *
people_stranger(const struct people *p, uint32_t number)
{
	return at(p, number, STRANGER);
}

void
people_prefetch(const struct people *p, uint32_t number)
{
	if (number < p->n)
		__builtin_prefetch((const void *)(p->slot[number] & ~TAG));
}

uint64_t
people_hash(const char *spn)
{
	return hmap_hash(spn, strlen(spn));
}

void
people_prefetch_head(const struct people *p, uint64_t hash)
{
	chains_prefetch(&p->strangers, hash);
}

void
people_prefetch_slot(const struct people *p, uint64_t hash)
{
	__builtin_prefetch(p->slot + chains_first(&p->strangers, hash));
}

void
people_prefetch_stranger(const struct people *p, uint64_t hash)
{
	people_prefetch(p, chains_first(&p->strangers, hash));
}

static uint64_t
hash_stranger(const void *owner, uint32_t item)
{
	const struct stranger *s = people_stranger(owner, item);

	return people_hash(s->text + s->spn_at);
}

static uint32_t *
next_stranger(const void *owner, uint32_t item)
{
	return &people_stranger(owner, item)->next;
}

static const struct chains_of by_spn = { hash_stranger, next_stranger };

void
people_init(struct people *p)
{
	*p = (struct people){ .n = 1 };
	chains_init(&p->strangers);
}

void
people_deinit(struct people *p)
{
	for (uint32_t i = 1; i < p->n; i++)
		free(people_stranger(p, i));
	chains_deinit(&p->strangers);
	free(p->slot);
	*p = (struct people){ 0 };
}

static uint32_t
take_number(struct people *p)
{
	uint32_t number = p->free;

	if (number != 0) {
		p->free = (uint32_t)(p->slot[number] >> 2);
		return number;
	}
	if (p->n >= p->cap) {
		p->cap += p->cap / 4 + 64;
		p->slot = xreallocarray(p->slot, p->cap, sizeof(*p->slot));
		p->slot[0] = FREE;
	}
	return p->n++;
}

uint32_t
people_add(struct people *p, struct cache_user *cu)
{
	uint32_t number = take_number(p);

	p->slot[number] = (uintptr_t)cu | USER;
	return number;
}

void
people_remove(struct people *p, uint32_t number)
{
	struct stranger *s = people_stranger(p, number);

	if (s != NULL)
		chains_remove(&p->strangers, &by_spn, p, number);
	free(s);
	p->slot[number] = (uintptr_t)p->free << 2 | FREE;
	p->free = number;
}

uint32_t
people_find_stranger(const struct people *p, const char *name, const char *spn)
{
	return people_find_hashed(p, people_hash(spn), name, spn);
}

uint32_t
people_find_hashed(const struct people *p, uint64_t hash, const char *name,
    const char *spn)
{
	uint32_t i = chains_first(&p->strangers, hash);
	const struct stranger *s;

	for (; i != 0; i = s->next) {
		s = people_stranger(p, i);
		if (streq(s->text + s->spn_at, spn) &&
		    (name == NULL || streq(s->text, name)))
			return i;
	}
	return 0;
}

void
people_make_stranger(struct people *p, uint32_t number, const char *name, const char *spn,
    uint32_t listed)
{
	size_t name_size = strlen(name) + 1, spn_size = strlen(spn) + 1;
	struct stranger *s = xmalloc(sizeof(*s) + name_size + spn_size);

	s->listed = listed;
	s->spn_at = (uint32_t)name_size;
	memcpy(s->text, name, name_size);
	memcpy(s->text + name_size, spn, spn_size);
	p->slot[number] = (uintptr_t)s | STRANGER;
	chains_insert(&p->strangers, &by_spn, p, number);
}

uint32_t
people_add_stranger(struct people *p, const char *name, const char *spn)
{
	uint32_t number = take_number(p);

	people_make_stranger(p, number, name, spn, 0);
	return number;
}

uint32_t
people_make_user(struct people *p, uint32_t number, struct cache_user *cu)
{
	struct stranger *s = people_stranger(p, number);
	uint32_t listed = s->listed;

	chains_remove(&p->strangers, &by_spn, p, number);
	free(s);
	p->slot[number] = (uintptr_t)cu | USER;
	return listed;
}
