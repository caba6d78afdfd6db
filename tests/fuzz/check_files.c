/* SPDX-License-Identifier: MPL-2.0 */
/*
 * `kanidm-unix check` on a host whose files are anything. Input: sections, each begun by the
 * byte 1e and a letter that says which file it is (or what a program prints, or what the
 * daemon says of itself). What is found is told in lines of text that can do nothing to a
 * terminal, and the exit code goes with it.
 */
#include <errno.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "tests/fuzz/require.h"
#include "tools/check.h"

#define MAX_PAIRS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Which a section may replace, from 'a' on, and what stands there otherwise. */
static const char *const files[][2] = {
	{ "/etc/nsswitch.conf", "passwd: files kanidm\ngroup: files kanidm\n" },
	{ "/etc/pam.d/common-auth",
	    "auth [success=2 default=ignore] pam_unix.so\n"
	    "auth [success=1 default=ignore] pam_kanidm.so ignore_unknown_user use_first_pass\n"
	    "auth requisite pam_deny.so\nauth required pam_permit.so\n" },
	{ "/etc/pam.d/common-account", "account required pam_unix.so\n" },
	{ "/etc/pam.d/sshd", "@include common-auth\naccount include common-account\n" },
	{ "/etc/pam.d/login", "auth substack common-auth\n" },
	{ "/etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n" },
	{ "/etc/ssh/sshd_config.d/10-kanidm.conf",
	    "AuthorizedKeysCommand /usr/sbin/kanidm_ssh_authorizedkeys %u\n" },
	{ "/etc/passwd",
	    "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n" },
	{ "/etc/group", "root:x:0:\n" },
	{ "/etc/shells", "/bin/sh\n" },
	{ "/etc/subuid", "root:100000:65536\n" },
	{ "/etc/subgid", "root:100000:65536\n" },
	{ "/etc/kanidm/config", "uri = \"https://idm.example.com\"\n" },
	{ "/etc/kanidm/unixd", "version = \"2\"\n[kanidm]\n" },
	{ "/proc/self/mountinfo", "22 1 8:1 / / rw shared:1 - ext4 /dev/vda1 rw\n" },
	{ "/proc/self/uid_map", "0 0 4294967295\n" },
	{ "/proc/self/gid_map", "0 0 4294967295\n" },
	{ "/proc/77/comm", "cron\n" },
	{ "/proc/77/maps", "" },
};
/* Behind the files: what programs print, and the pairs of the daemon. */
enum {
	SECTION_SSHD = ARRAY_SIZE(files),
	SECTION_UNIT,
	SECTION_PAIRS,
	SECTION_HOW,
	N_SECTIONS
};

static struct {
	char root[64];
	char *section[N_SECTIONS]; /* NULL: as usual */
	bool changed[ARRAY_SIZE(files)];
} w;

static void
put(size_t i, const char *text, size_t len)
{
	char path[256], *slash;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s%s", w.root, files[i][0]);
	for (slash = path + strlen(w.root) + 1; (slash = strchr(slash, '/')) != NULL;
	     slash++) {
		*slash = '\0';
		require(mkdir(path, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
	f = fopen(path, "we");
	require(f != NULL && fwrite(text, 1, len, f) == len && fclose(f) == 0);
}

static int
forget(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static void
clean_up(void)
{
	(void)nftw(w.root, forget, 16, FTW_DEPTH | FTW_PHYS);
}

static void
make_tree(void)
{
	(void)snprintf(w.root, sizeof(w.root), "%s/ku-fuzz-check-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	require(mkdtemp(w.root) != NULL && atexit(clean_up) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		put(i, files[i][1], strlen(files[i][1]));
}

static int
run(const char *const argv[], char *buf, size_t cap)
{
	const char *text =
	    w.section[strstr(argv[0], "sshd") != NULL ? SECTION_SSHD : SECTION_UNIT];

	(void)snprintf(buf, cap, "%s", text != NULL ? text : "");
	return text != NULL && text[0] == '!' ? 1 : 0;
}

static bool
module_loads(void)
{
	return w.section[SECTION_HOW] == NULL ||
	    strchr(w.section[SECTION_HOW], 'm') == NULL;
}

static size_t
split_pairs(const char **v)
{
	char *rest = w.section[SECTION_PAIRS], *word;
	size_t n = 0;

	while (n < MAX_PAIRS && (word = strsep(&rest, "\n")) != NULL)
		v[n++] = word;
	return n - n % 2;
}

static void
read_input(const char *data, size_t size)
{
	while (size > 0) {
		const char *end;
		size_t which, len;

		if (*data != 0x1e || size == 1) {
			data++;
			size--;
			continue;
		}
		which = (size_t)(uint8_t)data[1] - 'a';
		data += 2;
		size -= 2;
		end = memchr(data, 0x1e, size);
		len = end != NULL ? (size_t)(end - data) : size;
		if (which < N_SECTIONS && w.section[which] == NULL) {
			w.section[which] = xcalloc(len + 1, 1);
			memcpy(w.section[which], data, len);
		}
		if (which < ARRAY_SIZE(files)) {
			put(which, data, len);
			w.changed[which] = true;
		}
		data += len;
		size -= len;
	}
}

static void
put_back(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (w.changed[i])
			put(i, files[i][1], strlen(files[i][1]));
		w.changed[i] = false;
	}
	for (size_t i = 0; i < N_SECTIONS; i++) {
		free(w.section[i]);
		w.section[i] = NULL;
	}
}

static void
look(bool verbose, bool json)
{
	const char *pairs[MAX_PAIRS];
	const char *how = w.section[SECTION_HOW];
	struct check_host host = { .root = w.root,
		.privileged = how == NULL || strchr(how, 'u') == NULL,
		.wall_s = 1800000000,
		.boot_s = 1000,
		.run = run,
		.module_loads = module_loads,
		.pairs = pairs,
		.n_pairs = split_pairs(pairs) };
	struct tool t = { .err = stderr, .json = json };
	char *out = NULL;
	size_t len = 0;
	int rc;

	t.out = open_memstream(&out, &len);
	require(t.out != NULL);
	rc = check_host(&t, &host, verbose);
	require(fclose(t.out) == 0 && (rc == 0 || rc == 1));
	require(len > 0 && out[len - 1] == '\n' && strlen(out) == len);
	for (size_t i = 0; i < len; i++)
		require(
		    ((unsigned char)out[i] >= ' ' && out[i] != '\177') || out[i] == '\n');
	if (!json)
		require((rc == 1) ==
		    (strncmp(out, "error: ", 7) == 0 ||
			strstr(out, "\nerror: ") != NULL));
	free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (w.root[0] == '\0')
		make_tree();
	read_input((const char *)data, size);
	look(true,
	    w.section[SECTION_HOW] != NULL &&
		strchr(w.section[SECTION_HOW], 'j') != NULL);
	put_back();
	return 0;
}
