/* SPDX-License-Identifier: MPL-2.0 */
/* What is to be written: at most one change per row, the latest. Internal to this folder. */
#pragma once

#include <stdbool.h>

#include "src/unixd/core/hmap.h"
#include "src/unixd/core/list.h"
#include "src/unixd/store/db.h"

struct queue {
	struct hmap by_key;
	struct list ops;     /* names and ids, oldest first */
	struct list secrets; /* credentials and values, oldest first */
	bool clear;
	bool clear_creds;
};

void queue_init(struct queue *q);
void queue_deinit(struct queue *q);

bool queue_has_names(const struct queue *q);
bool queue_has_secrets(const struct queue *q);

/* Takes over values->blob; key, link and node of `values` do not count. `key` NULL: the
 * row is that of values->uuid. */
void queue_put(struct queue *q, enum op_kind kind, const char *key,
    const struct op *values);
/* Forgets what is queued for users and groups, or credentials, and has them all deleted. */
void queue_clear(struct queue *q);
void queue_clear_creds(struct queue *q);

/* Everything, as one batch. The queue is empty afterwards. */
void queue_take(struct queue *q, struct write_set *ret_set);
/* A half of a batch that could not be written: back into the queue, before what has come
 * since, except what is outdated by that and what somebody is told about. */
void queue_give_back_names(struct queue *q, struct write_set *set);
void queue_give_back_secrets(struct queue *q, struct write_set *set);

void write_set_free_ops(struct write_set *set);
