/* SPDX-License-Identifier: MPL-2.0 */
/*
 * May this person in? A record of the server and pam_allowed_login_groups go in, a verdict
 * comes out. Pure; the calls around it are login_acct() and login_lookup().
 */
#pragma once

#include <stddef.h>

#include "ku/wire_pam.h"
#include "src/base/attr.h"
#include "src/unixd/resolver/resolver.h"

struct config;
struct login;
struct user;

/*
 * Entries are names, SPNs or UUIDs of groups, or of the person; compared canonically
 * against all groups of the record, whatever the filters hide of them. `own_domain` may be
 * "" (not known yet): then a short name stands for that of any domain. *ret_by, when not
 * NULL, is the entry that lets in, or NULL (borrowed from config).
 */
enum ku_acct_verdict account_judge(const struct config *config, const char *own_domain,
    const struct user *u, const char **ret_by);

/* pam_allowed_login_groups as people write them: as many as fit. */
void account_groups(const struct config *config, char *buf, size_t cap);

/* "account: allowed by group shell_users", or why not. For login_explain(); `v` is what
 * resolver_account_now() gave. */
void account_explain(const struct login *l, const struct account_view *v,
    void (*fn)(void *arg, const char *line), void *arg);
