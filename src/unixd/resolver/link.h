/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What we think of the link to the server, as a pure state machine: events and the time go
 * in, "probe now" and "something a person would want to know has changed" come out.
 *
 *	STARTING  nothing known, the first probe is under way
 *	ONLINE	  the last we heard was an answer
 *	SUSPECT	  an answer was late or a request failed; a probe decides
 *	OFFLINE	  unreachable, or the server does not accept us (reason tells which);
 *		  probes after 1, 2, 4 ... 60 s, spread by a quarter
 *
 * Times are CLOCK_MONOTONIC nanoseconds.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "src/unixd/idp/idp.h"
#include "src/unixd/resolver/policy.h"

enum link_state {
	LINK_STARTING,
	LINK_ONLINE,
	LINK_SUSPECT,
	LINK_OFFLINE,
};

#define LINK_DO_PROBE 1u /* begin a probe now, then call link_probe_begun() */
#define LINK_DO_TELL  2u /* state or reason changed as people see them */

struct link {
	enum link_state state;
	bool probing;
	bool refused; /* OFFLINE because the server does not accept us */
	enum idp_reason reason;
	char detail[160];
	unsigned failures;   /* probes in a row that did not work */
	int64_t next_try;    /* when OFFLINE and not probing */
	int64_t probe_since; /* begin of the last probe */
	int64_t since;       /* when the state was entered */
};

/* Begins in STARTING; LINK_DO_PROBE. */
unsigned link_init(struct link *l, int64_t now);

/* The server gave a useful answer to a request. */
unsigned link_heard(struct link *l, int64_t now);
/* A request was not answered or was refused; or somebody waited in vain (res NULL). */
unsigned link_trouble(struct link *l, int64_t now, const struct idp_result *res);

void link_probe_begun(struct link *l, int64_t now);
/* `spread`: a random number, for the jitter of the next try. */
unsigned link_probe_done(struct link *l, int64_t now, const struct idp_result *res,
    uint32_t spread);

/* The network changed: try at once unless online. */
unsigned link_network_changed(struct link *l, int64_t now);
/* The machine slept: whatever we thought is old. */
unsigned link_resumed(struct link *l, int64_t now);
/* Somebody asks for an unknown name while offline: try now, at most every five seconds. */
unsigned link_demand(struct link *l, int64_t now);
/* next_try has come. */
unsigned link_tick(struct link *l, int64_t now);

enum link_mode link_mode(const struct link *l);
/* For people: SUSPECT still counts as online. */
bool link_is_online(const struct link *l);
