/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Control commands that change the directory or the clock. All run under the store's
 * lock, get the words after their name, and return NULL or what is wrong.
 */
#pragma once

#include "tests/devidm/server.h"

const char *cmd_add(struct server *srv, char *const *w, size_t n, struct text *out);
const char *cmd_set(struct server *srv, char *const *w, size_t n, struct text *out);
const char *cmd_remove(struct server *srv, char *const *w, size_t n, struct text *out);
const char *cmd_recreate(struct server *srv, char *const *w, size_t n, struct text *out);
const char *cmd_member(struct server *srv, char *const *w, size_t n, struct text *out);
const char *cmd_key(struct server *srv, char *const *w, size_t n, struct text *out);
const char *cmd_rights(struct server *srv, char *const *w, size_t n, struct text *out);
const char *cmd_api_token(struct server *srv, char *const *w, size_t n, struct text *out);
const char *cmd_show_token(struct server *srv, char *const *w, size_t n,
    struct text *out);
const char *cmd_revoke(struct server *srv, char *const *w, size_t n, struct text *out);
const char *cmd_unlock(struct server *srv, char *const *w, size_t n, struct text *out);
const char *cmd_show(struct server *srv, char *const *w, size_t n, struct text *out);
const char *cmd_bulk(struct server *srv, char *const *w, size_t n, struct text *out);
const char *cmd_load(struct server *srv, char *const *w, size_t n, struct text *out);
const char *cmd_clock(struct server *srv, char *const *w, size_t n, struct text *out);
