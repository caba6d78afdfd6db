/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the files of this folder share: the resolver itself and the calls between them.
 *
 *	ask.c	   a question and its deadline -> lookup.c, a waiter, answer.c
 *	lookup.c   a question -> an answer now, or a flight to wait for
 *	answer.c   what was found -> the caller's callback, through the filters
 *	fetch.c	   flights -> requests to the server, and their answers back
 *	learn.c	   a server record -> cache, store, map
 *	leftout.c  who is on a list and does not exist
 *	forget.c   a 404 -> proof -> the same, the other way round
 *	prefetch.c what nobody has asked for yet -> flights behind all others
 *	linkctl.c  the link's state machine, its probes and timers
 *	logins.c   what logins tell us, the other direction
 *	show.c	   cache -> the map
 *	sweep.c	   the same for everybody, in slices
 */
#pragma once

#include "src/unixd/core/clock.h"
#include "src/unixd/core/timers.h"
#include "src/unixd/resolver/cache.h"
#include "src/unixd/resolver/filter.h"
#include "src/unixd/resolver/flight.h"
#include "src/unixd/resolver/former.h"
#include "src/unixd/resolver/idtable.h"
#include "src/unixd/resolver/leftout.h"
#include "src/unixd/resolver/link.h"
#include "src/unixd/resolver/negative.h"
#include "src/unixd/resolver/policy.h"
#include "src/unixd/resolver/prefetch.h"
#include "src/unixd/resolver/resolver.h"
#include "src/unixd/resolver/shells.h"

struct resolver {
	struct resolver_ports ports;
	struct timers *ts;
	const struct config *config;

	struct cache cache;
	struct negative negative;
	struct idtable ids;
	struct filter filter;
	struct shells shells;
	struct flights flights;
	struct prefetch prefetch;
	struct leftouts leftouts;
	struct list requests; /* struct request: out at the provider */
	struct list probes;   /* struct waiter: who wants to know the link's state */
	struct list stored;   /* and who, when what was changed is on the disk */
	uint32_t n_flushes;   /* asked for, */
	uint32_t n_flushed;   /* and done */

	struct link link;
	struct request *probe; /* under way, or NULL */
	unsigned n_probes;     /* begun so far */
	struct uuid sample;    /* a record the server gave us lately */
	bool has_sample;
	unsigned sample_tries;
	int64_t rights_at;     /* mono ns: last proof that we may read POSIX data */
	enum idp_reason fault; /* of the last answer that did not help */
	char fault_detail[160];

	struct timer probe_timer;
	struct timer beat_timer;  /* every five seconds: lease, clock gaps */
	struct timer dirty_timer; /* groups to publish, status to tell */
	struct timer pump_timer;
	struct list dirty_groups; /* to be published when a second is over */
	struct list due_groups;   /* now, in slices */
	struct {
		uint32_t at;   /* number of the next person to be shown, 0: none */
		bool first;    /* nobody has been shown yet, and the map is not written */
		bool as_first; /* groups: those that nobody has shown yet */
		struct timer timer;
	} sweep;
	int64_t clock_gap; /* boot - mono: grows when the machine sleeps */
	bool status_dirty;
	bool told_unmapped; /* in the journal, that the id map leaves somebody out */
	size_t told_users;
	bool loading;
	uint16_t judge_epoch; /* never 0 */
	struct former former; /* names that changed hands lately */
	int64_t former_at;    /* mono ns of the last line about them */
	int64_t withheld_at;  /* mono ns of the last line about keys that are too old */
	int64_t wall_seen_s;  /* the latest wall time ever seen here */
	struct uuid learning; /* whose record is being taken in */
	uint64_t random;

	struct ids_order {
		uint32_t *v; /* ascending; NULL: not made */
		size_t n;
		int64_t used_at; /* mono ns */
	} users_order, groups_order;

	void (*changed)(void *arg);
	void *changed_arg;
	void (*forgotten)(void *arg, const struct uuid *uuid);
	void *forgotten_arg;
};

enum question_kind {
	ASK_PASSWD,
	ASK_GROUP,
	ASK_KEYS,
	ASK_ACCOUNT,
	ASK_PROBE,
	ASK_STORED, /* id: its number among the flushes */
};

struct question {
	enum question_kind kind;
	bool by_id;
	bool fresh; /* ASK_ACCOUNT, ASK_KEYS: no older than 15 s, if that can be had */
	uint32_t id;
	struct name name;
	union {
		resolver_passwd_fn passwd;
		resolver_group_fn group;
		resolver_keys_fn keys;
		resolver_account_fn account;
		void (*probe)(void *arg);
		void (*stored)(void *arg, bool stored);
	} fn;
	void *arg;
};

struct waiter {
	struct list link; /* in its flight, or in resolver.probes or .stored */
	struct resolver *r;
	struct flight *flight;
	struct timer timer;
	int64_t budget_at; /* mono ns */
	bool waits_for_link;
	uid_t asker;
	unsigned flown; /* flights it has seen */
	struct question q;
};

/* A request out at the provider; outlives the resolver when it must. */
struct request {
	struct list link;
	struct resolver *r; /* NULL: nobody wants the answer */
	struct flight *f;   /* NULL: a probe */
};

/* What came of a flight, for those who waited. */
enum landing {
	LANDED,     /* the server answered: look again */
	LANDED_NOT, /* it did not: what we have, or unavailable */
};

/* resolver.c */
static inline int32_t
resolver_boot_s(const struct resolver *r)
{
	return (int32_t)clock_boot_s(&r->ts->now);
}
/* Epoch seconds for what is kept across restarts: a clock that was turned back does not
 * make records young again. */
int64_t resolver_wall_s(struct resolver *r);
uint32_t resolver_random(struct resolver *r);
unsigned resolver_ttl(const struct resolver *r);
/* Within a second (counts), or now (the link). */
void resolver_status_changed(struct resolver *r);
void resolver_tell(struct resolver *r);
void resolver_check_domain(struct resolver *r);

/* What a question comes to: an answer, or a flight to wait for. */
struct step {
	enum answer answer;
	struct cache_user *user; /* whose private group, for ASK_GROUP */
	struct cache_group *group;
	const char *mapped; /* local group that map_group extends */
	struct flight *flight;
	int wait_ms;
	bool for_link;
};

/* lookup.c: `buf` is room for a name that the step may point to. */
void lookup_consider(struct resolver *r, const struct question *q, int budget_ms,
    struct step *s, struct name *buf);
/* What can be said without waiting any longer. */
void lookup_settle(struct resolver *r, const struct question *q, struct step *s,
    struct name *buf);

/* answer.c */
void answer_question(struct resolver *r, const struct question *q, const struct step *s);

/* ask.c */
void ask_landed(struct resolver *r, struct list *waiters, enum landing how);
/* The waiters of a queued flight may wait for their whole budget now. */
void ask_link_is_back(struct resolver *r, struct flight *f);

/* fetch.c */
/* A refresh behind an answer; not while the link is not online, not twice. */
void fetch_user_behind(struct resolver *r, struct cache_user *cu);
void fetch_group_behind(struct resolver *r, struct cache_group *cg);
/* By id, behind everything; for entries we only know of. */
void fetch_id_behind(struct resolver *r, enum kind kind, const char *id);
/* The flight a waiter joins, or NULL when there are too many. */
struct flight *fetch_record(struct resolver *r, enum kind kind, const struct uuid *uuid,
    bool foreground);
struct flight *fetch_id(struct resolver *r, enum kind kind, const char *id,
    bool foreground);
void fetch_pump(struct resolver *r);
void fetch_land(struct resolver *r, struct flight *f, enum landing how);
/* Nobody will answer: queued flights end. */
void fetch_flush(struct resolver *r);
struct request *request_new(struct resolver *r, struct flight *f);
/* Ends the request; false when nobody wants its answer. */
bool request_end(struct request *q, struct resolver **ret_r, struct flight **ret_f);

/* learn.c */
/* Each takes over the references. `fetched`: boot seconds. */
void learn_user(struct resolver *r, struct user *u, int32_t fetched);
void learn_group(struct resolver *r, struct groupid *g, struct members *m,
    int32_t fetched);
/* A number was given free or accepted: people who were held for it are judged again. */
void learn_release_held(struct resolver *r, uint32_t uid);
/* Writes the group behind, with the time its list was fetched at. */
void learn_store_group(struct resolver *r, struct cache_group *cg);
void times_set(struct resolver *r, struct cache_times *t, int32_t fetched);

/* forget.c */
void forget_judge(struct resolver *r, struct flight *f);
void forget_verdict(struct resolver *r, bool proven);
void forget_user(struct resolver *r, struct cache_user *cu);
void forget_group(struct resolver *r, struct cache_group *cg);
void forget_negative(struct resolver *r, enum kind kind, const char *id, bool quiet);

/* linkctl.c */
void linkctl_do(struct resolver *r, unsigned what);
void linkctl_heard(struct resolver *r);
void linkctl_start(struct resolver *r);
void linkctl_stop(struct resolver *r);
void linkctl_look_at_clock(struct resolver *r);
/* Sees to it that a probe begins at or after this moment; its number. */
unsigned linkctl_proof(struct resolver *r);
void linkctl_lease(struct resolver *r);
/* Names that this host gives precedence to are known before somebody needs them: by number
 * they could not be told from local accounts. */
void linkctl_fetch_overridden(struct resolver *r);

/* show.c */
void show_user(struct resolver *r, struct cache_user *cu);
void show_user_asked(struct resolver *r, struct cache_user *cu);
void show_group_asked(struct resolver *r, struct cache_group *cg);
void show_user_stale(struct resolver *r, struct cache_user *cu);
void show_group_later(struct resolver *r, struct cache_group *cg);
/* What is about to be answered: published now, if it waits for that. */
void show_group_now(struct resolver *r, struct cache_group *cg);
void show_mapped_now(struct resolver *r, const char *local);
void show_group_touched(void *r, struct cache_group *cg); /* cache_touched_fn */
void show_hide_user(struct resolver *r, struct cache_user *cu);
void show_hide_group(struct resolver *r, struct cache_group *cg);
void show_local(struct resolver *r);
void show_all(struct resolver *r);
/* All groups, in slices. */
void show_all_groups(struct resolver *r);
/* Those with so many people or more, now. */
void show_large_groups(struct resolver *r, size_t least);
/* What is due, in slices. */
void show_flush_groups(struct resolver *r);

/* sweep.c */
void sweep_init(struct resolver *r);
void sweep_deinit(struct resolver *r);
/* The first map, also of a writer that is there since a reload: before this returns on a small
 * site, in slices on a large one. `loaded`: no group has been shown since it was read. */
void sweep_begin(struct resolver *r, bool loaded);
/* No group waits to be shown: if that was the last of the first time, the map is written. */
void sweep_shown(struct resolver *r);
/* Local files or configuration: what is local is taken out of the map now, all else is
 * shown again in slices. */
void sweep_rules_changed(struct resolver *r);
/* Records of its people have the old number: shown again, or taken out and shown later. */
void sweep_group_has_another_gid(struct resolver *r, struct cache_group *cg);
/* Records of its people go out of the map now, and are shown without it later. */
void sweep_group_loses_its_gid(struct resolver *r, struct cache_group *cg);

/* view.c */
struct view_buf {
	void *mem;
	struct passwd_view pw;
	struct group_view gr;
};
void view_buf_done(struct view_buf *b);
void view_passwd(struct resolver *r, const struct cache_user *cu, struct view_buf *b);
void view_group(struct resolver *r, const struct cache_group *cg, struct view_buf *b);
void view_private_group(struct resolver *r, const struct cache_user *cu,
    struct view_buf *b);
const char *view_user_name(const struct resolver *r, const char *name, const char *spn);
const char *view_person_name(const struct resolver *r, const struct cache_person *p);
const char *view_group_name(const struct resolver *r, const char *name, const char *spn);
enum verdict view_judge_user(const struct resolver *r, const struct cache_user *asked);
enum verdict view_judge_group(const struct resolver *r, const struct cache_group *asked);
enum verdict view_judge_private(const struct resolver *r, const struct cache_user *cu);
/* The rules have changed: configuration, local files, own domain. */
void view_judge_anew(struct resolver *r);
bool view_is_overridden_user(const struct resolver *r, const struct cache_user *cu);
bool view_is_overridden_group(const struct resolver *r, const struct cache_group *cg);
/* home_prefix and the part after it; malloc'ed. */
char *view_home(const struct resolver *r, const struct cache_user *cu);

/* members.c */
struct strings {
	const char **v;
	size_t n;
	size_t cap;
};
void strings_add(struct strings *s, const char *text);
void strings_sort_unique(struct strings *s);
/* Shown names of the members; borrowed from the records. */
void members_collect(struct resolver *r, const struct cache_group *cg,
    struct strings *out);
/* A newer record of a person may contradict the lists she is on. */
void members_recheck(struct resolver *r, const struct cache_user *cu);
/* May be shown or not other than before: so in the groups of her record. */
void members_of_user_changed(struct resolver *r, const struct cache_user *cu);
/* Takes a person who is gone out of every group's list. */
void members_drop(struct resolver *r, const char *spn);
/* The server knows nobody called `id` (canonical name or SPN): on no list, also when the
 * same list comes again. */
void members_leave_out(struct resolver *r, const char *id);
/* A person whose record is known and who is on the group's list is a member, unless the
 * record is newer than the list and does not name the group. */
bool members_is_in(const struct cache_group *cg, const struct cache_user *cu);
/* May a name on a list be shown whose record we do not have? */
bool members_stranger_is_shown(const struct resolver *r, const char *name,
    const char *spn);
/* The record of a person who was on the group's list as a name has come: does the group
 * look as it did before? */
bool members_looks_the_same(const struct resolver *r, const struct cache_group *cg,
    const struct cache_user *cu);

/* enumerate.c */
/* Lets go of the sorted lists when nobody has walked them for a while. */
void enumerate_rest(struct resolver *r);

/* mapgroup.c */
bool mapgroup_is_local_name(const struct resolver *r, const char *key);
/* The name of a mapped local group with this gid, or NULL. */
const char *mapgroup_of_gid(const struct resolver *r, uint32_t gid);
/* The i-th group that extends local group `name`; false at the end. */
bool mapgroup_with(const struct resolver *r, const char *name, size_t *i,
    struct name *ret_with);
/* Local gids that the person's groups bring: fn for each. */
void mapgroup_gids(const struct resolver *r, const struct user *u,
    void (*fn)(void *arg, uint32_t gid), void *arg);
/* Local name and gid, all members. False when the local group is not there, or none of
 * the groups that extend it is known. */
bool mapgroup_view(struct resolver *r, const char *name, struct view_buf *b);
