/* SPDX-License-Identifier: MPL-2.0 */
/*
 * No link to the module at build time: it is the installed file that is measured, found and
 * opened the way libc does it.
 */
#include "module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

module_getpwnam_fn
module_open(const char *path)
{
	void *handle = dlopen(path, RTLD_NOW);
	void *symbol = handle == NULL ? NULL : dlsym(handle, "_nss_kanidm_getpwnam_r");

	if (symbol == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		exit(2);
	}
	/* A pointer to an object as one to a function: what dlsym() is for. */
	return (module_getpwnam_fn)(uintptr_t)symbol;
}

enum nss_status
module_ask(module_getpwnam_fn fn, const char *name)
{
	char buf[2048];
	struct passwd pw;
	int err = 0;

	return fn(name, &pw, buf, sizeof(buf), &err);
}

int64_t
module_now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
