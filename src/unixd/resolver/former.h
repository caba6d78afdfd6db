/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Which number a name had until lately. A program that logs somebody in looks the number up
 * first and asks for the password, the keys and the account later, by name; when the name
 * goes to another account in between, it would let the new one in as the old one. So for as
 * long as such a program may wait for a person, nobody logs in by that name.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* sudo waits for five minutes, sshd for two, login for one. */
#define FORMER_S   300
#define FORMER_MAX 256u

struct former {
	struct {
		uint64_t hash; /* of the name */
		uint32_t uid;
		int32_t until; /* boot seconds; 0: none */
	} v[FORMER_MAX];
	size_t next; /* the oldest */
};

/* `key` (canonical, own domain stripped) is not the name of `uid` any more. */
void former_note(struct former *f, const char *key, uint32_t uid, int32_t now);
/* Was it lately the name of another uid than this? */
bool former_is_others(const struct former *f, const char *key, uint32_t uid, int32_t now);
