/* SPDX-License-Identifier: MPL-2.0 */
/* store.h without a disk: rows in memory that outlive the engine, each write a timer. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fakes.h"
#include "src/base/util.h"
#include "src/prog/xalloc.h"
#include "src/unixd/core/list.h"
#include "src/unixd/store/store.h"

struct row {
	struct list link;
	bool is_cred;
	struct uuid uuid;
	char key[32];
	uint8_t blob[STORE_MAX_VALUE];
	size_t len;
};

struct write {
	struct list link;
	struct timer timer;
	bool is_cred;
	bool is_all;
	bool tried_again;
	struct row *row; /* NULL blob: deleted */
	store_done_fn done;
	void *arg;
};

static struct list rows = { &rows, &rows };
static struct list writes = { &writes, &writes };

static struct row *
row_find(bool is_cred, const struct uuid *uuid, const char *key)
{
	struct list *it;

	list_for_each(it, &rows) {
		struct row *r = container_of(it, struct row, link);

		if (r->is_cred == is_cred &&
		    (is_cred ? uuid_equal(&r->uuid, uuid) : streq(r->key, key)))
			return r;
	}
	return NULL;
}

static void
row_put(const struct row *new)
{
	struct row *r = row_find(new->is_cred, &new->uuid, new->key);

	if (r == NULL) {
		r = xcalloc(1, sizeof(*r));
		list_append(&rows, &r->link);
	}
	if (new->len == 0) {
		list_remove(&r->link);
		free(r);
		return;
	}
	r->is_cred = new->is_cred;
	r->uuid = new->uuid;
	memcpy(r->key, new->key, sizeof(r->key));
	memcpy(r->blob, new->blob, new->len);
	r->len = new->len;
}

static void
rows_clear(bool creds_only)
{
	struct list *it, *tmp;

	list_for_each_safe(it, tmp, &rows) {
		struct row *r = container_of(it, struct row, link);

		if (creds_only && !r->is_cred)
			continue;
		list_remove(&r->link);
		free(r);
	}
}

static void
on_written(struct timer *t)
{
	struct write *w = container_of(t, struct write, timer);
	struct write copy = *w;
	int rc = play.disk == DISK_FAILS ? -EIO : 0;

	/* Nobody is told, so the store goes on trying. */
	if (rc != 0 && w->tried_again) {
		timers_set(play_timers(), &w->timer, CLOCK_S);
		return;
	}
	list_remove(&w->link);
	if (rc == 0 && w->is_all)
		rows_clear(true);
	else if (rc == 0)
		row_put(w->row);
	free(w->row);
	free(w);
	if (copy.done != NULL)
		copy.done(copy.arg, rc);
}

static struct row *
row_new(const void *blob, size_t len)
{
	struct row *r = xcalloc(1, sizeof(*r));

	if (len > sizeof(r->blob))
		abort();
	if (len > 0)
		memcpy(r->blob, blob, len);
	r->len = len;
	return r;
}

static void
write_row(struct row *r, bool is_all, store_done_fn done, void *arg)
{
	struct write *w = xcalloc(1, sizeof(*w));

	play.puts++;
	w->row = r;
	w->is_all = is_all;
	w->done = done;
	w->tried_again = !is_all && !r->is_cred && done == NULL;
	w->arg = arg;
	list_append(&writes, &w->link);
	timer_init(&w->timer, on_written);
	timers_set(play_timers(), &w->timer,
	    (play.disk == DISK_HANGS ? 3600000 : play.commit_ms) * CLOCK_MS);
}

void
store_put_cred(struct store *s, const struct uuid *uuid, const void *blob, size_t len,
    store_done_fn done, void *arg)
{
	struct row *r = row_new(blob, len);

	(void)s;
	r->is_cred = true;
	r->uuid = *uuid;
	write_row(r, false, done, arg);
}

void
store_del_cred(struct store *s, const struct uuid *uuid)
{
	store_put_cred(s, uuid, NULL, 0, NULL, NULL);
}

void
store_del_all_creds(struct store *s)
{
	(void)s;
	write_row(NULL, true, NULL, NULL);
}

void
store_put_value(struct store *s, const char *key, const void *blob, size_t len,
    store_done_fn done, void *arg)
{
	struct row *r = row_new(blob, len);

	(void)s;
	snprintf(r->key, sizeof(r->key), "%s", key);
	write_row(r, false, done, arg);
}

int
store_load_secrets(struct store *s, const struct store_secrets *sink)
{
	struct list *it;

	(void)s;
	if (play.disk == DISK_UNREADABLE)
		return -EIO;
	list_for_each(it, &rows) {
		const struct row *r = container_of(it, struct row, link);

		if (!r->is_cred)
			sink->value(sink->arg, r->key, r->blob, r->len);
	}
	list_for_each(it, &rows) {
		const struct row *r = container_of(it, struct row, link);

		if (r->is_cred)
			sink->cred(sink->arg, &r->uuid, r->blob, r->len);
	}
	return 0;
}

/* Power is cut: what is under way is lost, and nobody is told. */
void
disk_cut(void)
{
	while (!list_is_empty(&writes)) {
		struct write *w = container_of(writes.next, struct write, link);

		timers_unset(play_timers(), &w->timer);
		list_remove(&w->link);
		free(w->row);
		free(w);
	}
}

/* An orderly end: everything is written, those who wait are gone. */
void
disk_flush(void)
{
	while (!list_is_empty(&writes)) {
		struct write *w = container_of(writes.next, struct write, link);

		timers_unset(play_timers(), &w->timer);
		w->done = NULL;
		w->tried_again = false;
		on_written(&w->timer);
	}
}

void
disk_clear(void)
{
	rows_clear(false);
}

bool
disk_has_cred(const struct uuid *uuid)
{
	return row_find(true, uuid, "") != NULL;
}

size_t
disk_cred(const struct uuid *uuid, uint8_t *buf)
{
	const struct row *r = row_find(true, uuid, "");

	if (r == NULL)
		return 0;
	memcpy(buf, r->blob, r->len);
	return r->len;
}

void
disk_put_cred(const struct uuid *uuid, const void *blob, size_t len)
{
	struct row *r = row_new(blob, len);

	r->is_cred = true;
	r->uuid = *uuid;
	row_put(r);
	free(r);
}

void
disk_put_value(const char *key, const void *blob, size_t len)
{
	struct row *r = row_new(blob, len);

	snprintf(r->key, sizeof(r->key), "%s", key);
	row_put(r);
	free(r);
}

bool
disk_has_value(const char *key)
{
	return row_find(false, NULL, key) != NULL;
}
