/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Tells when this host's addresses or routes changed: the moment to look for the server
 * again instead of waiting for the next probe.
 */
#pragma once

#include "src/base/attr.h"

struct loop;
struct netwatch;

/* `changed` is called on the loop, at most every 300 ms. 0, or -errno where there is no
 * netlink (containers, seccomp): then nothing is watched. */
int must_use_ netwatch_new(struct loop *l, void (*changed)(void *arg), void *arg,
    struct netwatch **ret_watch);
struct netwatch *netwatch_free(struct netwatch *w);
