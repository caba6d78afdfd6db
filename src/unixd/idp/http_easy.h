/* SPDX-License-Identifier: MPL-2.0 */
/* Inside http*.c only: one request as a curl easy handle. On the lane. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <curl/curl.h>

#include "src/base/attr.h"
#include "src/unixd/core/list.h"

struct http_request;
struct x509_store_st;

/* All requests of one configuration. */
struct pool {
	struct pool *next;
	unsigned generation;
	unsigned n_active;
	int64_t
	    crowd_ns; /* when a crowd was last seen; 0: none since there are few connections */
	struct list active;
	CURLM *multi;
	struct x509_store_st *store; /* NULL: to be read */
};

/* Makes r->easy for r->pool. 0, or -ENOMEM. */
int must_use_ http_easy_make(struct http_request *r);
void http_easy_free(struct http_request *r);
/* Fills class, reason, detail and status in. */
void http_easy_outcome(struct http_request *r, CURLcode code);
