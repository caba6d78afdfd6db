/* SPDX-License-Identifier: MPL-2.0 */
/* The scratch host of kit.h. */
#include "unit/tasks/kit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/util.h"
#include "src/prog/log.h"
#include "tasks/home.h"

char kit_dir[64];
int (*kit_step)(const char *what);

const char *
kit_path(const char *rel)
{
	static char ring[8][512];
	static unsigned at;
	char *out = ring[at++ % ARRAY_SIZE(ring)];

	(void)snprintf(out, sizeof(ring[0]), "%s/%s", kit_dir, rel);
	return out;
}

void
kit_write(const char *rel, const char *text, mode_t mode)
{
	FILE *f = fopen(kit_path(rel), "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(kit_path(rel), mode), 0);
}

void
kit_mkdir(const char *rel, mode_t mode, uid_t owner)
{
	assert_int_equal(mkdir(kit_path(rel), mode), 0);
	assert_int_equal(chmod(kit_path(rel), mode), 0);
	assert_int_equal(chown(kit_path(rel), owner, owner), 0);
}

void
kit_link(const char *target, const char *rel)
{
	assert_int_equal(symlink(target, kit_path(rel)), 0);
}

void
kit_config(const char *lines)
{
	char text[2048];

	(void)snprintf(text, sizeof(text),
	    "version = \"2\"\nhome_prefix = \"%s/home/\"\n%s\n[kanidm]\n", kit_dir,
	    lines);
	(void)unlink(kit_path("unixd"));
	kit_write("unixd", text, 0644);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
kit_remove(const char *rel)
{
	(void)nftw(kit_path(rel), remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int
kit_set_up(void **state)
{
	(void)state;
	kit_step = NULL;
	if (geteuid() != 0) {
		(void)fprintf(stderr, "this test needs root\n");
		exit(77);
	}
	(void)umask(077);
	log_set_level(LOG_LEVEL_ERR);
	(void)strcpy(kit_dir, "/tmp/tasks_test.XXXXXX");
	assert_non_null(mkdtemp(kit_dir));
	assert_int_equal(chmod(kit_dir, 0755), 0);
	kit_mkdir("home", 0755, 0);
	kit_mkdir("skel", 0755, 0);
	kit_write("passwd",
	    "root:x:0:0:root:/root:/bin/sh\nlocal:x:1500:1500::/:/bin/sh\n", 0644);
	kit_write("group", "root:x:0:\ndocker:x:1501:local\n", 0644);
	kit_config("home_alias = \"name\"\nuse_etc_skel = true");
	return 0;
}

int
kit_tear_down(void **state)
{
	(void)state;
	kit_step = NULL;
	kit_remove("");
	return access(kit_dir, F_OK) == 0 ? -1 : 0;
}

void
kit_skel(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	kit_write("skel/.profile", "profile\n", 0644);
	kit_write("skel/run", "#!/bin/sh\n", 0755);
	kit_write("skel/.secret", "s\n", 0600);
	kit_write("skel/setuid", "x\n", 04755);
	kit_mkdir("skel/.config", 0700, 0);
	kit_mkdir("skel/.config/deep", 0755, 0);
	kit_write("skel/.config/deep/er", "deep\n", 0640);
	kit_mkdir("skel/empty", 0755, 0);
	kit_link("/etc/passwd", "skel/absolute");
	kit_link("../../outside", "skel/.config/relative");
	kit_link("nowhere", "skel/dangling");
	kit_link(".config", "skel/to-directory");
	assert_int_equal(mkfifo(kit_path("skel/fifo"), 0666), 0);
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", kit_path("skel/socket"));
	assert_int_equal(bind(fd, (const void *)&sun, sizeof(sun)), 0);
	(void)close(fd);
}

bool
kit_exists(const char *rel)
{
	struct stat st;

	return lstat(kit_path(rel), &st) == 0;
}

struct stat
kit_stat(const char *rel)
{
	struct stat st;

	assert_int_equal(lstat(kit_path(rel), &st), 0);
	return st;
}

static void
assert_file(const char *home, const char *name, const char *text, mode_t mode)
{
	char rel[256], got[256];
	struct stat st;
	FILE *f;
	size_t n;

	(void)snprintf(rel, sizeof(rel), "%s/%s", home, name);
	st = kit_stat(rel);
	assert_int_equal(st.st_mode, S_IFREG | mode);
	assert_int_equal(st.st_uid, KIT_UID);
	assert_int_equal(st.st_gid, KIT_UID);
	assert_int_equal(st.st_nlink, 1);
	f = fopen(kit_path(rel), "r");
	assert_non_null(f);
	n = fread(got, 1, sizeof(got) - 1, f);
	got[n] = '\0';
	(void)fclose(f);
	assert_string_equal(got, text);
}

static void
assert_dir(const char *home, const char *name, mode_t mode)
{
	char rel[256];
	struct stat st;

	(void)snprintf(rel, sizeof(rel), "%s%s%s", home, name[0] != '\0' ? "/" : "",
	    name);
	st = kit_stat(rel);
	assert_int_equal(st.st_mode, S_IFDIR | mode);
	assert_int_equal(st.st_uid, KIT_UID);
	assert_int_equal(st.st_gid, KIT_UID);
}

void
kit_assert_link(const char *rel, const char *target)
{
	char got[512];
	ssize_t n = readlink(kit_path(rel), got, sizeof(got) - 1);

	if (n < 0)
		fail_msg("%s: %s", rel, strerror(errno));
	got[n] = '\0';
	assert_string_equal(got, target);
}

static void
assert_link_in(const char *home, const char *name, const char *target)
{
	char rel[256];

	(void)snprintf(rel, sizeof(rel), "%s/%s", home, name);
	kit_assert_link(rel, target);
	assert_int_equal(kit_stat(rel).st_uid, KIT_UID);
}

static unsigned
count(const char *rel)
{
	DIR *d = opendir(kit_path(rel));
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n - 2;
}

void
kit_assert_home(const char *rel)
{
	char config[256];

	assert_dir(rel, "", 0750);
	assert_file(rel, ".profile", "profile\n", 0644);
	assert_file(rel, "run", "#!/bin/sh\n", 0755);
	assert_file(rel, ".secret", "s\n", 0600);
	assert_file(rel, "setuid", "x\n", 0755);
	assert_dir(rel, ".config", 0700);
	assert_dir(rel, ".config/deep", 0755);
	assert_file(rel, ".config/deep/er", "deep\n", 0640);
	assert_dir(rel, "empty", 0755);
	assert_link_in(rel, "absolute", "/etc/passwd");
	assert_link_in(rel, ".config/relative", "../../outside");
	assert_link_in(rel, "dangling", "nowhere");
	assert_link_in(rel, "to-directory", ".config");
	assert_int_equal(count(rel), 9);
	(void)snprintf(config, sizeof(config), "%s/.config", rel);
	assert_int_equal(count(config), 2);
}

void
kit_assert_no_temp(void)
{
	DIR *d = opendir(kit_path("home"));
	const struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		if (home_is_temp_name(e->d_name))
			fail_msg("%s is left", e->d_name);
	}
	(void)closedir(d);
}

static struct name
name_of(const char *text)
{
	struct name n;

	assert_int_equal(name_parse(text, strlen(text), &n), 0);
	return n;
}

struct request
kit_request(const char *name)
{
	struct request r = { .uid = KIT_UID, .gid = KIT_UID };
	char spn[128];

	assert_int_equal(uuid_parse(KIT_UUID, strlen(KIT_UUID), &r.uuid), 0);
	(void)strcpy(r.uuid_text, KIT_UUID);
	(void)snprintf(spn, sizeof(spn), "%s@example.com", name);
	r.name = name_of(name);
	r.spn = name_of(spn);
	r.shown = r.spn;
	return r;
}

void
kit_work(struct work *w)
{
	static char conf[256], passwd[256], group[256], skel[256], sock[256];

	(void)strcpy(conf, kit_path("unixd"));
	(void)strcpy(passwd, kit_path("passwd"));
	(void)strcpy(group, kit_path("group"));
	(void)strcpy(skel, kit_path("skel"));
	(void)strcpy(sock, kit_path("mount_sock"));
	work_init(w, conf);
	w->etc_passwd = passwd;
	w->etc_group = group;
	w->skel = skel;
	w->mount_sock = sock;
}

int
kit_home(const char *name, struct why *why)
{
	struct request r = kit_request(name);
	struct work w;
	int rc;

	kit_work(&w);
	rc = work_home(&w, &r, why);
	work_clear(&w);
	return rc;
}
