/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Whose keys may the daemon give? Not those of an account of this host.
 *
 * sshd asks about every name, root's first of all, and lets in whoever has a key that is
 * printed. So who is local is decided from root's own files, as pam_kanidm decides it, and
 * nothing that the daemon says or publishes matters to that.
 */
#pragma once

#include <stdbool.h>

/* 1: an account of this host, or what can be no name of the server's: no keys. 0: ask. -errno:
 * the accounts of this host cannot be read. `unixd_config` is read for
 * allow_local_account_override alone, and only for a name that is local. */
int ssh_is_local(const char *passwd, const char *unixd_config, const char *name);
