/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Server JSON: the first byte chooses the reader, the rest is what the server said. What is
 * accepted must hold what the header promises.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/name.h"
#include "src/prog/log.h"
#include "src/unixd/idp/grouplist.h"
#include "src/unixd/idp/json.h"
#include "src/unixd/idp/wipe.h"
#include "src/unixd/model/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(int holds)
{
	if (!holds)
		abort();
}

static void
check_name(const char *name, const char *spn)
{
	struct name n, s;

	check(name_parse(name, strlen(name), &n) == 0 && n.kind == NAME_SHORT);
	check(name_parse(spn, strlen(spn), &s) == 0 && s.kind == NAME_SPN);
	check(strcmp(n.text, name) == 0 && strcmp(s.text, spn) == 0);
	check(n.len == s.short_len && memcmp(n.text, s.text, n.len) == 0);
}

static void
check_user(const struct user *u)
{
	check_name(u->name, u->spn);
	check(u->n_groups >= 1 && u->n_groups <= MODEL_MAX_GROUPS);
	check(u->groups[0]->gid == u->id && uuid_equal(&u->groups[0]->uuid, &u->uuid));
	for (uint32_t i = 0; i < u->n_groups; i++)
		check_name(u->groups[i]->name, u->groups[i]->spn);
	check(u->shell == NULL || (u->shell[0] == '/' && name_field_is_clean(u->shell)));
	check(strlen(u->displayname) <= MODEL_MAX_TEXT);
	check(u->n_keys <= MODEL_MAX_KEYS);
	for (uint32_t i = 0; i < u->n_keys; i++) {
		check(strpbrk(u->sshkeys[i], "\n\r") == NULL);
		check(strlen(u->sshkeys[i]) <= MODEL_MAX_KEY_LEN);
	}
}

static void
check_members(struct members *m)
{
	for (uint32_t i = 0; i < m->n; i++)
		check_name(m->v[i].name, m->v[i].spn);
	(void)members_unref(m);
}

static void
read_groups(const char *text, size_t len)
{
	static const struct uuid uuid = { { 0x78, 0xba, 0xa1, 0x9f, 0xed, 0x2e, 0x41,
	    0x7c, 0x92, 0x5f, 0x13, 0x15, 0xf3, 0x3b, 0x4f, 0x0e } };
	struct grouplist *l = NULL;
	struct members *m = NULL;

	if (json_group_list(text, len, &l) < 0)
		return;
	if (grouplist_members(l, &uuid, &m) == 0)
		check_members(m);
	(void)grouplist_free(l);
}

static void
read_one(unsigned which, const char *text, size_t len)
{
	struct json_auth auth;
	struct json_self self;
	struct user *u = NULL;
	struct groupid *g = NULL;
	struct members *m = NULL;
	char word[64];

	switch (which % 8) {
	case 0:
		(void)!json_auth(text, len, &auth);
		wipe_string(&auth.bearer);
		break;
	case 1:
		if (json_self(text, len, &self) == 0)
			check(strchr(self.spn, '@') != NULL);
		break;
	case 2:
		if (json_user(text, len, &u) == 0)
			check_user(u);
		(void)user_unref(u);
		break;
	case 3:
		if (json_group(text, len, &g) == 0)
			check_name(g->name, g->spn);
		(void)groupid_unref(g);
		break;
	case 4:
		(void)json_fault(text, len, word);
		check(strlen(word) < sizeof(word));
		break;
	case 5:
		if (json_scim_members(text, len, &m) == 0)
			check_members(m);
		break;
	case 6:
		if (json_spn_members(text, len, &m) == 0)
			check_members(m);
		break;
	default:
		read_groups(text, len);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int ready;

	if (!ready) {
		json_init();
		log_set_level(LOG_LEVEL_ERR);
		ready = 1;
	}
	if (size > 0)
		read_one(data[0], (const char *)data + 1, size - 1);
	return 0;
}
