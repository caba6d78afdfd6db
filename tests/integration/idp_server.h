/* SPDX-License-Identifier: MPL-2.0 */
/* The development server as a child process, for tests in C. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct idp_server {
	pid_t pid;
	char dir[128]; /* certificates are in dir/certs */
	char url[128]; /* https://localhost:PORT */
};

/* Program and data from $DEVIDM and $DEVIDM_DATA. */
void idp_server_start(struct idp_server *s);
void idp_server_stop(struct idp_server *s);

/* A control command, words separated by blanks; fails the test when it fails. The answer
 * without its first line, malloc'ed. */
char *idp_server_ask(struct idp_server *s, const char *command);
/* The same, answer thrown away. */
void idp_server_do(struct idp_server *s, const char *command);
/* How many requests there were whose line begins with this ("GET /v1/self"). */
unsigned idp_server_count(struct idp_server *s, const char *line);
/* "connections" or "requests" since the last reset. */
unsigned idp_server_total(struct idp_server *s, const char *what);

/* How many requests the first fault has met, answered or not. */
unsigned idp_server_seen(struct idp_server *s);

/* dir/certs/NAME */
const char *idp_server_cert(struct idp_server *s, const char *name);
