/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Each request is served by the file as it is now: an administrator who has changed
 * home_attr does not think of a second daemon that would have to be told. A stat a request
 * is what that costs.
 */
#include "tasks/conf.h"

#include "src/prog/log.h"

const char *
conf_home_dir(const struct config *c)
{
	return c->home_mount_prefix != NULL ? c->home_mount_prefix : c->home_prefix;
}

/* The resolver tells what is wrong with the file; here only what makes it useless. */
static void
tell(struct conf *c, const struct config_problems *problems)
{
	bool first = true;

	for (size_t i = 0; i < problems->n; i++) {
		if (problems->v[i].severity != CONFIG_FATAL)
			continue;
		log_err("config: %s", problems->v[i].text);
		if (first)
			(void)why_set(&c->why, 0, "%s", problems->v[i].text);
		first = false;
	}
}

static void
remember(struct conf *c)
{
	if (stat(c->path, &c->seen) < 0)
		c->seen = (struct stat){ 0 };
}

static bool
is_same(const struct conf *c)
{
	struct stat now = { 0 };

	if (stat(c->path, &now) < 0)
		now = (struct stat){ 0 };
	return now.st_dev == c->seen.st_dev && now.st_ino == c->seen.st_ino &&
	    now.st_size == c->seen.st_size &&
	    now.st_mtim.tv_sec == c->seen.st_mtim.tv_sec &&
	    now.st_mtim.tv_nsec == c->seen.st_mtim.tv_nsec &&
	    now.st_ctim.tv_sec == c->seen.st_ctim.tv_sec &&
	    now.st_ctim.tv_nsec == c->seen.st_ctim.tv_nsec;
}

void
conf_init(struct conf *c, const char *path)
{
	cleanup_(config_problems_clear) struct config_problems problems = { 0 };

	*c = (struct conf){ .path = path };
	remember(c);
	c->usable = config_load(NULL, path, &c->config, &problems) == 0;
	tell(c, &problems);
}

void
conf_clear(struct conf *c)
{
	c->config = config_free(c->config);
}

bool
conf_refresh(struct conf *c, bool force)
{
	cleanup_(config_problems_clear) struct config_problems problems = { 0 };
	cleanup_(config_freep) struct config *fresh = NULL;
	struct config *old = c->config;

	if (!force && is_same(c))
		return false;
	remember(c);
	if (config_load(NULL, c->path, &fresh, &problems) < 0) {
		tell(c, &problems);
		log_err("config: not usable, nothing is changed path=%s", c->path);
		return false;
	}
	c->config = fresh;
	c->usable = true;
	fresh = old;
	log_info("config: read again path=%s", c->path);
	return true;
}
