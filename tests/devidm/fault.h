/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Faults to inject, and counts of what was asked. A fault stays until it is cleared or
 * its count is used up; several that fit one request add up.
 */
#pragma once

#include <pthread.h>

#include "tests/devidm/util.h"

enum fault_kind {
	FAULT_DELAY,         /* arg: milliseconds */
	FAULT_FREEZE,        /* read, never answered; goes on when cleared */
	FAULT_RESET_BEFORE,  /* connection reset before the first byte of an answer */
	FAULT_RESET_AFTER,   /* ... after the headers */
	FAULT_TRUNCATE,      /* half of the body, then a clean end */
	FAULT_WRONG_JSON,    /* 200 and a body that is not JSON */
	FAULT_WRONG_TYPE,    /* 200, text/html */
	FAULT_STATUS,        /* arg: the status */
	FAULT_401_AFTER,     /* arg: every arg requests all sessions expire */
	FAULT_NO_VERSION,    /* no x-kanidm-version */
	FAULT_WRONG_VERSION, /* another x-kanidm-version */
};

/* What applies to one request. */
struct hits {
	unsigned delay_ms;
	unsigned status;
	char *status_body; /* JSON to answer with the status, or NULL */
	bool freeze, reset_before, reset_after, truncate, wrong_json, wrong_type;
	bool no_version, wrong_version, expire_sessions;
};

struct fault;
struct counter;

struct faults {
	pthread_mutex_t mu;
	struct fault *first;
	struct counter *counters;
	unsigned long connections, requests;
	char *log[256]; /* the last requests, a ring */
	size_t log_next;
};

void faults_init(struct faults *f);
void faults_free(struct faults *f);
/* words: KIND [ARG] [count=N] [skip=N] [path=GLOB] [method=M] [body=JSON]. NULL or what
 * is wrong. */
const char *faults_add(struct faults *f, char *const *words, size_t n);
void faults_clear(struct faults *f);
void faults_list(struct faults *f, struct text *out);
/* Counts of faults go down here: call it once per request. */
void faults_match(struct faults *f, const char *method, const char *path,
    struct hits *ret);

/* route NULL: none. */
void faults_count(struct faults *f, const char *method, const char *route,
    const char *path, unsigned status);
void faults_connection(struct faults *f);
void faults_counters(struct faults *f, struct text *out);
void faults_requests(struct faults *f, struct text *out);
void faults_reset_counters(struct faults *f);
