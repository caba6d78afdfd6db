/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The order of things: is this somebody whose home we make, is the place fit, the home,
 * the alias. Nothing is remembered from one request to the next but the configuration, so
 * the same request twice does the second time what the first one could not.
 */
#include "tasks/work.h"

#include <errno.h>
#include <string.h>

#include "ku/paths.h"
#include "src/base/util.h"
#include "src/prog/log.h"
#include "src/prog/xalloc.h"
#include "tasks/alias.h"
#include "tasks/home.h"
#include "tasks/local_ids.h"
#include "tasks/mount_ask.h"
#include "tasks/nfs.h"
#include "tasks/prefix.h"

void
work_init(struct work *w, const char *config_path)
{
	*w = (struct work){
		.etc_passwd = KU_PATH_ETC_PASSWD,
		.etc_group = KU_PATH_ETC_GROUP,
		.skel = KU_PATH_ETC_SKEL,
		.mount_sock = KU_PATH_MOUNT_SOCK,
	};
	conf_init(&w->conf, config_path);
}

void
work_clear(struct work *w)
{
	w->label = label_free(w->label);
	conf_clear(&w->conf);
}

void
work_refresh(struct work *w, bool force)
{
	if (!conf_refresh(&w->conf, force))
		return;
	w->label = label_free(w->label);
	w->labelled = false;
	w->cleaned = false;
}

static void
prepare_labels(struct work *w)
{
	const struct config *c = w->conf.config;
	enum label_wish wish = LABEL_IF_THERE;
	struct why why;

	if (w->labelled)
		return;
	if (!c->selinux)
		wish = LABEL_NEVER;
	else if (c->selinux_is_set)
		wish = LABEL_ASKED_FOR;
	w->label = label_new(wish, &why);
	w->labelled = true;
	if (why.text[0] != '\0')
		log_warn("selinux: %s", why.text);
}

void
work_clean(struct work *w)
{
	const struct config *c = w->conf.config;
	cleanup_(prefix_close) struct prefix homes = { .fd = -1 }, aliases = { .fd = -1 };
	struct why why;

	prepare_labels(w);
	if (w->cleaned || !w->conf.usable)
		return;
	if (prefix_open(conf_home_dir(c), &homes, &why) < 0)
		return;
	(void)home_clean(&homes);
	if (c->home_mount_prefix != NULL) {
		if (prefix_open(c->home_prefix, &aliases, &why) < 0)
			return;
		(void)home_clean(&aliases);
	}
	w->cleaned = true;
}

static int
make_home(struct work *w, const struct prefix *homes, const struct request *r,
    struct why *why)
{
	const struct config *c = w->conf.config;
	/* The policy has rules for the path by which the person knows the home. */
	cleanup_(freep) char *shown = xasprintf("%s%s", c->home_prefix, r->shown.text);
	struct home h = { .name = request_home(r, c),
		.uid = r->uid,
		.gid = r->gid,
		.skel = c->use_etc_skel ? w->skel : NULL,
		.label = w->label,
		.shown = shown };
	int rc = home_make(homes, &h, why);

	if (rc < 0 && nfs_is_refusal(homes, rc))
		rc = nfs_make_as_user(homes, &h, why);
	if (rc == HOME_MADE)
		log_info("home: made path=%s/%s uid=%u", homes->path, h.name, h.uid);
	return rc < 0 ? rc : 0;
}

static int
make_alias(struct work *w, const struct prefix *homes, const struct request *r,
    const char *name, struct why *why)
{
	const struct config *c = w->conf.config;
	cleanup_(prefix_close) struct prefix own = { .fd = -1 };
	struct alias a = { .name = name,
		.home = request_home(r, c),
		.uuid = r->uuid_text,
		.uid = r->uid };
	const struct prefix *where = homes;
	int rc;

	if (c->home_mount_prefix != NULL) {
		rc = prefix_open(c->home_prefix, &own, why);
		if (rc < 0)
			return rc;
		where = &own;
	}
	rc = alias_link(where, homes, &a, why);
	if (rc == ALIAS_MADE)
		log_info("alias: made path=%s/%s", where->path, name);
	return rc < 0 ? rc : 0;
}

static int
do_home(struct work *w, const struct request *r, struct why *why)
{
	const struct config *c = w->conf.config;
	cleanup_(prefix_close) struct prefix homes = { .fd = -1 };
	const char *alias = request_alias(r, c);
	int rc = local_ids_check(w->etc_passwd, w->etc_group, c, r, why);

	if (rc == 0)
		rc = prefix_open(conf_home_dir(c), &homes, why);
	if (rc == 0)
		rc = make_home(w, &homes, r, why);
	if (rc < 0 || alias == NULL)
		return rc;
	if (c->home_strategy == HOME_STRATEGY_BIND_MOUNT)
		return mount_ask(w->mount_sock, r, why);
	return make_alias(w, &homes, r, alias, why);
}

int
work_home(struct work *w, const struct request *r, struct why *why)
{
	int rc;

	why->text[0] = '\0';
	work_refresh(w, false);
	if (!w->conf.usable)
		return why_set(why, -EINVAL, "%s", w->conf.why.text);
	work_clean(w);
	rc = do_home(w, r, why);
	if (rc < 0)
		log_err("home: not done user=%s uid=%u: %s", r->shown.text, r->uid,
		    why->text);
	return rc;
}
