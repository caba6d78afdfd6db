/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Log lines of our own programs: stderr, one line each, with the <N> prefix that the
 * journal reads when stderr is a stream to it (sd-daemon(3)), without it otherwise.
 * Form: "subject: text key=value", lower case, no full stop, never a secret, never the
 * name of an unknown user at normal level (people type passwords at "login:").
 * Thread-safe: one write(2) a line.
 */
#pragma once

#include "src/base/attr.h"

enum log_level {
	LOG_LEVEL_ERR = 3,
	LOG_LEVEL_WARN = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* Level from "error", "warn", "info", "debug", "trace" or a RUST_LOG-like string that
 * contains one of them; `fallback` when there is none. */
enum log_level log_level_parse(const char *text, enum log_level fallback);
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

void printf_(2, 3) log_at(enum log_level level, const char *fmt, ...);
#define log_err(...)   log_at(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)
