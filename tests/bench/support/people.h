/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A published map of as many people as wanted, made by the daemon's own writer: p000000,
 * p000001 … with ten groups and a private group each, a group of a thousand, and names of
 * which it is known that nobody has them.
 */
#pragma once

#include <stdint.h>

#include "src/unixd/core/timers.h"
#include "src/unixd/publish/publish.h"

#define PEOPLE_FIRST_UID 100000u
#define PEOPLE_GROUPS    10u
#define PEOPLE_THOUSAND \
	"thousand" /* a group of a thousand, or of all where they are fewer */
#define PEOPLE_THOUSAND_G 60000u
#define PEOPLE_UNKNOWN    1000u /* q000000 … are known to be nobody */

struct people {
	struct timers timers;
	struct publish *publish;
	const char *path;
	uint32_t n;
};

/* Writes the file at path, with a lease of 40 s; aborts when that fails. The seed of the hash is
 * random, so that chains differ from run to run as they do in the field. */
void people_publish(struct people *p, const char *path, uint32_t n);
/* As the daemon does every few seconds: call it between measurements. */
void people_lease(struct people *p);
/* Frees the writer and removes the file. */
void people_free(struct people *p);

/* "p000017": the name of person i into text[8]; first is 'p', or 'q' for nobody. */
void people_name(char first, uint32_t i, char *text);
