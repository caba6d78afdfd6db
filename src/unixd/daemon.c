/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The one place that knows every component. Order is its whole subject: the socket is bound
 * first, because a second daemon must find out before it touches cache or map; store and
 * local files come before the resolver, which publishes what they hold; logins come last,
 * because they need all of it; READY is said when a lookup would be answered. Everything
 * that can be missing on some host (netlink, inotify, a notify socket, a writable directory)
 * costs one line and a feature, never the start.
 */
#include "src/unixd/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "ku/paths.h"
#include "src/base/deadline.h"
#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/prog/sdnotify.h"
#include "src/unixd/daemon_internal.h"
#include "src/unixd/idp/idp.h"
#include "src/unixd/local/local.h"
#include "src/unixd/login/login.h"
#include "src/unixd/resolver/resolver.h"
#include "src/unixd/server/server.h"
#include "src/unixd/store/store.h"
#include "src/unixd/taskq/taskq.h"

#define FLUSH_LIMIT_MS 2000
#define EXIT_LIMIT_S   1

/* ---- what is shown ---- */

void
daemon_show_status(void *arg)
{
	struct daemon *d = arg;
	char line[512];
	size_t n;

	resolver_status_line(d->resolver, line, sizeof(line));
	if (d->login == NULL) {
		(void)sdnotifyf("STATUS=%s", line);
		return;
	}
	n = login_n_ready(d->login);
	d->shown_offline_logins = n;
	(void)sdnotifyf("STATUS=%s · %zu offline login%s", line, n, n == 1 ? "" : "s");
}

static void
status_pairs(void *arg, resolver_pair_fn fn, void *fn_arg)
{
	struct daemon *d = arg;
	const char *note = store_note(d->store);

	if (note != NULL)
		fn(fn_arg, "store", note);
	fn(fn_arg, "hsm_pin", d->pin.text);
	login_status(d->login, fn, fn_arg);
	taskq_status(d->taskq, fn, fn_arg);
	settings_status(&d->settings, fn, fn_arg);
}

static void
on_signal(struct loop_fd *f, uint32_t events)
{
	struct daemon *d = container_of(f, struct daemon, signals);
	struct signalfd_siginfo si;

	(void)events;
	while (read(f->fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGHUP) {
			daemon_reload(d);
		} else {
			log_info("daemon: stopping signal=%u", si.ssi_signo);
			loop_stop(d->loop);
		}
	}
}

static void
fill_signals(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGTERM);
	(void)sigaddset(set, SIGINT);
	(void)sigaddset(set, SIGHUP);
}

/* Blocked before the first lane exists, so that every thread inherits it. */
static int
start_signals(struct daemon *d)
{
	static const int ignored[] = { SIGPIPE, SIGUSR1, SIGUSR2 };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t set;
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		(void)sigaction(ignored[i], &ignore, NULL);
	fill_signals(&set);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	d->signals = (struct loop_fd){ .fd = fd, .events = EPOLLIN, .fn = on_signal };
	return loop_add(d->loop, &d->signals);
}

/* ---- sockets ---- */

/* Takes those the service manager passed; true when the built-in path is among them. */
static bool
adopt_sockets(struct daemon *d)
{
	char *names = NULL;
	int n = sdnotify_listen_fds(&names);
	bool have_built_in = false;

	free(names);
	for (int fd = 3; fd < 3 + n; fd++) {
		char path[108];

		if (server_adopt(d->server, fd, path) < 0) {
			log_warn(
			    "listener: fd=%d from the service manager is no listening "
			    "stream socket",
			    fd);
			(void)close(fd);
			continue;
		}
		log_info("listener: from the service manager path=%s", path);
		have_built_in |= streq(path, KU_PATH_SOCK);
	}
	return have_built_in;
}

static int
listen_at(struct daemon *d, const char *path)
{
	int rc = server_listen(d->server, path);

	if (rc == -EADDRINUSE)
		log_err("listener: another daemon answers path=%s", path);
	else if (rc == -EEXIST)
		log_err("listener: something that is no socket is in the way path=%s",
		    path);
	else if (rc < 0)
		log_err("listener: %s path=%s", strerror(-rc), path);
	return rc;
}

/* The modules only know the built-in path; sock_path is one more, for tools. */
static int
start_sockets(struct daemon *d)
{
	const char *extra = d->settings.config->sock_path;
	bool any = adopt_sockets(d);
	int rc;

	if (!any) {
		rc = listen_at(d, KU_PATH_SOCK);
		if (rc == -EADDRINUSE)
			return rc;
		any = rc == 0;
	}
	if (extra != NULL && !streq(extra, KU_PATH_SOCK))
		any |= listen_at(d, extra) == 0;
	return any ? 0 : -EADDRNOTAVAIL;
}

/* ---- start ---- */

static int
start_ports(struct daemon *d)
{
	struct idp_settings idp = settings_idp(&d->settings);
	int rc = store_open(d->loop, d->settings.config->db_path, &d->store, NULL);

	if (rc < 0) {
		log_err("store: %s", strerror(-rc));
		return rc;
	}
	pin_prepare(d->settings.config->hsm_pin_path, KU_PATH_HSM_PIN,
	    KU_PATH_HSM_PIN_ALT, &d->pin);
	if (d->pin.state != PIN_READY)
		log_info("hsm: %s", d->pin.text);
	d->local = local_new(KU_PATH_ETC_PASSWD, KU_PATH_ETC_GROUP);
	if (local_is_frozen(d->local))
		log_warn(
		    "local: the unit shows a frozen /etc/passwd: bind the directory or "
		    "restart after useradd");
	rc = idp_new(d->loop, &idp, &d->idp);
	if (rc < 0)
		log_err("idp: %s", strerror(-rc));
	return rc;
}

void
daemon_new_publish(struct daemon *d)
{
	d->publish = publish_new(loop_timers(d->loop), &d->publish_settings);
	publish_use_loop(d->publish, d->loop);
}

static void
start_resolver(struct daemon *d)
{
	struct resolver_ports ports = {
		.timers = loop_timers(d->loop),
		.store = d->store,
		.idp = d->idp,
		.local = d->local,
		.publish_settings = &d->publish_settings,
	};

	d->publish_settings = settings_publish(&d->settings, KU_PATH_MAP);
	if (d->settings.config->fast_cache)
		daemon_new_publish(d);
	else
		(void)publish_withdraw_path(KU_PATH_MAP);
	ports.publish = d->publish;
	d->resolver = resolver_new(&ports, d->settings.config);
	resolver_on_status_change(d->resolver, daemon_show_status, d);
	server_set_resolver(d->server, d->resolver);
}

static void
forget_credential(void *arg, const struct uuid *uuid)
{
	struct daemon *d = arg;

	login_forget(d->login, uuid);
}

/* The PAM module is answered from here on; until then it is told "unavailable". */
static int
start_login(struct daemon *d)
{
	struct login_ports ports = {
		.loop = d->loop,
		.resolver = d->resolver,
		.idp = d->idp,
		.store = d->store,
		.pin = &d->pin,
	};
	int rc = taskq_new(d->loop, d->settings.config->task_sock_path, &d->taskq);

	ports.taskq = d->taskq;
	if (rc == 0)
		rc = login_new(&ports, d->settings.config, &d->login);
	if (rc < 0) {
		log_err("login: %s", strerror(-rc));
		return rc;
	}
	resolver_on_forget(d->resolver, forget_credential, d);
	server_set_login(d->server, d->login);
	return 0;
}

static int
start(struct daemon *d, const struct options *o)
{
	struct server_settings server = {
		.own_uid = geteuid(),
		.status = status_pairs,
		.arg = d,
	};
	int rc;

	settings_load(&d->settings, o->client_config, o->unixd_config, KU_PATH_STATEDIR);
	rc = loop_new(&d->loop);
	if (rc < 0)
		return rc;
	rc = start_signals(d);
	if (rc < 0)
		return rc;
	d->server = server_new(d->loop, NULL, &server);
	rc = start_sockets(d);
	if (rc == 0)
		rc = start_ports(d);
	if (rc < 0)
		return rc;
	start_resolver(d);
	rc = start_login(d);
	if (rc < 0)
		return rc;
	daemon_start_watches(d);
	d->watching = true;
	return 0;
}

/* ---- stop ---- */

static void
on_flushed(void *arg)
{
	struct daemon *d = arg;

	d->flushed = true;
}

static void
on_alarm(int signo)
{
	(void)signo;
	_exit(0);
}

/* A name server that hangs keeps the network lane from joining, a key that is being opened
 * the other ones; by then nothing is left to save, so the process may simply end. */
static void
limit_exit(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };

	(void)sigaction(SIGALRM, &sa, NULL);
	(void)alarm(EXIT_LIMIT_S);
}

static void
flush(struct daemon *d)
{
	struct deadline limit = deadline_in_ms(FLUSH_LIMIT_MS);

	store_flush(d->store, on_flushed, d);
	while (!d->flushed && deadline_left_ms(limit) > 0) {
		if (loop_turn(d->loop, deadline_left_ms(limit)) < 0)
			break;
	}
	if (!d->flushed)
		log_warn("store: the disk is too slow, the last changes may be lost");
}

static void
stop(struct daemon *d)
{
	(void)sdnotify("STOPPING=1");
	d->server = server_free(d->server);
	if (d->watching)
		daemon_stop_watches(d);
	/* With the engine alive: what it keeps behind an answer is on its way. */
	if (d->resolver != NULL)
		flush(d);
	if (d->publish != NULL)
		publish_end_lease(d->publish);
	limit_exit();
	d->login = login_free(d->login);
	d->taskq = taskq_free(d->taskq);
	d->resolver = resolver_free(d->resolver);
	if (d->publish != NULL)
		d->publish = publish_free(d->publish);
	if (d->store != NULL)
		d->store = store_close(d->store);
	if (d->idp != NULL)
		d->idp = idp_free(d->idp);
	if (d->local != NULL)
		d->local = local_free(d->local);
	if (d->signals.fn != NULL) {
		loop_del(d->loop, &d->signals);
		(void)close(d->signals.fd);
	}
	if (d->loop != NULL)
		d->loop = loop_free(d->loop);
	settings_clear(&d->settings);
	(void)alarm(0);
}

int
daemon_run(const struct options *o)
{
	struct daemon d = { 0 };
	int rc = start(&d, o);

	if (rc == 0) {
		(void)sdnotify("READY=1");
		daemon_show_status(&d);
		log_info("daemon: ready version=%s", KU_VERSION);
		rc = loop_run(d.loop);
	}
	if (rc < 0)
		log_err("daemon: %s", strerror(-rc));
	stop(&d);
	return rc < 0 ? 1 : 0;
}
