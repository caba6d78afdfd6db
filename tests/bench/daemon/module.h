/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The built NSS module, opened as libc opens it and called without libc: what is measured
 * is ours, not the reading of nsswitch.conf.
 */
#pragma once

#include <errno.h>
#include <nss.h>
#include <pwd.h>
#include <stdint.h>

typedef enum nss_status (
    *module_getpwnam_fn)(const char *, struct passwd *, char *, size_t, int *);

/* Ends the program when the file is no such module. */
module_getpwnam_fn module_open(const char *path);

enum nss_status module_ask(module_getpwnam_fn fn, const char *name);

int64_t module_now_ns(void); /* CLOCK_MONOTONIC */
