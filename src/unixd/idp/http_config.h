/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What requests are made with: an immutable copy of the settings, shared by all requests
 * posted since they were read. Counted on the loop only; the lane looks, no more.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct idp_settings;

struct http_config {
	unsigned refs;
	unsigned generation; /* differs from that of any other configuration */
	char *base;          /* "https://host:port", NULL: not configured */
	char *uri_problem;   /* a uri that is none: why; else NULL */
	char *ca_path;
	bool tls;
	bool verify_ca;
	bool verify_hostnames;
	long conn_timeout_ms;
	long request_timeout_ms;
};

struct http_config *http_config_new(const struct idp_settings *settings);
struct http_config *http_config_ref(struct http_config *c);
struct http_config *http_config_unref(struct http_config *c);
