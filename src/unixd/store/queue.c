/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The queue of changes. It holds one per row, so however long the disk is slow or full it
 * cannot grow beyond what the daemon knows anyway.
 *
 * A batch that failed comes back. Then what is newer wins; and of a credential somebody has
 * been told about nothing comes back but the deletion it had taken the place of: a password
 * that was to be forgotten must not return because writing the next one failed.
 */
#include "src/unixd/store/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/util.h"
#include "src/prog/xalloc.h"

static uint64_t
key_hash(enum op_kind kind, const struct uuid *uuid, const char *key)
{
	uint8_t all[1 + sizeof(uuid->b) + OP_KEY_MAX + 1];
	size_t len = strlen(key);

	all[0] = (uint8_t)kind;
	memcpy(all + 1, uuid->b, sizeof(uuid->b));
	memcpy(all + 1 + sizeof(uuid->b), key, len);
	return hmap_hash(all, 1 + sizeof(uuid->b) + len);
}

static struct op *
find(const struct queue *q, enum op_kind kind, const struct uuid *uuid, const char *key)
{
	struct hmap_node *n = hmap_first(&q->by_key, key_hash(kind, uuid, key));

	for (; n != NULL; n = hmap_same(n)) {
		struct op *op = container_of(n, struct op, node);

		if (op->kind == kind && uuid_equal(&op->uuid, uuid) &&
		    streq(op->key, key))
			return op;
	}
	return NULL;
}

static bool
is_secret(enum op_kind kind)
{
	return kind == OP_CRED || kind == OP_VALUE;
}

static void
op_free(struct op *op)
{
	free(op->blob);
	free(op);
}

static void
drop(struct queue *q, struct op *op)
{
	hmap_remove(&q->by_key, &op->node);
	list_remove(&op->link);
	op_free(op);
}

static void
enqueue(struct queue *q, struct op *op)
{
	hmap_insert(&q->by_key, &op->node, key_hash(op->kind, &op->uuid, op->key));
	list_append(is_secret(op->kind) ? &q->secrets : &q->ops, &op->link);
}

static void
free_ops(struct list *ops)
{
	struct list *it;
	struct list *tmp;

	list_for_each_safe(it, tmp, ops)
		op_free(container_of(it, struct op, link));
	list_init(ops);
}

void
queue_init(struct queue *q)
{
	hmap_init(&q->by_key);
	list_init(&q->ops);
	list_init(&q->secrets);
	q->clear = false;
	q->clear_creds = false;
}

void
queue_deinit(struct queue *q)
{
	hmap_deinit(&q->by_key);
	free_ops(&q->ops);
	free_ops(&q->secrets);
}

bool
queue_has_names(const struct queue *q)
{
	return !list_is_empty(&q->ops) || q->clear;
}

bool
queue_has_secrets(const struct queue *q)
{
	return !list_is_empty(&q->secrets) || q->clear_creds;
}

void
queue_put(struct queue *q, enum op_kind kind, const char *key, const struct op *values)
{
	struct op *op = find(q, kind, &values->uuid, key == NULL ? "" : key);

	if (op == NULL) {
		op = xcalloc(1, sizeof(*op));
		op->kind = kind;
		op->uuid = values->uuid;
		(void)snprintf(op->key, sizeof(op->key), "%s", key == NULL ? "" : key);
		enqueue(q, op);
	} else {
		op->over_delete |= op->blob == NULL;
	}
	free(op->blob);
	op->id = values->id;
	op->pending = values->pending;
	op->wall_s = values->wall_s;
	op->blob = values->blob;
	op->len = values->len;
	op->told = values->told;
	op->locks = values->locks;
}

void
queue_clear(struct queue *q)
{
	struct list *it;
	struct list *tmp;

	list_for_each_safe(it, tmp, &q->ops) {
		struct op *op = container_of(it, struct op, link);

		if (op->kind != OP_ID)
			drop(q, op);
	}
	q->clear = true;
}

void
queue_clear_creds(struct queue *q)
{
	struct list *it;
	struct list *tmp;

	list_for_each_safe(it, tmp, &q->secrets) {
		struct op *op = container_of(it, struct op, link);

		if (op->kind == OP_CRED)
			drop(q, op);
	}
	q->clear_creds = true;
}

/* What must not come back with the power: a number that changed hands, somebody who is gone
 * or locked out. */
static bool
must_last(const struct op *op)
{
	return op->kind == OP_ID || op->blob == NULL || op->locks;
}

void
queue_take(struct queue *q, struct write_set *ret_set)
{
	struct write_set *set = ret_set;
	struct list *it;

	list_init(&set->ops);
	list_init(&set->secrets);
	list_move_all(&set->ops, &q->ops);
	list_move_all(&set->secrets, &q->secrets);
	set->durable = q->clear;
	list_for_each(it, &set->ops)
		set->durable |= must_last(container_of(it, struct op, link));
	set->clear = q->clear;
	set->clear_creds = q->clear_creds;
	hmap_deinit(&q->by_key);
	queue_init(q);
}

void
queue_give_back_names(struct queue *q, struct write_set *set)
{
	struct list newer;
	struct list *it;
	struct list *tmp;

	list_init(&newer);
	list_move_all(&newer, &q->ops);
	list_for_each_safe(it, tmp, &set->ops) {
		struct op *op = container_of(it, struct op, link);

		list_remove(&op->link);
		if (find(q, op->kind, &op->uuid, op->key) != NULL ||
		    (q->clear && op->kind != OP_ID))
			op_free(op);
		else
			enqueue(q, op);
	}
	list_move_all(&q->ops, &newer);
	q->clear |= set->clear;
}

/* What is left to do of a change that failed; false: nothing. */
static bool
still_wanted(const struct queue *q, struct op *op)
{
	struct op *newer = find(q, op->kind, &op->uuid, op->key);
	bool deletes = op->blob == NULL || op->over_delete;

	if (newer != NULL) {
		newer->over_delete |= deletes;
		return false;
	}
	if (q->clear_creds && op->kind == OP_CRED)
		return false;
	if (!op->told)
		return true;
	free(TAKE_PTR(op->blob));
	op->told = false;
	return deletes;
}

void
queue_give_back_secrets(struct queue *q, struct write_set *set)
{
	struct list newer;
	struct list *it;
	struct list *tmp;

	list_init(&newer);
	list_move_all(&newer, &q->secrets);
	list_for_each_safe(it, tmp, &set->secrets) {
		struct op *op = container_of(it, struct op, link);

		list_remove(&op->link);
		if (still_wanted(q, op))
			enqueue(q, op);
		else
			op_free(op);
	}
	list_move_all(&q->secrets, &newer);
	q->clear_creds |= set->clear_creds;
}

void
write_set_free_ops(struct write_set *set)
{
	free_ops(&set->ops);
	free_ops(&set->secrets);
}
