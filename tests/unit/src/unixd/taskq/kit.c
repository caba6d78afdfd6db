/* SPDX-License-Identifier: MPL-2.0 */
/* See kit.h. */
#include "unit/src/unixd/taskq/kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/util.h"

struct kit kit;

int
kit_setup(void **state)
{
	(void)state;
	memset(&kit, 0, sizeof(kit));
	(void)snprintf(kit.dir, sizeof(kit.dir), "/tmp/ku-taskq-XXXXXX");
	if (mkdtemp(kit.dir) == NULL)
		return -1;
	(void)snprintf(kit.path, sizeof(kit.path), "%s/task_sock", kit.dir);
	assert_int_equal(loop_new(&kit.l), 0);
	assert_int_equal(loop_turn(kit.l, 0), 0);
	assert_int_equal(taskq_new(kit.l, kit.path, &kit.q), 0);
	return 0;
}

int
kit_teardown(void **state)
{
	(void)state;
	assert_null(taskq_free(kit.q));
	assert_null(loop_free(kit.l));
	assert_int_equal(access(kit.path, F_OK), -1);
	assert_int_equal(rmdir(kit.dir), 0);
	return 0;
}

void
kit_settle(void)
{
	for (int i = 0; i < 8; i++)
		assert_int_equal(loop_turn(kit.l, 0), 0);
}

/* As if so much time had passed, for the timers only. */
void
kit_pass(int64_t ms)
{
	struct timers *ts = loop_timers(kit.l);

	ts->now.mono_ns += ms * CLOCK_MS;
	timers_run(ts);
}

/* ---- tasks, played ---- */

int
kit_arrive(void)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			     0, sv),
	    0);
	peer_adopt(kit.q, sv[0]);
	return sv[1];
}

void
kit_say(int fd, uint16_t op, uint32_t serial, uint16_t status, const char *text)
{
	struct frame_header h = { .version = KU_WIRE_VERSION,
		.op = op,
		.serial = serial,
		.status = status };
	uint8_t frame[KU_WIRE_HEADER_LEN + KU_TASK_MAX_REPLY];
	struct enc e;

	enc_init(&e, frame + KU_WIRE_HEADER_LEN, KU_TASK_MAX_REPLY);
	enc_u32(&e, (uint32_t)strlen(text) + 1);
	enc_strz(&e, text);
	h.length = (uint32_t)e.len;
	frame_put(frame, &h);
	assert_int_equal(send(fd, frame, KU_WIRE_HEADER_LEN + e.len, MSG_NOSIGNAL),
	    KU_WIRE_HEADER_LEN + e.len);
	kit_settle();
}

/* One frame; false: nothing there (or the end). */
bool
kit_hear(int fd, struct heard *ret)
{
	uint8_t head[KU_WIRE_HEADER_LEN], body[KU_TASK_MAX_REQ];
	struct dec d;

	memset(ret, 0, sizeof(*ret));
	if (recv(fd, head, sizeof(head), 0) != sizeof(head))
		return false;
	assert_int_equal(frame_get(head, &ret->h), 0);
	assert_true(ret->h.length <= sizeof(body));
	if (ret->h.length == 0)
		return true;
	assert_int_equal(recv(fd, body, ret->h.length, 0), ret->h.length);
	dec_init(&d, body, ret->h.length);
	(void)dec_bytes(&d, 16);
	ret->uid = dec_u32(&d);
	(void)dec_u32(&d);
	(void)dec_u32(&d);
	(void)snprintf(ret->name, sizeof(ret->name), "%s", dec_strz(&d));
	return true;
}

/* Has it been hung up on? */
bool
kit_is_over(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_PEEK) == 0;
}

int
kit_greeted(void)
{
	struct heard got;
	int fd = kit_arrive();

	kit_say(fd, KU_OP_TASK_HELLO, 77, 0, "0.1.0");
	assert_true(kit_hear(fd, &got));
	assert_int_equal(got.h.op, KU_OP_TASK_HELLO);
	assert_int_equal(got.h.serial, 77);
	assert_int_equal(got.h.status, KU_ST_OK);
	assert_int_equal(got.h.length, 0);
	assert_true(taskq_is_connected(kit.q));
	return fd;
}

/* ---- askers ---- */

void
kit_on_answer(void *arg, enum taskq_result res, const char *text)
{
	struct asker *k = arg;

	k->answers++;
	k->res = res;
	(void)snprintf(k->text, sizeof(k->text), "%s", text);
	k->w = NULL;
}

struct asker *
kit_ask_for(size_t i, uint32_t uid, const char *name, int budget_ms)
{
	struct taskq_home home = { .uid = uid, .gid = uid, .name = name, .shown = name };
	struct asker *k = &kit.askers[i];
	struct taskq_waiter *waiter;
	char spn[100];

	(void)snprintf(spn, sizeof(spn), "%s@idm.example", name);
	home.spn = spn;
	memcpy(home.uuid.b, &uid, sizeof(uid));
	*k = (struct asker){ 0 };
	waiter = taskq_home(kit.q, &home, budget_ms, kit_on_answer, k);
	assert_true((waiter == NULL) == (k->answers == 1));
	k->w = waiter;
	return k;
}

void
kit_expect(const struct asker *k, enum taskq_result res, const char *text)
{
	assert_int_equal(k->answers, 1);
	assert_int_equal(k->res, res);
	assert_string_equal(k->text, text);
}

void
kit_on_pair(void *arg, const char *key, const char *value)
{
	struct hunt *h = arg;

	if (streq(h->key, key))
		(void)snprintf(h->value, sizeof(h->value), "%s", value);
}

const char *
kit_status(const char *key)
{
	static struct hunt h;

	h = (struct hunt){ .key = key };
	taskq_status(kit.q, kit_on_pair, &h);
	return h.value;
}
