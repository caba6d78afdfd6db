/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The map is what is measured, so it is the daemon's own writer that makes it; the daemon
 * around it would only make the start of a benchmark long.
 */
#include "support/people.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/deadline.h"

#define DOMAIN   "idm.example.com"
#define THOUSAND 1000u

static uint32_t
boot_now(void)
{
	return (uint32_t)(clock_boot_ns() / 1000000000);
}

/* From digits, so that no array of names is what cache misses come from. */
void
people_name(char first, uint32_t i, char *text)
{
	text[0] = first;
	for (int at = 6; at > 0; at--, i /= 10)
		text[at] = (char)('0' + i % 10);
	text[7] = '\0';
}

static void
publish_person(struct publish *p, uint32_t i, uint32_t fresh_until)
{
	char name[8], spn[64], home[64], text[64];
	const char *keys[] = { name, spn };
	uint32_t gids[PEOPLE_GROUPS];
	struct passwd_view v = { PEOPLE_FIRST_UID + i, PEOPLE_FIRST_UID + i, spn, text,
		home, "/bin/bash", PEOPLE_GROUPS, gids, false };
	struct group_view g = { PEOPLE_FIRST_UID + i, spn, 0, NULL };

	people_name('p', i, name);
	(void)snprintf(spn, sizeof(spn), "%s@" DOMAIN, name);
	(void)snprintf(home, sizeof(home), "/home/3f2a77c0-1b1e-4e6f-9d5c-%012u", i);
	(void)snprintf(text, sizeof(text), "Person Number %u", i);
	for (uint32_t k = 0; k < PEOPLE_GROUPS; k++)
		gids[k] = 50000 + (i + k * 37) % 1000;
	publish_user(p, &v, keys, 2, fresh_until);
	publish_group(p, &g, keys, 2, fresh_until);
}

static void
publish_thousand(struct publish *p, uint32_t n, uint32_t fresh_until)
{
	static char names[THOUSAND][8];
	static const char *members[THOUSAND];
	const char *const keys[] = { PEOPLE_THOUSAND };
	struct group_view g = { PEOPLE_THOUSAND_G, PEOPLE_THOUSAND,
		n < THOUSAND ? n : THOUSAND, members };

	for (uint32_t i = 0; i < g.n_members; i++) {
		people_name('p', i, names[i]);
		members[i] = names[i];
	}
	publish_group(p, &g, keys, 1, fresh_until);
}

void
people_publish(struct people *p, const char *path, uint32_t n)
{
	struct publish_settings s = { path, DOMAIN, 0, 3600 };
	uint32_t fresh_until = boot_now() + 3600;
	struct stat st;

	p->path = path;
	p->n = n;
	timers_init(&p->timers);
	p->publish = publish_new(&p->timers, &s);
	for (uint32_t i = 0; i < n; i++)
		publish_person(p->publish, i, fresh_until);
	publish_thousand(p->publish, n, fresh_until);
	for (uint32_t i = 0; i < PEOPLE_UNKNOWN; i++) {
		char name[8];

		people_name('q', i, name);
		publish_negative(p->publish, PUBLISH_USER, name, 0, fresh_until);
	}
	people_lease(p);
	if (publish_commit(p->publish) != 0 || stat(path, &st) != 0) {
		(void)fprintf(stderr, "%s: %s\n", path, publish_trouble(p->publish));
		abort();
	}
	people_lease(p);
}

void
people_lease(struct people *p)
{
	publish_lease(p->publish, boot_now() + 25, 0);
}

void
people_free(struct people *p)
{
	p->publish = publish_free(p->publish);
	timers_deinit(&p->timers);
	(void)unlink(p->path);
}
