/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The requests that a lookup makes, without a daemon: what the server itself costs. One
 * after another on one kept connection, or all at once. Paths come from a printf pattern
 * with one number. Prints "requests=N ok=N wall=NS".
 *
 *	bare [-a] [-f FIRST] [-n COUNT] URL CA_FILE PATTERN <TOKEN
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

struct settings {
	bool at_once;
	unsigned first, count;
	const char *url, *ca, *pattern;
	struct curl_slist *headers;
};

static int64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static size_t
discard(char *data, size_t size, size_t n, void *arg)
{
	(void)data;
	(void)arg;
	return size * n;
}

static void
prepare(CURL *easy, const struct settings *s, unsigned number)
{
	char path[256], url[512];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(path, sizeof(path), s->pattern, number);
#pragma GCC diagnostic pop
	(void)snprintf(url, sizeof(url), "%s%s", s->url, path);
	(void)curl_easy_setopt(easy, CURLOPT_URL, url);
	(void)curl_easy_setopt(easy, CURLOPT_CAINFO, s->ca);
	(void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, s->headers);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
}

static bool
is_ok(CURL *easy)
{
	long status = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	return status == 200;
}

static unsigned
one_by_one(const struct settings *s)
{
	CURL *easy = curl_easy_init();
	unsigned ok = 0;

	for (unsigned i = 0; i < s->count; i++) {
		prepare(easy, s, s->first + i);
		ok += curl_easy_perform(easy) == CURLE_OK && is_ok(easy);
	}
	curl_easy_cleanup(easy);
	return ok;
}

static unsigned
all_at_once(const struct settings *s)
{
	CURLM *multi = curl_multi_init();
	unsigned ok = 0;
	int running = 1, left;
	CURLMsg *m;

	for (unsigned i = 0; i < s->count; i++) {
		CURL *easy = curl_easy_init();

		prepare(easy, s, s->first + i);
		(void)curl_multi_add_handle(multi, easy);
	}
	while (running > 0) {
		(void)curl_multi_perform(multi, &running);
		if (running > 0)
			(void)curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
	while ((m = curl_multi_info_read(multi, &left)) != NULL)
		ok += m->data.result == CURLE_OK && is_ok(m->easy_handle);
	return ok;
}

int
main(int argc, char **argv)
{
	struct settings s = { .count = 1 };
	char token[1800], header[sizeof(token) + 64];
	int64_t begun;
	unsigned ok;
	int c;

	while ((c = getopt(argc, argv, "af:n:")) != -1) {
		if (c == 'a')
			s.at_once = true;
		else if (c == 'f')
			s.first = (unsigned)strtoul(optarg, NULL, 10);
		else if (c == 'n')
			s.count = (unsigned)strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	if (argc - optind != 3 || fgets(token, sizeof(token), stdin) == NULL) {
		fprintf(stderr, "bare: see the source\n");
		return 2;
	}
	token[strcspn(token, "\n")] = '\0';
	s.url = argv[optind];
	s.ca = argv[optind + 1];
	s.pattern = argv[optind + 2];
	(void)snprintf(header, sizeof(header), "authorization: Bearer %s", token);
	s.headers = curl_slist_append(NULL, header);
	(void)curl_global_init(CURL_GLOBAL_ALL);
	begun = now_ns();
	ok = s.at_once ? all_at_once(&s) : one_by_one(&s);
	printf("requests=%u ok=%u wall=%lld\n", s.count, ok,
	    (long long)(now_ns() - begun));
	return 0;
}
