/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Data files: tests/devidm/README.md describes the format. An entry that is there
 * already is changed, so that a second file can be laid over a first one.
 */
#pragma once

#include "tests/devidm/data.h"

/* The "domain" of a data file (fresh string), or NULL. */
char *load_domain(const char *path);
/* NULL, or a fresh string that says what is wrong. */
char *load_file(struct store *st, const char *path);
/* count persons u00000.., groups of about 20, and "everyone"; NULL or what is wrong. */
const char *load_bulk(struct store *st, unsigned count, unsigned groups,
    const char *password);
