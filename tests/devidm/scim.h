/* SPDX-License-Identifier: MPL-2.0 */
/*
 * SCIM filters: terms "ATTR eq VALUE" and "ATTR pr", joined by "and" and "or", with
 * "not (...)" and parentheses. Values are JSON strings or numbers.
 */
#pragma once

#include "tests/devidm/render.h"

struct scim_filter;

/* NULL when the text is not a filter, or uses an operator this server does not know. */
struct scim_filter *scim_parse(const char *text);
void scim_free(struct scim_filter *f);
bool scim_match(const struct scim_filter *f, const struct attrs *a);
