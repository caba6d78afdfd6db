/* SPDX-License-Identifier: MPL-2.0 */
/*
 * `kanidm-unix check`: what on this host keeps names or logins from working, one line for
 * each finding with what to do about it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/attr.h"
#include "tools/tool.h"

/* What is looked at. Tests give a tree of files and answers of their own. */
struct check_host {
	const char *root; /* before every path: "" for this host */
	bool privileged;  /* we are root */
	int64_t wall_s;
	uint32_t boot_s; /* CLOCK_BOOTTIME */
	/* Runs a program that only prints, within seconds: its exit status or -errno. */
	int (*run)(const char *const argv[], char *buf, size_t cap);
	/* Does libc find our NSS module? */
	bool (*module_loads)(void);
	/* The daemon's status, as keys and values; NULL: ask it. */
	const char *const *pairs;
	size_t n_pairs;
	int status_timeout_ms; /* 0: long enough for a daemon that probes its link first */
};

/* 0: nothing that is an error was found, 1: an error was found, 2: it could not be said. */
int check_host(const struct tool *t, const struct check_host *host, bool verbose);
