/* SPDX-License-Identifier: MPL-2.0 */
/* A process that looks up through the built module: threads, forks, programs. */
#pragma once

#include "torture/shared.h"

/* Until shared->stop. `fd` is the shared memory's. Returns the exit status. */
int reader_run(struct shared *s, int fd, uint32_t number);

/* The program that a reader becomes now and then. */
int reader_program(struct shared *s, uint32_t number);
