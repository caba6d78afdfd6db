/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The brain: who is alice, as of now, within this budget?
 *
 * One thread, no I/O of its own; it talks to ports (store.h, idp.h, publish.h, local.h) and
 * takes its time from a struct timers, so a replay file can drive it with a virtual clock.
 *
 * Every question is answered exactly once by its callback, at once from inside the call
 * when memory suffices (then the call returns NULL), else later, and by its budget at the
 * latest. Views passed to a callback are valid during it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/base/attr.h"
#include "src/base/name.h"
#include "src/unixd/model/view.h"
#include "src/unixd/resolver/policy.h"

struct config;
struct idp;
struct local;
struct publish;
struct publish_settings;
struct resolver;
struct store;
struct timers;
struct waiter;
struct idp_result;
struct user;
struct uuid;

enum answer {
	ANSWER_FOUND,
	ANSWER_NOTFOUND, /* true: the server said so lately, or it cannot be a name */
	ANSWER_LOCAL,    /* name or id belongs to this host's files: not ours */
	ANSWER_UNAVAIL,  /* not known, and not to be found out now */
	ANSWER_BUSY,     /* too many questions are waiting */
};

struct resolver_ports {
	struct timers *timers;
	struct store *store;
	struct idp *idp;
	struct publish *publish; /* NULL: fast_cache is off */
	struct local *local;
	/* May be NULL. With it, `publish` is told the own domain as soon as it is known
	 * (publish_reconfigure with these settings); borrowed until resolver_free(). */
	const struct publish_settings *publish_settings;
	/* NULL: the real ones. */
	const char *shells_path;
	const char *uid_map_path;
	const char *gid_map_path;
};

/* Loads the cache from the store and publishes it. `config` is borrowed until replaced. */
struct resolver *resolver_new(const struct resolver_ports *ports,
    const struct config *config);
struct resolver *resolver_free(struct resolver *r);

/* SIGHUP: names, homes, shells and filters are judged anew; all records are published
 * again. `publish` may appear or go (fast_cache). */
void resolver_reconfigure(struct resolver *r, const struct config *config,
    struct publish *publish);
/* local_refresh() said that this host's files changed. */
void resolver_local_changed(struct resolver *r);
/* The network changed or the machine woke up: probe now if the link is not online. */
void resolver_network_changed(struct resolver *r);

/* The server's domain, as far as known: "" before the first session of a new host. */
const char *resolver_own_domain(const struct resolver *r);

typedef void (*resolver_passwd_fn)(void *arg, enum answer a, const struct passwd_view *v);
typedef void (*resolver_group_fn)(void *arg, enum answer a, const struct group_view *v);
typedef void (
    *resolver_keys_fn)(void *arg, enum answer a, const char *const *keys, size_t n);

/* The questions that follow come from this uid: in the line for the server users take turns.
 * Until told, they are root's. */
void resolver_asked_by(struct resolver *r, uid_t uid);

/* budget_ms counts from now. The waiter may be cancelled; the fetch goes on. */
struct waiter *resolver_passwd_by_name(struct resolver *r, const struct name *name,
    int budget_ms, resolver_passwd_fn fn, void *arg);
struct waiter *resolver_passwd_by_uid(struct resolver *r, uint32_t uid, int budget_ms,
    resolver_passwd_fn fn, void *arg);
struct waiter *resolver_group_by_name(struct resolver *r, const struct name *name,
    int budget_ms, resolver_group_fn fn, void *arg);
struct waiter *resolver_group_by_gid(struct resolver *r, uint32_t gid, int budget_ms,
    resolver_group_fn fn, void *arg);
/* INITGROUPS: the passwd view carries the gids; map_group's local gids included. */
struct waiter *resolver_initgroups(struct resolver *r, const struct name *name,
    int budget_ms, resolver_passwd_fn fn, void *arg);
/* Keys of a valid account; FOUND with n = 0 for none, or when it is not valid. Asks the
 * server first (within 1 s) when the record is older than 15 s and the link is online. */
struct waiter *resolver_ssh_keys(struct resolver *r, const struct name *name,
    int budget_ms, resolver_keys_fn fn, void *arg);
void resolver_cancel(struct waiter *w);

/* ---- for logins (src/unixd/login) ---- */

/* One account as a login sees it. Borrowed, valid during the callback. */
struct account_view {
	const struct user *user; /* the server's record */
	uint32_t uid;            /* as NSS shows it */
	const char *shown;       /* pw_name */
	const char *key;         /* the short name; of another domain the SPN */
	const char *home;        /* pw_dir */
	int64_t age_s;           /* since the server said so */
};
typedef void (
    *resolver_account_fn)(void *arg, enum answer a, const struct account_view *v);
/* `fresh`: a record older than 15 s is asked for anew first (within 1 s, single flight,
 * link online), as resolver_ssh_keys does. Without: as a lookup by name. Entries that the
 * filters hide are ANSWER_LOCAL or ANSWER_NOTFOUND here as everywhere. */
struct waiter *resolver_account(struct resolver *r, const struct name *name, bool fresh,
    int budget_ms, resolver_account_fn fn, void *arg);
/* From memory only, whatever its age: at once. UNAVAIL when nothing is known. */
void resolver_account_now(struct resolver *r, const struct name *name,
    resolver_account_fn fn, void *arg);

/* The record that came with an accepted password; takes over the reference. */
void resolver_learn_login(struct resolver *r, struct user *u);
/* What the server made of a login request; feeds the link's state machine. */
void resolver_heard_login(struct resolver *r, const struct idp_result *res);
/* A login waited for the server until its deadline: the link is suspect. */
void resolver_login_was_late(struct resolver *r);
enum link_mode resolver_link_mode(const struct resolver *r);

/* The uid of this host's own account of that (canonical) name; false: there is none. */
bool must_use_ resolver_local_uid(const struct resolver *r, const char *name,
    uint32_t *ret_uid);

/* A person is proven gone; her credential goes, too. */
void resolver_on_forget(struct resolver *r,
    void (*forgotten)(void *arg, const struct uuid *uuid), void *arg);

/* Enumeration of what is known, in order of id; synchronous. `started` false begins. */
void resolver_passwd_next(struct resolver *r, bool started, uint32_t after,
    resolver_passwd_fn fn, void *arg);
void resolver_group_next(struct resolver *r, bool started, uint32_t after,
    resolver_group_fn fn, void *arg);

/* Everything stale at once, negatives forgotten; still served while offline. */
void resolver_invalidate(struct resolver *r);
/* Everything forgotten, accepted ids apart. */
void resolver_clear(struct resolver *r);
/* 0; -ENOENT not known; -EALREADY no change is waiting; -EIO nothing can be written now,
 * and at the next start the old uid would be back. */
int must_use_ resolver_accept_id(struct resolver *r, const struct name *name,
    uint32_t *ret_old, uint32_t *ret_new);

/* STATUS and EXPLAIN: key/value pairs and lines for a person. */
typedef void (*resolver_pair_fn)(void *arg, const char *key, const char *value);
typedef void (*resolver_line_fn)(void *arg, const char *line);
void resolver_status(const struct resolver *r, resolver_pair_fn fn, void *arg);
/* What a name is on this host, from memory only. */
enum standing_kind {
	STANDING_PERSON,
	STANDING_LEFT_OUT, /* the server has this person, and this host shows nobody */
	STANDING_FORMER,   /* nobody logs in by a name that was another's until lately */
	STANDING_LOCAL,    /* an account of this host */
	STANDING_GROUP,    /* of the server or of this host; nobody is called so */
	STANDING_NOBODY,   /* the server said so lately */
	STANDING_UNKNOWN,
	STANDING_NO_NAME, /* never asked for; resolver_standing() does not give it */
};

struct standing {
	enum standing_kind kind;
	const char *why;   /* of STANDING_LEFT_OUT; static */
	const char *away;  /* why the server does not answer; NULL: it does; static */
	bool shell_absent; /* of STANDING_PERSON */
	char shell[256];
};

void resolver_standing(struct resolver *r, const struct name *name,
    struct standing *ret_standing);
void resolver_explain(struct resolver *r, const struct name *name, resolver_line_fn fn,
    void *arg);
/* One line for STATUS= of sd_notify; `changed` is called when it would differ. */
void resolver_status_line(const struct resolver *r, char *buf, size_t cap);
void resolver_on_status_change(struct resolver *r, void (*changed)(void *arg), void *arg);

/* `kanidm-unix status` forces a probe: fn once the link's state is known, or at budget. */
struct waiter *resolver_probe(struct resolver *r, int budget_ms, void (*fn)(void *arg),
    void *arg);
/* fn, later, once all that was changed so far is on the disk; or, with false, at budget. */
struct waiter *resolver_stored(struct resolver *r, int budget_ms,
    void (*fn)(void *arg, bool stored), void *arg);
