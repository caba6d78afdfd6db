/* SPDX-License-Identifier: MPL-2.0 */
/* Setting the stage: see stage.h. */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"

static const char *const file_names[] = { "passwd", "group", "shells", "uid_map",
	"gid_map" };

static void
write_file(const struct stage *s, size_t i)
{
	char tmp[128];
	FILE *f;

	snprintf(tmp, sizeof(tmp), "%s.new", s->paths[i]);
	f = fopen(tmp, "we");
	if (f == NULL || fputs(s->text[i], f) == EOF || fclose(f) != 0 ||
	    rename(tmp, s->paths[i]) != 0) {
		perror(tmp);
		exit(2);
	}
}

void
stage_init(struct stage *s)
{
	size_t i;

	memset(s, 0, sizeof(*s));
	timers_init(&s->ts);
	s->zero_ns = 100000 * CLOCK_S;
	s->ts.now.mono_ns = s->zero_ns;
	s->ts.now.boot_ns = s->zero_ns;
	s->ts.now.wall_ns = 1700000000 * CLOCK_S;
	snprintf(s->dir, sizeof(s->dir), "/tmp/ku-replay-XXXXXX");
	if (mkdtemp(s->dir) == NULL) {
		perror(s->dir);
		exit(2);
	}
	for (i = 0; i < ARRAY_SIZE(file_names); i++)
		snprintf(s->paths[i], sizeof(s->paths[i]), "%s/%s", s->dir,
		    file_names[i]);
	stage_line(s, STAGE_PASSWD, "root:x:0:0:root:/root:/bin/bash");
	stage_line(s, STAGE_GROUP, "root:x:0:");
	stage_line(s, STAGE_SHELLS, "/bin/sh");
	s->config.uri = xstrdup("https://idm.example");
	s->config.cache_timeout_s = 300;
	s->config.prefetch_max = 500;
	s->config.fast_cache = true;
	s->config.default_shell = xstrdup("/bin/sh");
	s->config.home_prefix = xstrdup("/home/");
	s->config.home_attr = NAME_ATTR_UUID;
	s->config.home_alias = NAME_ATTR_NAME;
	s->config.uid_attr_map = NAME_ATTR_NAME;
	s->config.gid_attr_map = NAME_ATTR_NAME;
	s->config.pam_allowed_login_groups = s->groups;
	s->config.allow_local_account_override = s->override;
	s->config.map_group = s->map_group;
	s->publish_settings.path = "nss.map";
	s->publish_settings.max_ttl_s = 86400;
	s->store = fake_store_new(&s->ts);
	world_init();
}

/* a,b,c; the last place stays NULL. */
static void
set_list(char **list, size_t cap, const char *value)
{
	char copy[512], *save = NULL, *word;
	size_t n;

	for (n = 0; n < cap; n++) {
		free(list[n]);
		list[n] = NULL;
	}
	snprintf(copy, sizeof(copy), "%s", value);
	n = 0;
	for (word = strtok_r(copy, ",", &save); word != NULL && n + 1 < cap;
	     word = strtok_r(NULL, ",", &save))
		list[n++] = xstrdup(word);
}

void
stage_deinit(struct stage *s)
{
	size_t i;

	stage_stop(s);
	fake_store_free(s->store);
	world_deinit();
	timers_deinit(&s->ts);
	for (i = 0; i < ARRAY_SIZE(file_names); i++)
		unlink(s->paths[i]);
	rmdir(s->dir);
	for (i = 0; i < ARRAY_SIZE(s->override); i++)
		free(s->override[i]);
	for (i = 0; i < ARRAY_SIZE(s->map_group); i++) {
		free(s->map_group[i].local);
		free(s->map_group[i].with);
	}
	set_list(s->groups, ARRAY_SIZE(s->groups), "");
	set_list(s->prefetch, ARRAY_SIZE(s->prefetch), "");
	free(s->config.uri);
	free(s->config.default_shell);
	free(s->config.home_prefix);
}

static void
files_changed(struct stage *s, enum stage_file file)
{
	if (s->r == NULL)
		return;
	write_file(s, file);
	if (local_refresh(s->local))
		resolver_local_changed(s->r);
}

void
stage_line(struct stage *s, enum stage_file file, const char *line)
{
	size_t len = strlen(s->text[file]);

	snprintf(s->text[file] + len, sizeof(s->text[file]) - len, "%s\n", line);
	files_changed(s, file);
}

void
stage_clear_file(struct stage *s, enum stage_file file)
{
	s->text[file][0] = '\0';
	files_changed(s, file);
}

static bool
name_attr(const char *value, enum name_attr *ret)
{
	static const char *const words[] = { "name", "spn", "uuid", "none" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (streq(words[i], value)) {
			*ret = (enum name_attr)i;
			return true;
		}
	}
	return false;
}

static bool
set_text(char **field, const char *value)
{
	free(*field);
	*field = streq(value, "none") ? NULL : xstrdup(value);
	return true;
}

bool
stage_config(struct stage *s, const char *key, const char *value)
{
	struct config *c = &s->config;
	const char *colon;
	size_t n;

	if (streq(key, "cache_timeout"))
		c->cache_timeout_s = (unsigned)atoi(value);
	else if (streq(key, "offline_auth_max_age"))
		c->offline_auth_max_age_s = (unsigned)atoi(value);
	else if (streq(key, "fast_cache"))
		c->fast_cache = streq(value, "true");
	else if (streq(key, "uri"))
		return set_text(&c->uri, value);
	else if (streq(key, "default_shell"))
		return set_text(&c->default_shell, value);
	else if (streq(key, "home_prefix"))
		return set_text(&c->home_prefix, value);
	else if (streq(key, "uid_attr_map"))
		return name_attr(value, &c->uid_attr_map);
	else if (streq(key, "gid_attr_map"))
		return name_attr(value, &c->gid_attr_map);
	else if (streq(key, "home_attr"))
		return name_attr(value, &c->home_attr);
	else if (streq(key, "home_alias"))
		return name_attr(value, &c->home_alias);
	else if (streq(key, "override")) {
		for (n = 0; s->override[n] != NULL; n++)
			;
		s->override[n] = xstrdup(value);
	} else if (streq(key, "map_group") && (colon = strchr(value, ':')) != NULL) {
		s->map_group[c->n_map_group].local = xstrndup(value,
		    (size_t)(colon - value));
		s->map_group[c->n_map_group++].with = xstrdup(colon + 1);
	} else if (streq(key, "login_groups")) {
		set_list(s->groups, ARRAY_SIZE(s->groups), value);
	} else if (streq(key, "prefetch_groups")) {
		set_list(s->prefetch, ARRAY_SIZE(s->prefetch), value);
		c->prefetch_groups = s->prefetch;
	} else if (streq(key, "prefetch_max")) {
		c->prefetch_max = (unsigned)atoi(value);
	} else
		return false;
	return true;
}

static void
on_told(void *arg)
{
	((struct stage *)arg)->told++;
}

/* As daemon_reload() does it; what the old one had can be looked at until there is another. */
void
stage_reconfigure(struct stage *s)
{
	struct publish *old = NULL;

	if (s->r == NULL)
		return;
	if (s->config.fast_cache && s->without_map) {
		old = s->publish;
		s->publish = fake_publish_new();
	}
	s->without_map = !s->config.fast_cache;
	resolver_reconfigure(s->r, &s->config, s->without_map ? NULL : s->publish);
	if (old != NULL)
		fake_publish_free(old);
}

void
stage_start(struct stage *s)
{
	struct resolver_ports ports = {
		.timers = &s->ts,
		.store = s->store,
		.publish_settings = &s->publish_settings,
		.shells_path = s->paths[STAGE_SHELLS],
		.uid_map_path = s->paths[STAGE_UID_MAP],
		.gid_map_path = s->paths[STAGE_GID_MAP],
	};
	size_t i;

	if (s->r != NULL)
		return;
	for (i = 0; i < ARRAY_SIZE(file_names); i++)
		write_file(s, i);
	s->local = local_new(s->paths[STAGE_PASSWD], s->paths[STAGE_GROUP]);
	s->idp = fake_idp_new(&s->ts);
	s->publish = fake_publish_new();
	ports.local = s->local;
	ports.idp = s->idp;
	ports.publish = s->publish;
	s->r = resolver_new(&ports, &s->config);
	resolver_on_status_change(s->r, on_told, s);
}

void
stage_stop(struct stage *s)
{
	if (s->r == NULL)
		return;
	s->r = resolver_free(s->r);
	fake_idp_free(s->idp);
	fake_publish_free(s->publish);
	local_free(s->local);
}

int64_t
stage_now(const struct stage *s)
{
	return s->ts.now.mono_ns - s->zero_ns;
}

static void
move_clock(struct stage *s, int64_t mono_ns)
{
	int64_t by = mono_ns - s->ts.now.mono_ns;

	if (by <= 0)
		return;
	s->ts.now.mono_ns += by;
	s->ts.now.boot_ns += by;
	s->ts.now.wall_ns += by;
}

bool
stage_step(struct stage *s, int64_t to_ns)
{
	int64_t next = timers_next(&s->ts);

	if (next < 0 || next > s->zero_ns + to_ns)
		return false;
	move_clock(s, next);
	timers_run(&s->ts);
	return true;
}

void
stage_advance(struct stage *s, int64_t to_ns)
{
	while (stage_step(s, to_ns))
		;
	move_clock(s, s->zero_ns + to_ns);
}
