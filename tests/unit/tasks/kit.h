/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A small host in a scratch directory: DIR/home, DIR/skel, DIR/etc, a configuration file,
 * and one person. For tests that run as root.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "tasks/request.h"
#include "tasks/work.h"

#define KIT_UID  70001u
#define KIT_UUID "7c2b1f0e-0000-4000-8000-00000000a11c"

extern char kit_dir[64];

/* cmocka fixtures. */
int kit_set_up(void **state);
int kit_tear_down(void **state);

/* "DIR/rel" in one of a few static buffers. */
const char *kit_path(const char *rel);
void kit_write(const char *rel, const char *text, mode_t mode);
void kit_mkdir(const char *rel, mode_t mode, uid_t owner);
void kit_link(const char *target, const char *rel);
/* Lines for the configuration file besides home_prefix. */
void kit_config(const char *lines);
/* A skeleton with files, directories, links and what must not be copied. */
void kit_skel(void);
/* Asserts that DIR/home/NAME is the whole skeleton, the person's. */
void kit_assert_home(const char *rel);
/* No ".kanidm-" is left in DIR/home. */
void kit_assert_no_temp(void);
bool kit_exists(const char *rel);
struct stat kit_stat(const char *rel);
void kit_assert_link(const char *rel, const char *target);

struct request kit_request(const char *name);
void kit_work(struct work *w);
/* A whole request with a work of its own. */
int kit_home(const char *name, struct why *why);
void kit_remove(const char *rel);

/*
 * With the calls of KIT_STEPS wrapped (see tests.cmake), each of them is a step: the hook is
 * called before it, and it is not made when the hook returns an errno.
 */
extern int (*kit_step)(const char *what);
