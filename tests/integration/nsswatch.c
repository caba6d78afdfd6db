/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A process that lives long and looks somebody up a thousand times a second, straight
 * through the module, until its input ends; then says what came of it:
 *
 *	nsswatch MODULE NAME
 *	found 812 notfound 0 unavail 0 tryagain 0 unavail_ms 0 slowest_us 312
 *
 * unavail_ms: from the first to the last answer that was not "found". A line on the input
 * asks once more and prints the answer: the gecos field, notfound, or unavail.
 */
#include <dlfcn.h>
#include <errno.h>
#include <nss.h>
#include <poll.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef enum nss_status getpwnam_fn(const char *, struct passwd *, char *, size_t, int *);

struct watch {
	getpwnam_fn *fn;
	const char *name;
	unsigned long found, notfound, unavail, tryagain;
	int64_t first_ns, last_ns, slowest_ns;
};

static int64_t
now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static const char *
look_up(struct watch *w)
{
	static char buf[65536];
	struct passwd pw;
	int err = 0;
	int64_t begin = now_ns(), end;
	enum nss_status got = w->fn(w->name, &pw, buf, sizeof(buf), &err);

	end = now_ns();
	if (end - begin > w->slowest_ns)
		w->slowest_ns = end - begin;
	if (got == NSS_STATUS_SUCCESS) {
		w->found++;
		return pw.pw_gecos;
	}
	if (w->first_ns == 0)
		w->first_ns = begin;
	w->last_ns = end;
	if (got == NSS_STATUS_NOTFOUND)
		w->notfound++;
	else if (got == NSS_STATUS_UNAVAIL)
		w->unavail++;
	else
		w->tryagain++;
	return got == NSS_STATUS_NOTFOUND ? "notfound" : "unavail";
}

int
main(int argc, char **argv)
{
	struct watch w = { 0 };
	void *module = argc == 3 ? dlopen(argv[1], RTLD_NOW) : NULL;
	char line[16];

	if (module == NULL) {
		(void)fprintf(stderr, "nsswatch: %s\n", argc == 3 ? dlerror() : "usage");
		return 2;
	}
	w.fn = (getpwnam_fn *)dlsym(module, "_nss_kanidm_getpwnam_r");
	w.name = argv[2];
	if (w.fn == NULL)
		return 2;
	for (;;) {
		struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
		ssize_t n;

		(void)look_up(&w);
		if (poll(&p, 1, 1) <= 0)
			continue;
		n = read(STDIN_FILENO, line, sizeof(line));
		if (n <= 0)
			break;
		(void)printf("%s\n", look_up(&w));
		(void)fflush(stdout);
	}
	(void)printf("found %lu notfound %lu unavail %lu tryagain %lu unavail_ms %ld "
		     "slowest_us %ld\n",
	    w.found, w.notfound, w.unavail, w.tryagain,
	    (long)((w.last_ns - w.first_ns) / 1000000), (long)(w.slowest_ns / 1000));
	return 0;
}
