/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What happens to a running daemon: the network comes and goes, somebody edits /etc/passwd,
 * the administrator says reload. Each is turned into one call to the component concerned;
 * connections and what is cached are never touched.
 */
#include <inttypes.h>
#include <malloc.h>
#include <string.h>
#include <sys/epoll.h>

#include "ku/paths.h"
#include "src/base/deadline.h"
#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/prog/sdnotify.h"
#include "src/unixd/daemon_internal.h"
#include "src/unixd/idp/idp.h"
#include "src/unixd/local/local.h"
#include "src/unixd/login/login.h"
#include "src/unixd/netwatch.h"
#include "src/unixd/resolver/resolver.h"
#include "src/unixd/server/server.h"

#define LOCAL_POLL (5 * CLOCK_S)
#define NAG_EVERY  (24 * 3600 * CLOCK_S)
#define CROWD      32u
#define QUIET      4u

static void
on_network_changed(void *arg)
{
	struct daemon *d = arg;

	resolver_network_changed(d->resolver);
}

static void
look_at_local_files(struct daemon *d)
{
	if (!local_refresh(d->local))
		return;
	log_debug("local: files changed");
	resolver_local_changed(d->resolver);
}

static void
on_local_watch(struct loop_fd *f, uint32_t events)
{
	(void)events;
	look_at_local_files(container_of(f, struct daemon, local_watch));
}

/* Hundreds of conversations at once leave holes in the heap that free() does not give back
 * by itself; with nobody there a moment for it is to be had. */
static void
look_at_memory(struct daemon *d)
{
	size_t peak = server_take_peak(d->server);

	d->was_crowded |= peak >= CROWD;
	if (!d->was_crowded || server_n_conns(d->server) > QUIET)
		return;
	d->was_crowded = false;
	(void)malloc_trim(0);
}

/* Also with a watch: a file that is a mount of its own changes without an event. */
static void
on_local_poll(struct timer *t)
{
	struct daemon *d = container_of(t, struct daemon, local_poll);

	look_at_local_files(d);
	look_at_memory(d);
	if (login_n_ready(d->login) != d->shown_offline_logins)
		daemon_show_status(d);
	timers_set(loop_timers(d->loop), t, LOCAL_POLL);
}

static void
on_watchdog(struct timer *t)
{
	struct daemon *d = container_of(t, struct daemon, watchdog);

	(void)sdnotify("WATCHDOG=1");
	timers_set(loop_timers(d->loop), t, d->watchdog_ns);
}

static void
on_nag(struct timer *t)
{
	struct daemon *d = container_of(t, struct daemon, nag);
	const struct config *c = d->settings.config;

	if (c->uri != NULL && !c->verify_ca)
		log_warn("config: verify_ca is off: whoever is between us and the server "
			 "can be anybody");
	timers_set(loop_timers(d->loop), t, NAG_EVERY);
}

static void
reload_publish(struct daemon *d)
{
	struct publish *old = d->publish;
	bool want = d->settings.config->fast_cache;

	d->publish_settings = settings_publish(&d->settings, KU_PATH_MAP);
	if (want && old == NULL)
		daemon_new_publish(d);
	else if (!want)
		d->publish = NULL;
	resolver_reconfigure(d->resolver, d->settings.config, d->publish);
	login_reconfigure(d->login, d->settings.config);
	if (old != NULL && d->publish == NULL) {
		(void)publish_free(old);
		(void)publish_withdraw_path(KU_PATH_MAP);
	}
}

void
daemon_reload(struct daemon *d)
{
	struct idp_settings idp;
	struct config *old = NULL;

	(void)sdnotifyf("RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_mono_ns() / 1000);
	if (settings_reload(&d->settings, &old) == 0) {
		idp = settings_idp(&d->settings);
		idp_reload(d->idp, &idp);
		reload_publish(d);
		(void)config_free(old);
	}
	look_at_local_files(d);
	(void)sdnotify("READY=1");
	daemon_show_status(d);
}

void
daemon_start_watches(struct daemon *d)
{
	int fd = local_watch_fd(d->local);
	unsigned long usec = sdnotify_watchdog_usec();
	int rc = netwatch_new(d->loop, on_network_changed, d, &d->netwatch);

	if (rc < 0)
		log_warn("network: changes are not seen: %s", strerror(-rc));
	timer_init(&d->local_poll, on_local_poll);
	timers_set(loop_timers(d->loop), &d->local_poll, LOCAL_POLL);
	d->local_watch =
	    (struct loop_fd){ .fd = fd, .events = EPOLLIN, .fn = on_local_watch };
	if (fd >= 0 && loop_add(d->loop, &d->local_watch) < 0)
		d->local_watch.fd = -1;
	if (d->local_watch.fd < 0)
		log_warn("local: changes of /etc/passwd are seen after 5 s only");
	timer_init(&d->watchdog, on_watchdog);
	if (usec > 0) {
		d->watchdog_ns = (int64_t)usec * 1000 / 2;
		timers_set(loop_timers(d->loop), &d->watchdog, d->watchdog_ns);
	}
	timer_init(&d->nag, on_nag);
	timers_set(loop_timers(d->loop), &d->nag, 0);
}

void
daemon_stop_watches(struct daemon *d)
{
	struct timers *ts = loop_timers(d->loop);

	d->netwatch = netwatch_free(d->netwatch);
	if (d->local_watch.fn != NULL && d->local_watch.fd >= 0)
		loop_del(d->loop, &d->local_watch);
	timers_unset(ts, &d->local_poll);
	timers_unset(ts, &d->watchdog);
	timers_unset(ts, &d->nag);
}
