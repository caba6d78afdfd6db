/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The list of faults and the counters. Both are plain tables under one lock, read once
 * per request.
 */
#include "tests/devidm/fault.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define LOG_LINES 256u

struct fault {
	struct fault *next;
	enum fault_kind kind;
	uint32_t arg;
	int64_t count; /* hits left; negative: no end */
	uint32_t skip;
	uint32_t seen;
	char *path, *method, *body;
	char *words;
};

struct counter {
	struct counter *next;
	char *key;
	unsigned long n;
};

static const struct {
	const char *name;
	enum fault_kind kind;
	bool arg;
} kinds[] = {
	{ "delay", FAULT_DELAY, true },
	{ "freeze", FAULT_FREEZE, false },
	{ "reset-before-headers", FAULT_RESET_BEFORE, false },
	{ "reset-after-headers", FAULT_RESET_AFTER, false },
	{ "truncate-body", FAULT_TRUNCATE, false },
	{ "wrong-json", FAULT_WRONG_JSON, false },
	{ "wrong-content-type", FAULT_WRONG_TYPE, false },
	{ "status", FAULT_STATUS, true },
	{ "401-after", FAULT_401_AFTER, true },
	{ "no-version-header", FAULT_NO_VERSION, false },
	{ "wrong-version-header", FAULT_WRONG_VERSION, false },
};

void
faults_init(struct faults *f)
{
	*f = (struct faults){ 0 };
	if (pthread_mutex_init(&f->mu, NULL) != 0)
		die("no mutex");
}

static void
fault_free(struct fault *x)
{
	free(x->path);
	free(x->method);
	free(x->body);
	free(x->words);
	free(x);
}

static const char *
parse_option(struct fault *x, const char *word)
{
	uint32_t v;

	if (strncmp(word, "path=", 5) == 0) {
		x_assign(&x->path, word + 5);
	} else if (strncmp(word, "method=", 7) == 0) {
		x_assign(&x->method, word + 7);
	} else if (strncmp(word, "body=", 5) == 0) {
		x_assign(&x->body, word + 5);
	} else if (strncmp(word, "count=", 6) == 0 && parse_u32(word + 6, &v)) {
		x->count = v;
	} else if (strncmp(word, "skip=", 5) == 0 && parse_u32(word + 5, &v)) {
		x->skip = v;
	} else {
		return "an option is count=N, skip=N, path=GLOB, method=M or body=JSON";
	}
	return NULL;
}

static const char *
parse_fault(struct fault *x, char *const *words, size_t n)
{
	size_t k = 0, i = 1;
	const char *why = NULL;
	struct text t = { 0 };

	while (k < sizeof(kinds) / sizeof(kinds[0]) && strcmp(kinds[k].name, words[0]))
		k++;
	if (k == sizeof(kinds) / sizeof(kinds[0]))
		return "no such fault";
	x->kind = kinds[k].kind;
	x->count = -1;
	if (kinds[k].arg && (n < 2 || !parse_u32(words[i++], &x->arg)))
		return "this fault needs a number";
	for (; i < n && !why; i++)
		why = parse_option(x, words[i]);
	for (i = 0; i < n; i++)
		text_addf(&t, "%s%s", i ? " " : "", words[i]);
	x->words = t.s;
	return why;
}

const char *
faults_add(struct faults *f, char *const *words, size_t n)
{
	struct fault *x, **end;
	const char *why;

	if (n == 0)
		return "which fault?";
	x = x_calloc(1, sizeof(*x));
	why = parse_fault(x, words, n);
	if (why) {
		fault_free(x);
		return why;
	}
	(void)pthread_mutex_lock(&f->mu);
	for (end = &f->first; *end; end = &(*end)->next)
		;
	*end = x;
	(void)pthread_mutex_unlock(&f->mu);
	return NULL;
}

void
faults_clear(struct faults *f)
{
	struct fault *x;

	(void)pthread_mutex_lock(&f->mu);
	while ((x = f->first)) {
		f->first = x->next;
		fault_free(x);
	}
	(void)pthread_mutex_unlock(&f->mu);
}

void
faults_list(struct faults *f, struct text *out)
{
	(void)pthread_mutex_lock(&f->mu);
	for (const struct fault *x = f->first; x; x = x->next)
		text_addf(out, "%s (%u seen)\n", x->words, x->seen);
	(void)pthread_mutex_unlock(&f->mu);
}

static void
apply(const struct fault *x, struct hits *ret)
{
	switch (x->kind) {
	case FAULT_DELAY:
		ret->delay_ms += x->arg;
		break;
	case FAULT_FREEZE:
		ret->freeze = true;
		break;
	case FAULT_RESET_BEFORE:
		ret->reset_before = true;
		break;
	case FAULT_RESET_AFTER:
		ret->reset_after = true;
		break;
	case FAULT_TRUNCATE:
		ret->truncate = true;
		break;
	case FAULT_WRONG_JSON:
		ret->wrong_json = true;
		break;
	case FAULT_WRONG_TYPE:
		ret->wrong_type = true;
		break;
	case FAULT_STATUS:
		ret->status = x->arg;
		x_assign(&ret->status_body, x->body);
		break;
	case FAULT_401_AFTER:
		ret->expire_sessions = true;
		break;
	case FAULT_NO_VERSION:
		ret->no_version = true;
		break;
	case FAULT_WRONG_VERSION:
		ret->wrong_version = true;
		break;
	}
}

static bool
fits(const struct fault *x, const char *method, const char *path)
{
	return x->count != 0 && (!x->method || strcmp(x->method, method) == 0) &&
	    (!x->path || fnmatch(x->path, path, 0) == 0);
}

void
faults_match(struct faults *f, const char *method, const char *path, struct hits *ret)
{
	*ret = (struct hits){ 0 };
	(void)pthread_mutex_lock(&f->mu);
	for (struct fault *x = f->first; x; x = x->next) {
		if (!fits(x, method, path))
			continue;
		x->seen++;
		if (x->seen <= x->skip)
			continue;
		if (x->kind == FAULT_401_AFTER && x->seen % (x->arg + 1) != 0)
			continue;
		apply(x, ret);
		if (x->count > 0)
			x->count--;
	}
	(void)pthread_mutex_unlock(&f->mu);
}

static void
count_key(struct faults *f, const char *key)
{
	struct counter **p = &f->counters;

	while (*p && strcmp((*p)->key, key) < 0)
		p = &(*p)->next;
	if (!*p || strcmp((*p)->key, key) != 0) {
		struct counter *c = x_calloc(1, sizeof(*c));

		c->key = x_strdup(key);
		c->next = *p;
		*p = c;
	}
	(*p)->n++;
}

void
faults_count(struct faults *f, const char *method, const char *route, const char *path,
    unsigned status)
{
	char *key = x_printf("%s %s", method, route ? route : "(no route)");
	char *line = x_printf("%s %.300s %u", method, path, status);

	(void)pthread_mutex_lock(&f->mu);
	f->requests++;
	count_key(f, key);
	free(f->log[f->log_next % LOG_LINES]);
	f->log[f->log_next++ % LOG_LINES] = line;
	(void)pthread_mutex_unlock(&f->mu);
	free(key);
}

void
faults_connection(struct faults *f)
{
	(void)pthread_mutex_lock(&f->mu);
	f->connections++;
	(void)pthread_mutex_unlock(&f->mu);
}

void
faults_counters(struct faults *f, struct text *out)
{
	(void)pthread_mutex_lock(&f->mu);
	text_addf(out, "%lu connections\n%lu requests\n", f->connections, f->requests);
	for (const struct counter *c = f->counters; c; c = c->next)
		text_addf(out, "%lu %s\n", c->n, c->key);
	(void)pthread_mutex_unlock(&f->mu);
}

void
faults_requests(struct faults *f, struct text *out)
{
	(void)pthread_mutex_lock(&f->mu);
	for (size_t i = 0; i < LOG_LINES; i++) {
		const char *line = f->log[(f->log_next + i) % LOG_LINES];

		if (line)
			text_addf(out, "%s\n", line);
	}
	(void)pthread_mutex_unlock(&f->mu);
}

void
faults_reset_counters(struct faults *f)
{
	struct counter *c;

	(void)pthread_mutex_lock(&f->mu);
	while ((c = f->counters)) {
		f->counters = c->next;
		free(c->key);
		free(c);
	}
	for (size_t i = 0; i < LOG_LINES; i++) {
		free(f->log[i]);
		f->log[i] = NULL;
	}
	f->requests = f->connections = 0;
	(void)pthread_mutex_unlock(&f->mu);
}

void
faults_free(struct faults *f)
{
	faults_clear(f);
	faults_reset_counters(f);
	(void)pthread_mutex_destroy(&f->mu);
}
