/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A failure takes the longer of two times: that of a verification (its own, or one drawn
 * from the ring when there was none), and one drawn from the slowest quarter of the ring.
 * The first makes failures with and without work look alike; the second hides answers that
 * the server gave without work of its own (it refuses a locked account in no time).
 *
 * Of the server's answers only acceptances are put into the ring: their work is that of a
 * wrong password, and refusals may be answered without any.
 *
 * A crowd makes verifications slow, and failures with them. That is forgotten after some
 * minutes of quiet: then the faster half of what was measured says what an idle host needs.
 */
#include "src/unixd/login/pace.h"

#include <string.h>

void
pace_init(struct pace *p, uint32_t first_ms)
{
	*p = (struct pace){ .n = 1, .assumed = true };
	p->ms[0] = first_ms;
}

/* The first measurement replaces the assumption. */
void
pace_note(struct pace *p, uint32_t ms, int64_t now_s)
{
	p->assumed = false;
	p->ms[p->next] = ms;
	p->at_s[p->next] = now_s;
	if (p->n < p->next + 1)
		p->n = p->next + 1;
	p->next = (p->next + 1) % PACE_RING;
}

void
pace_hint(struct pace *p, uint32_t ms)
{
	if (p->assumed)
		p->ms[0] = ms;
}

static void
sort(uint32_t *v, unsigned n)
{
	for (unsigned i = 1; i < n; i++) {
		uint32_t one = v[i];
		unsigned k = i;

		for (; k > 0 && v[k - 1] > one; k--)
			v[k] = v[k - 1];
		v[k] = one;
	}
}

/* What verifications take these minutes, sorted. */
static unsigned
sample(const struct pace *p, int64_t now_s, uint32_t v[PACE_RING])
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->n; i++) {
		if (now_s - p->at_s[i] <= PACE_RECENT_S)
			v[n++] = p->ms[i];
	}
	if (n > 0) {
		sort(v, n);
		return n;
	}
	memcpy(v, p->ms, p->n * sizeof(v[0]));
	sort(v, p->n);
	return (p->n + 1) / 2;
}

uint32_t
pace_hold(const struct pace *p, int64_t worked_ms, uint64_t random, int64_t now_s)
{
	const uint32_t any = (uint32_t)random, slow = (uint32_t)(random >> 32);
	uint32_t v[PACE_RING], hold, work;
	const unsigned n = sample(p, now_s, v), quarter = (n + 3) / 4;

	hold = v[n - 1 - slow % quarter];
	if (worked_ms == PACE_NO_WORK)
		work = v[any % n];
	else
		work = worked_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)worked_ms;
	return work > hold ? work : hold;
}
