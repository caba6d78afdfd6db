/* SPDX-License-Identifier: MPL-2.0 */
/*
 * kanidm_devidm: a development server that speaks the part of Kanidm's HTTPS API that a
 * UNIX client meets. For demonstrations and tests; it keeps passwords in memory in the
 * clear and has no business anywhere else.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/devidm/certs.h"
#include "tests/devidm/control.h"
#include "tests/devidm/load.h"

struct options {
	const char *listen, *cert, *key, *certs, *names, *domain, *control, *state;
	const char *data[8];
	size_t data_count;
	struct cert_times times;
	uint32_t auth_delay_ms, idle_seconds;
	bool certs_only, with_parent;
};

static const char usage[] =
    "usage: kanidm_devidm --listen ADDRESS:PORT --data FILE... \\\n"
    "           (--make-certs DIR | --cert FILE --key FILE) [options]\n"
    "\n"
    "  --listen ADDRESS:PORT   0 picks a port; \"listening URL\" is printed when ready\n"
    "  --data FILE             people and groups; may be given several times\n"
    "  --make-certs DIR        make (or use) a CA and certificates there\n"
    "  --cert-names LIST       names of the certificate, default\n"
    "                          DOMAIN,localhost,127.0.0.1,::1\n"
    "  --cert-from SECONDS     validity from now, default -3600\n"
    "  --cert-until SECONDS    default 2592000\n"
    "  --certs-only            make certificates and end\n"
    "  --cert FILE --key FILE  PEM; FILE may hold a chain, the leaf first\n"
    "  --domain NAME           default: the data file's, else idm.example.test\n"
    "  --control SOCKET        for kanidm_devidmctl\n"
    "  --state DIR             tokens stay good over a restart\n"
    "  --auth-delay-ms MS      what checking a password costs\n"
    "  --idle-timeout SECONDS  default 60\n"
    "  --exit-with-parent      end when the parent process ends\n";

static uint32_t
number(const char *s)
{
	uint32_t v;

	if (!parse_u32(s, &v))
		die("%s: not a number", s);
	return v;
}

static int64_t
offset(const char *s)
{
	int64_t v;

	if (!parse_i64(s, &v))
		die("%s: not a number of seconds", s);
	return v;
}

static void
take_option(struct options *o, int c)
{
	switch (c) {
	case 'l':
		o->listen = optarg;
		break;
	case 'd':
		if (o->data_count == sizeof(o->data) / sizeof(o->data[0]))
			die("too many --data");
		o->data[o->data_count++] = optarg;
		break;
	case 'c':
		o->cert = optarg;
		break;
	case 'k':
		o->key = optarg;
		break;
	case 'm':
		o->certs = optarg;
		break;
	case 'n':
		o->names = optarg;
		break;
	case 'f':
		o->times.from = offset(optarg);
		break;
	case 'u':
		o->times.until = offset(optarg);
		break;
	case '1':
		o->certs_only = true;
		break;
	case 'D':
		o->domain = optarg;
		break;
	case 'C':
		o->control = optarg;
		break;
	case 's':
		o->state = optarg;
		break;
	case 'a':
		o->auth_delay_ms = number(optarg);
		break;
	case 'i':
		o->idle_seconds = number(optarg);
		break;
	case 'p':
		o->with_parent = true;
		break;
	case 'h':
		(void)fputs(usage, stdout);
		exit(0);
	default:
		(void)fputs(usage, stderr);
		exit(2);
	}
}

static void
parse_options(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "listen", required_argument, NULL, 'l' },
		{ "data", required_argument, NULL, 'd' },
		{ "cert", required_argument, NULL, 'c' },
		{ "key", required_argument, NULL, 'k' },
		{ "make-certs", required_argument, NULL, 'm' },
		{ "cert-names", required_argument, NULL, 'n' },
		{ "cert-from", required_argument, NULL, 'f' },
		{ "cert-until", required_argument, NULL, 'u' },
		{ "certs-only", no_argument, NULL, '1' },
		{ "domain", required_argument, NULL, 'D' },
		{ "control", required_argument, NULL, 'C' },
		{ "state", required_argument, NULL, 's' },
		{ "auth-delay-ms", required_argument, NULL, 'a' },
		{ "idle-timeout", required_argument, NULL, 'i' },
		{ "exit-with-parent", no_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1)
		take_option(o, c);
	if (optind < argc || (!o->certs_only && !o->listen) ||
	    (!o->certs && (!o->cert || !o->key))) {
		(void)fputs(usage, stderr);
		exit(2);
	}
}

/* A parent that ended before the request to be told does not send the signal any more. */
static void
watch_parent(void)
{
	pid_t parent = getppid();

	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
		exit(0);
}

static void
prepare_certs(struct server *srv, const struct options *o, const char *domain)
{
	char *cert = NULL, *key = NULL;
	const char *why;

	srv->cert_names = o->names ? x_strdup(o->names)
				   : x_printf("%s,localhost,127.0.0.1,::1", domain);
	if (o->certs) {
		certs_make(o->certs, srv->cert_names, o->times);
		srv->cert_dir = x_strdup(o->certs);
		cert = x_printf("%s/server.pem", o->certs);
		key = x_printf("%s/server.key", o->certs);
	}
	if (!o->certs_only) {
		why = server_set_cert(srv, o->cert ? o->cert : cert,
		    o->key ? o->key : key);
		if (why)
			die("%s", why);
	}
	free(cert);
	free(key);
}

static void
load_data(struct server *srv, const struct options *o)
{
	for (size_t i = 0; i < o->data_count; i++) {
		char *why = load_file(&srv->api.store, o->data[i]);

		if (why)
			die("%s", why);
	}
}

static char *
choose_domain(const struct options *o)
{
	char *domain = NULL;

	if (o->domain)
		return x_strdup(o->domain);
	for (size_t i = 0; i < o->data_count && !domain; i++)
		domain = load_domain(o->data[i]);
	return domain ? domain : x_strdup("idm.example.test");
}

static void
raise_limits(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
}

static void
run(struct server *srv, const struct options *o, const char *domain)
{
	sigset_t set;
	char *url;
	int sig = 0;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (o->with_parent)
		watch_parent();
	raise_limits();
	api_init(&srv->api, domain, o->state);
	srv->api.auth_delay_ms = o->auth_delay_ms;
	load_data(srv, o);
	faults_init(&srv->faults);
	server_start(srv, o->listen);
	url = x_printf("https://%s%s%s:%u", strchr(srv->host, ':') ? "[" : "", srv->host,
	    strchr(srv->host, ':') ? "]" : "", srv->port);
	if (o->control)
		control_start(srv, o->control);
	(void)printf("listening %s\n", url);
	(void)fflush(stdout);
	(void)sigwait(&set, &sig);
	control_stop();
	server_stop(srv);
	free(url);
	faults_free(&srv->faults);
	api_free(&srv->api);
}

int
main(int argc, char **argv)
{
	struct options o = { .times = { -3600, 2592000 }, .idle_seconds = 60 };
	struct server srv = { .listen_fd = -1, .state = LISTEN_ON };
	char *domain;

	parse_options(&o, argc, argv);
	domain = choose_domain(&o);
	srv.idle_seconds = o.idle_seconds;
	prepare_certs(&srv, &o, domain);
	if (!o.certs_only)
		run(&srv, &o, domain);
	free(domain);
	return 0;
}
