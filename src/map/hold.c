/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The generations that a process has mapped.
 *
 * A reader counts itself in `inside` before it loads `current`, so whoever finds the count
 * at zero after `current` has moved on knows that nobody can still be in an old slot. A slot
 * is claimed first and the count looked at second: claimed slots were already out of use.
 * All of that is seq_cst, because it is the order between two different words that counts.
 *
 * When the count never comes back to zero (a child forked while another thread was inside,
 * a handler that jumped out) old slots stay, up to MAP_SLOTS; then calls that want a newer
 * generation read it through a descriptor of their own instead. That costs microseconds and
 * no correctness, and nothing here ever waits for another thread.
 */
#include "src/map/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

enum slot_state {
	SLOT_FREE,
	SLOT_FILLING,
	SLOT_CURRENT,
	SLOT_OLD,
	SLOT_CLAIMED, /* somebody is about to unmap it */
};

/* What a call saw of the current slot before it let go of it. */
struct seen {
	uint32_t slot;
	uint64_t dev;
	uint64_t ino;
	bool withdrawn;
};

static uint32_t
load(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static void
store(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

static bool
swap(uint32_t *word, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(word, &from, to, false, __ATOMIC_SEQ_CST,
	    __ATOMIC_SEQ_CST);
}

static void
enter(struct map *m)
{
	(void)__atomic_add_fetch(&m->inside, 1, __ATOMIC_SEQ_CST);
}

static void
leave(struct map *m)
{
	(void)__atomic_sub_fetch(&m->inside, 1, __ATOMIC_SEQ_CST);
}

uint32_t
hold_now(void)
{
	struct timespec ts;

	return clock_gettime(CLOCK_BOOTTIME, &ts) == 0 ? (uint32_t)ts.tv_sec : 0;
}

/* Another thread may have read the clock a second later than we did. */
static bool
held_for_long(const struct map *m, unsigned which, uint32_t now)
{
	uint32_t since = load(&m->held_since[which]);

	return now > since && now - since > HOLD_ENUM_SECONDS;
}

static void
slot_unmap(struct map_slot *s)
{
	(void)munmap((void *)(uintptr_t)s->view.base, s->view.len);
	s->view.base = NULL;
	store(&s->state, SLOT_FREE);
}

/*
 * The pins are looked at before the count: whoever gets into an old slot through one has
 * counted itself before, so a slot that had none is left by all once the count is 0, even if
 * an enumeration is ended at this moment. hold_keep() adds none to a claimed slot.
 */
static void
reap(struct map *m)
{
	bool claimed[MAP_SLOTS], pinned[MAP_SLOTS], any = false, quiet;

	for (unsigned i = 0; i < MAP_SLOTS; i++) {
		claimed[i] = swap(&m->slots[i].state, SLOT_OLD, SLOT_CLAIMED);
		pinned[i] = claimed[i] && load(&m->slots[i].pins) != 0;
		any = any || claimed[i];
	}
	if (!any)
		return;
	quiet = load(&m->inside) == 0;
	for (unsigned i = 0; i < MAP_SLOTS; i++) {
		if (!claimed[i])
			continue;
		if (quiet && !pinned[i])
			slot_unmap(&m->slots[i]);
		else
			store(&m->slots[i].state, SLOT_OLD);
	}
}

static struct map_slot *
claim_slot(struct map *m)
{
	for (unsigned i = 0; i < MAP_SLOTS; i++)
		if (swap(&m->slots[i].state, SLOT_FREE, SLOT_FILLING))
			return &m->slots[i];
	return NULL;
}

/* Never 0, 1 or 2: a host that closed its own must not find ours there. */
static int
open_high(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
	int high;

	if (fd < 0 || fd > 2)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	(void)close(fd);
	return high;
}

/* The first file decides whose the map is; one from elsewhere (a chroot) is refused. */
static bool
same_owner(struct map *m, const struct stat *st)
{
	uint32_t dev = (uint32_t)(major(st->st_dev) << 20 | minor(st->st_dev)) + 1;
	uint32_t owner = (uint32_t)st->st_uid + 1;

	if (load(&m->dev) == 0)
		(void)swap(&m->dev, 0, dev);
	if (load(&m->owner) == 0)
		(void)swap(&m->owner, 0, owner);
	return load(&m->dev) == dev && load(&m->owner) == owner;
}

static bool
state_is_usable(uint32_t state)
{
	return state == KU_MAP_LIVE || state == KU_MAP_REPLACED;
}

/* Opens what is at the path and checks its header. -1: nothing new that can be used. What
 * was taken back there takes back what is older, and that is all that we have. */
static int
open_view(struct map *m, struct seen *seen, struct map_view *v)
{
	int fd = open_high(m->path);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & (S_IWGRP | S_IWOTH)) == 0 && st.st_size <= UINT32_MAX &&
	    !(seen->slot != 0 && seen->dev == (uint64_t)st.st_dev &&
		seen->ino == (uint64_t)st.st_ino) &&
	    view_open(v, fd, (uint32_t)st.st_size) && same_owner(m, &st)) {
		uint32_t state = view_header(v, KU_MAP_H_STATE);

		v->dev = (uint64_t)st.st_dev;
		v->ino = (uint64_t)st.st_ino;
		if (state_is_usable(state))
			return fd;
		seen->withdrawn |= state == KU_MAP_WITHDRAWN;
	}
	(void)close(fd);
	return -1;
}

static void
retire(struct map *m, uint32_t slot)
{
	if (slot != 0)
		store(&m->slots[slot - 1].state, SLOT_OLD);
	reap(m);
}

/*
 * Is what is current now to make room for `s`? What this call saw of it is old, that is why
 * it looked. Another thread may have put a file there meanwhile, perhaps one that it opened
 * before ours was renamed over it; the caller is inside.
 */
static bool
is_to_go(const struct map *m, uint32_t slot, const struct seen *seen,
    const struct map_slot *s)
{
	const struct map_view *v;

	if (slot == 0)
		return true;
	v = &m->slots[slot - 1].view;
	if (slot == seen->slot && v->dev == seen->dev && v->ino == seen->ino)
		return true;
	return (int32_t)(s->view.generation - v->generation) > 0;
}

/* Maps the file on `fd` into `s` and makes it the current one. */
static void
install(struct map *m, const struct seen *seen, struct map_slot *s, uint32_t now)
{
	void *base = mmap(NULL, s->view.len, PROT_READ, MAP_SHARED, s->view.fd, 0);
	uint32_t slot;
	bool done = false;

	(void)close(s->view.fd);
	s->view.fd = -1;
	if (base == MAP_FAILED) {
		store(&s->state, SLOT_FREE);
		store(&m->failed, now);
		return;
	}
	s->view.base = base;
	store(&s->state, SLOT_CURRENT);
	enter(m);
	do {
		slot = load(&m->current);
		if (!is_to_go(m, slot, seen, s))
			break;
		done = swap(&m->current, slot, (uint32_t)(s - m->slots) + 1);
	} while (!done);
	leave(m);
	if (done)
		retire(m, slot);
	else
		slot_unmap(s); /* another thread was first */
}

/* True: no slot is free, and *own is open. */
static cold_ bool
refresh(struct map *m, struct seen *seen, uint32_t now, struct map_view *own)
{
	uint32_t failed = load(&m->failed);
	struct map_slot *s;
	int fd = -1;

	for (unsigned i = 0; i < 2; i++)
		if (held_for_long(m, i, now))
			hold_drop(m, i);
	if (failed == 0 || now - failed > 1)
		fd = open_view(m, seen, own);
	if (seen->withdrawn && swap(&m->current, seen->slot, 0))
		retire(m, seen->slot);
	if (fd < 0)
		return false;
	reap(m);
	s = claim_slot(m);
	if (s == NULL)
		return true;
	s->view = *own;
	if (seen->withdrawn) {
		struct seen none = { 0 };

		install(m, &none, s, now);
	} else {
		install(m, seen, s, now);
	}
	return false;
}

/* LIVE with a valid lease needs no look; a lease that has run out, one a second. */
static bool
must_look(struct map *m, uint32_t state, bool alive, uint32_t now)
{
	uint32_t looked;

	if (state != KU_MAP_LIVE)
		return true;
	if (alive)
		return false;
	looked = load(&m->looked);
	return looked != now && swap(&m->looked, looked, now);
}

/*
 * A handler that jumps out of a lookup (siglongjmp, a timeout of old) must not leave a
 * descriptor or a mapping behind. Between opening and closing there are system calls
 * anyway, so two more cost little; a hit makes none.
 */
static void
signals_off(sigset_t *was)
{
	sigset_t all;

	memset(&all, 0xff, sizeof(all));
	(void)pthread_sigmask(SIG_BLOCK, &all, was);
}

static void
signals_as_before(const sigset_t *was)
{
	(void)pthread_sigmask(SIG_SETMASK, was, NULL);
}

static uint32_t
judge(struct access *a, uint32_t now)
{
	uint32_t state = view_header(a->view, KU_MAP_H_STATE);

	a->lease = view_header(a->view, KU_MAP_H_LEASE);
	a->alive = view_ahead(a->lease, now, KU_MAP_LEASE_MAX);
	a->live = state == KU_MAP_LIVE;
	return state;
}

bool
hold_acquire(struct map *m, uint32_t now, struct access *a)
{
	bool looked = false;

	for (;;) {
		struct seen seen = { 0 };
		int saved;

		enter(m);
		a->slot = load(&m->current);
		if (a->slot != 0) {
			uint32_t state;

			a->view = &m->slots[a->slot - 1].view;
			state = judge(a, now);
			if (state_is_usable(state) &&
			    (looked || !must_look(m, state, a->alive, now)))
				return true;
			seen.slot = a->slot;
			seen.dev = a->view->dev;
			seen.ino = a->view->ino;
			seen.withdrawn = !state_is_usable(state);
		}
		leave(m);
		if (looked)
			return false;
		looked = true;
		saved = errno;
		signals_off(&a->mask);
		if (refresh(m, &seen, now, &a->own)) {
			a->view = &a->own;
			a->slot = 0;
			errno = saved;
			if (state_is_usable(judge(a, now)))
				return true;
			hold_release(m, a);
			return false;
		}
		signals_as_before(&a->mask);
		errno = saved;
	}
}

bool
hold_acquire_held(struct map *m, unsigned which, uint32_t tag, uint32_t mask,
    uint32_t now, struct access *a)
{
	if (load(&m->held[which]) == 0)
		return false;
	if (held_for_long(m, which, now)) {
		hold_drop(m, which);
		return false;
	}
	enter(m);
	a->slot = load(&m->held[which]);
	if (a->slot != 0) {
		a->view = &m->slots[a->slot - 1].view;
		if ((a->view->generation & mask) == tag && state_is_usable(judge(a, now)))
			return true;
	}
	leave(m);
	return false;
}

void
hold_release(struct map *m, struct access *a)
{
	if (a->slot != 0) {
		leave(m);
	} else {
		int saved = errno;

		(void)close(a->own.fd);
		signals_as_before(&a->mask);
		errno = saved;
	}
}

void
hold_keep(struct map *m, unsigned which, const struct access *a, uint32_t now)
{
	struct map_slot *s;

	if (a->slot == 0)
		return;
	store(&m->held_since[which], now);
	if (load(&m->held[which]) == a->slot)
		return;
	hold_drop(m, which);
	s = &m->slots[a->slot - 1];
	(void)__atomic_add_fetch(&s->pins, 1, __ATOMIC_SEQ_CST);
	/* Claimed: whoever did that may have seen no pin. The slot goes with us. */
	if (load(&s->state) == SLOT_CLAIMED || !swap(&m->held[which], 0, a->slot))
		(void)__atomic_sub_fetch(&s->pins, 1, __ATOMIC_SEQ_CST);
}

void
hold_drop(struct map *m, unsigned which)
{
	uint32_t slot = __atomic_exchange_n(&m->held[which], 0, __ATOMIC_SEQ_CST);

	if (slot != 0)
		(void)__atomic_sub_fetch(&m->slots[slot - 1].pins, 1, __ATOMIC_SEQ_CST);
}

void
hold_close(struct map *m)
{
	const char *path = m->path;

	for (unsigned i = 0; i < MAP_SLOTS; i++)
		if (m->slots[i].view.base != NULL)
			slot_unmap(&m->slots[i]);
	memset(m, 0, sizeof(*m));
	m->path = path;
}
