/* SPDX-License-Identifier: MPL-2.0 */
/*
 * sd_notify(3) without libsystemd: one datagram to $NOTIFY_SOCKET (path or @abstract).
 * And listen_fds(3): sockets passed by systemd.
 */
#pragma once

#include "src/base/attr.h"

/* "READY=1\nSTATUS=..." 0, also when nobody asked for notifications; -errno otherwise. */
int sdnotify(const char *state);
int printf_(1, 2) sdnotifyf(const char *fmt, ...);

/* WATCHDOG_USEC for this process in microseconds, 0 when off. */
unsigned long sdnotify_watchdog_usec(void);

/* Number of descriptors passed from 3 on (LISTEN_FDS, LISTEN_PID), CLOEXEC set; 0 if none.
 * Removes the variables. *ret_names is LISTEN_FDNAMES or NULL, owned by the caller. */
int sdnotify_listen_fds(char **ret_names);
