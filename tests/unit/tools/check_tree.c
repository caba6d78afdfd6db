/* SPDX-License-Identifier: MPL-2.0 */
/*
 * One healthy host, from which each test differs in one thing. The map in it is a real one,
 * written by the writer; sockets are bound; the rest is text.
 */
#include "unit/tools/check_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "ku/map.h"
#include "ku/paths.h"
#include "src/base/util.h"
#include "src/unixd/core/timers.h"
#include "src/unixd/publish/publish.h"

#define MAX_PAIRS 64

static struct {
	char root[64];
	pid_t child;
	struct check_host host;
	const char *pairs[MAX_PAIRS];
	size_t n_pairs;
	char units[3][1024];
	const char *sshd, *version;
	bool module;
	char *out;
	size_t out_len;
} w;

static const char *const files[][2] = {
	{ "/etc/passwd",
	    "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"
	    "kanidm-unixd:x:990:990::/:/bin/false\nlocal:x:1000:1000::/home/local:/bin/sh\n" },
	{ "/etc/group", "root:x:0:\nkanidm-unixd:x:990:\nlocal:x:1000:\n" },
	{ "/etc/shadow",
	    "root:*:19000::::::\nlocal:!:19000::::::\n+::::::::\n_apt:*:19000::::::\n" },
	{ "/etc/shells", "# shells\n/bin/sh\n/bin/bash\n" },
	{ "/etc/nsswitch.conf",
	    "# comment\npasswd: files kanidm systemd\ngroup:\tfiles kanidm systemd\n"
	    "shadow: files\nhosts: files dns\n" },
	{ "/etc/subuid", "local:100000:65536\n" },
	{ "/etc/subgid", "local:100000:65536\n" },
	{ "/etc/kanidm/config", "uri = \"https://idm.example.com\"\n" },
	{ "/etc/kanidm/unixd",
	    "version = \"2\"\n[kanidm]\npam_allowed_login_groups = [\"people\"]\n" },
	{ "/etc/pam.d/common-auth",
	    "auth [success=2 default=ignore] pam_unix.so nullok\n"
	    "auth [success=1 default=ignore] pam_kanidm.so ignore_unknown_user use_first_pass\n"
	    "auth requisite pam_deny.so\nauth required pam_permit.so\n" },
	{ "/etc/pam.d/common-account",
	    "account [success=2 new_authtok_reqd=done default=ignore] pam_unix.so\n"
	    "account [success=1 new_authtok_reqd=done ignore=ignore user_unknown=ignore "
	    "default=die] \\\n\tpam_kanidm.so ignore_unknown_user\n"
	    "account requisite pam_deny.so\naccount required pam_permit.so\n" },
	{ "/etc/pam.d/common-session",
	    "session [default=1] pam_permit.so\nsession requisite pam_deny.so\n"
	    "session required pam_permit.so\nsession required pam_unix.so\n"
	    "session required pam_kanidm.so ignore_unknown_user\n"
	    "-session optional pam_systemd.so\n" },
	{ "/etc/pam.d/common-password",
	    "password [success=2 default=ignore] pam_unix.so yescrypt\n"
	    "password [success=1 ignore=ignore user_unknown=ignore default=die] pam_kanidm.so "
	    "ignore_unknown_user\npassword requisite pam_deny.so\n"
	    "password required pam_permit.so\n" },
	{ "/etc/pam.d/sshd",
	    "# sshd\n@include common-auth\naccount required pam_nologin.so\n"
	    "@include common-account\n@include common-session\n@include common-password\n" },
	{ "/etc/pam.d/login",
	    "auth requisite pam_nologin.so\nauth include common-auth\n"
	    "account include common-account\nsession substack common-session\n" },
	/* Who decides by other means is left alone. */
	{ "/etc/pam.d/chfn",
	    "auth sufficient pam_rootok.so\nauth required pam_unix.so\n" },
	{ "/etc/pam.d/sshd.dpkg-old", "auth required pam_kanidm.so\n" },
	{ "/usr/lib/security/pam_kanidm.so", "module" },
	{ "/etc/ssh/sshd_config",
	    "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\nAuthorizedKeysCommand "
	    "/usr/bin/other\nMatch User local\n\tPasswordAuthentication no\n" },
	{ "/etc/ssh/sshd_config.d/10-kanidm.conf",
	    "AuthorizedKeysCommand /usr/sbin/kanidm_ssh_authorizedkeys %u\n"
	    "AuthorizedKeysCommandUser nobody\n" },
	{ "/proc/self/mountinfo",
	    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
	    "23 22 0:20 / /run rw,nosuid shared:2 - tmpfs tmpfs rw\n" },
	{ "/proc/self/uid_map", "         0          0 4294967295\n" },
	{ "/proc/self/gid_map", "         0          0 4294967295\n" },
	{ "/proc/77/comm", "cron\n" },
	{ "/var/lib/kanidm-unixd/hsm-pin", "pin" },
};

static const char *const programs[] = { "/bin/sh", "/bin/bash", "/usr/sbin/sshd",
	"/usr/sbin/kanidm_ssh_authorizedkeys", "/usr/bin/systemctl" };

static const char *const healthy[] = { "system", "online", "Kanidm", "online", "uri",
	"https://idm.example.com", "cert_not_after", "2099-01-01T00:00:00Z", "users", "2",
	"ids_pending", "0", "left_out", "0", "local_visible", "yes", "tasks", "connected",
	"offline_key", "soft key", "map", "/run/kanidm-unixd/nss.map: 2 users" };

static const char *const units[] = { "kanidm-unixd.service", "kanidm-unixd-tasks.service",
	"kanidm-unixd-mount.socket" };

static char *
real(const char *path)
{
	static char buf[2][256];
	static unsigned turn;

	turn ^= 1;
	(void)snprintf(buf[turn], sizeof(buf[turn]), "%s%s", w.root, path);
	return buf[turn];
}

static void
make_parents(const char *path)
{
	char copy[256];

	(void)snprintf(copy, sizeof(copy), "%s", real(path));
	for (char *s = copy + strlen(w.root) + 1; (s = strchr(s, '/')) != NULL; s++) {
		*s = '\0';
		assert_true(mkdir(copy, 0755) == 0 || errno == EEXIST);
		*s = '/';
	}
}

static void
put(const char *path, const char *text, mode_t mode)
{
	FILE *f;

	make_parents(path);
	(void)unlink(real(path));
	f = fopen(real(path), "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(real(path), mode), 0);
}

static int
bind_socket(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)unlink(real(path));
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", real(path));
	assert_int_equal(bind(fd, (const struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(chmod(real(path), 0666), 0);
	return fd;
}

/* Who is in the map: alice and bob, and whoever the ops name. */
static void
publish(const struct op *ops, size_t n)
{
	struct publish_settings s = { .path = real(KU_PATH_MAP),
		.own_domain = "example.com",
		.max_ttl_s = 900 };
	char path[256];
	struct timers ts;
	struct publish *p;

	(void)snprintf(path, sizeof(path), "%s", s.path);
	s.path = path;
	timers_init(&ts);
	p = publish_new(&ts, &s);
	for (size_t i = 0; i < n + 2; i++) {
		static const struct op always[] = { { OP_PERSON, "alice",
							"20001:/bin/bash" },
			{ OP_PERSON, "bob", "1879048200:/bin/sh" } };
		const struct op *o = i < 2 ? &always[i] : &ops[i - 2];
		const char *keys[] = { o->a };
		struct passwd_view v = { .name = o->a, .gecos = "", .dir = "/home/x" };

		if (o->kind != OP_PERSON)
			continue;
		v.uid = v.gid = (uint32_t)strtoul(o->b, NULL, 10);
		v.shell = strchr(o->b, ':') + 1;
		publish_user(p, &v, keys, 1, w.host.boot_s + 600);
	}
	publish_lease(p, w.host.boot_s, 0);
	assert_int_equal(publish_commit(p), 0);
	(void)publish_free(p);
	timers_deinit(&ts);
}

static void
poke_map(unsigned word, uint32_t value)
{
	int fd = open(real(KU_PATH_MAP), O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &value, sizeof(value), (off_t)word * 4),
	    sizeof(value));
	(void)close(fd);
}

static int
run(const char *const argv[], char *buf, size_t cap)
{
	if (strstr(argv[0], "sshd") != NULL) {
		const char *text = streq(argv[1], "-T") ? w.sshd : w.version;

		(void)snprintf(buf, cap, "%s", text != NULL ? text : "");
		return text != NULL ? 0 : 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		for (size_t k = 1; argv[k] != NULL; k++) {
			if (streq(argv[k], units[i]))
				(void)snprintf(buf, cap, "%s", w.units[i]);
		}
	}
	return 0;
}

static bool
module_loads(void)
{
	return w.module;
}

static void
set_status(const char *key, const char *value)
{
	size_t i = 0;

	while (i < w.n_pairs && !streq(w.pairs[i], key))
		i += 2;
	assert_true(i + 2 <= MAX_PAIRS);
	w.pairs[i] = key;
	w.pairs[i + 1] = value;
	w.n_pairs = i == w.n_pairs ? i + 2 : w.n_pairs;
}

static void
set_unit(const char *unit, const char *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		char old[1024];

		/* The first line of a property counts. */
		(void)snprintf(old, sizeof(old), "%s", w.units[i]);
		if (streq(unit, units[i]))
			(void)snprintf(w.units[i], sizeof(w.units[i]), "%s\n%.900s", line,
			    old);
	}
}

/* Somebody else at the socket: accepts, and answers `words` or nothing. */
static void
stranger(const char *words)
{
	int fd = bind_socket(KU_PATH_SOCK);

	assert_int_equal(listen(fd, 8), 0);
	w.host.pairs = NULL;
	w.child = fork();
	assert_true(w.child >= 0);
	if (w.child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			char buf[256];
			int c = accept(fd, NULL, NULL);

			if (words != NULL && c >= 0 && read(c, buf, sizeof(buf)) > 0 &&
			    write(c, words, strlen(words)) > 0)
				(void)close(c);
		}
	}
	(void)close(fd);
}

static bool
apply(const struct op *o)
{
	switch (o->kind) {
	case OP_WRITE:
		put(o->a, o->b, 0644);
		break;
	case OP_REMOVE:
		assert_int_equal(remove(real(o->a)), 0);
		break;
	case OP_MODE:
		assert_int_equal(chmod(real(o->a), (mode_t)strtoul(o->b, NULL, 8)), 0);
		break;
	case OP_OWNER:
		if (geteuid() != 0)
			return false;
		assert_int_equal(lchown(real(o->a), (uid_t)strtoul(o->b, NULL, 10), 0),
		    0);
		break;
	case OP_LINK:
		make_parents(o->a);
		assert_int_equal(symlink(o->b, real(o->a)), 0);
		break;
	case OP_STATUS:
		set_status(o->a, o->b);
		break;
	case OP_NOBODY:
		w.host.pairs = NULL;
		break;
	case OP_SILENT:
		w.host.status_timeout_ms = 100;
		stranger(NULL);
		break;
	case OP_FOREIGN:
		stranger("HTTP/1.1 400 Bad Request and so on, for a while\r\n\r\n");
		break;
	case OP_UNIT:
		set_unit(o->a, o->b);
		break;
	case OP_SSHD:
		w.sshd = o->a;
		break;
	case OP_VERSION:
		w.version = o->a;
		break;
	case OP_NO_MODULE:
		w.module = false;
		break;
	case OP_HOURS:
		w.host.wall_s += strtol(o->a, NULL, 10) * 3600;
		break;
	case OP_LEASE:
		poke_map(KU_MAP_H_LEASE, w.host.boot_s - 60);
		break;
	case OP_STATE:
		poke_map(KU_MAP_H_STATE, (uint32_t)strtoul(o->a, NULL, 10));
		break;
	case OP_ORDINARY:
		w.host.privileged = false;
		break;
	case OP_SOCKET:
		(void)close(bind_socket(o->a));
		break;
	case OP_PERSON:
	case OP_END:
		break;
	}
	return true;
}

static void
make_healthy(const struct op *ops, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		put(files[i][0], files[i][1], 0644);
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		put(programs[i], "#!", 0755);
	for (size_t i = 0; i < ARRAY_SIZE(healthy); i += 2)
		set_status(healthy[i], healthy[i + 1]);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		(void)snprintf(w.units[i], sizeof(w.units[i]),
		    "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nResult=success\n"
		    "PrivateUsers=no\nDynamicUser=no\nFragmentPath=/lib/systemd/system/%s\n"
		    "ReadWritePaths=-/home\nProtectSystem=strict\n",
		    units[i]);
	make_parents("/home/");
	make_parents("/run/systemd/system/");
	make_parents("/var/cache/kanidm-unixd/");
	make_parents(KU_PATH_MAP);
	assert_int_equal(chmod(real("/var/cache/kanidm-unixd"), 0700), 0);
	assert_int_equal(chmod(real("/var/lib/kanidm-unixd"), 0700), 0);
	assert_int_equal(chmod(real("/var/lib/kanidm-unixd/hsm-pin"), 0600), 0);
	publish(ops, n);
	(void)close(bind_socket(KU_PATH_SOCK));
	(void)close(bind_socket(KU_PATH_TASK_SOCK));
}

bool
tree_make(const struct op *ops, size_t n)
{
	(void)umask(022);
	memset(&w, 0, sizeof(w));
	/* Two hundred trees come and go: in memory where there is room for that. */
	(void)snprintf(w.root, sizeof(w.root), "%s/ku-check-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(w.root));
	assert_int_equal(chmod(w.root, 0755), 0);
	w.module = true;
	w.version = "OpenSSH_9.2p1 Debian, OpenSSL 3";
	w.host = (struct check_host){ .root = w.root,
		.privileged = true,
		.wall_s = time(NULL),
		.boot_s = (uint32_t)(clock_boot_ns() / 1000000000),
		.run = run,
		.module_loads = module_loads,
		.pairs = w.pairs };
	make_healthy(ops, n);
	for (size_t i = 0; i < n && ops[i].kind != OP_END; i++) {
		if (!apply(&ops[i]))
			return false;
	}
	return true;
}

static int
forget(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void
tree_remove(void)
{
	if (w.child > 0) {
		(void)kill(w.child, SIGKILL);
		(void)waitpid(w.child, NULL, 0);
	}
	assert_int_equal(nftw(w.root, forget, 16, FTW_DEPTH | FTW_PHYS), 0);
	free(w.out);
	w.out = NULL;
}

int
tree_check(bool verbose, bool json, const char **ret_text)
{
	struct tool t = { .err = stderr };
	int rc;

	free(w.out);
	w.out = NULL;
	t.out = open_memstream(&w.out, &w.out_len);
	assert_non_null(t.out);
	w.host.n_pairs = w.n_pairs;
	t.json = json;
	rc = check_host(&t, &w.host, verbose);
	assert_int_equal(fclose(t.out), 0);
	*ret_text = w.out;
	return rc;
}
