/* SPDX-License-Identifier: MPL-2.0 */
/* The file of a generation: made under a temporary name, at its final size. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"
#include "src/unixd/publish/gen.h"

struct gen_layout {
	uint32_t n_heads[KU_MAP_N_TABLES];
	uint32_t area;
};

struct gen_file {
	int fd;
	uint32_t written;
};

/* A file being written has this name until it is renamed. */
#define GEN_TMP_SUFFIX ".new"

/* Makes the temporary file and sets the layout of *g. 0 or -errno. */
int must_use_ gen_file_create(struct gen_file *f, struct gen *g, const char *tmp,
    const struct gen_layout *layout);
/* Writes zeros for as long as clock_mono_ns() is below `until_ns`. 1: all written. */
int must_use_ gen_file_fill(struct gen_file *f, const struct gen *g, int64_t until_ns);
/* Maps it, closes it, and writes magic, seed and layout. */
int must_use_ gen_file_map(struct gen_file *f, struct gen *g);

/* The map that is at `path`, if it is one, of whatever version: enough of it to set its
 * state. -errno if not. */
int must_use_ gen_file_adopt(struct gen *g, const char *path);
void gen_file_unmap(struct gen *g);
