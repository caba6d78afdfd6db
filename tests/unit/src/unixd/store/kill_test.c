/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A child writes and says what is committed; it is killed in the midst of writing. What it
 * had said must be there, and the file must open without a complaint.
 */
#include <signal.h>
#include <sys/wait.h>

#include "unit/src/unixd/store/kit.h"

#define ROUNDS     20u
#define PER_ROUND  2000u
#define MAX_PEOPLE (ROUNDS * PER_ROUND)

struct writer {
	struct kit kit;
	int fd;
	uint32_t next;
	uint32_t committed; /* all before this one, once the flush in hand answers */
};

static void
say_and_go_on(void *arg)
{
	struct writer *w = arg;
	uint32_t batch = w->next % 7 + 1;

	if (write(w->fd, &w->committed, sizeof(w->committed)) != sizeof(w->committed))
		_exit(1);
	for (uint32_t i = 0; i < batch; i++)
		kit_put_user(&w->kit, w->next++, 1);
	w->committed = w->next;
	store_flush(w->kit.store, say_and_go_on, w);
}

static _Noreturn void
child(const struct kit *k, int fd, uint32_t first)
{
	struct writer w = { .kit = *k, .fd = fd, .next = first, .committed = first };

	w.kit.loop = NULL;
	if (loop_new(&w.kit.loop) < 0 ||
	    store_open(w.kit.loop, w.kit.path, &w.kit.store, &w.kit.note) < 0 ||
	    w.kit.note != NULL)
		_exit(2);
	say_and_go_on(&w);
	while (w.next < first + PER_ROUND - 8)
		if (loop_turn(w.kit.loop, 1000) < 0)
			_exit(3);
	_exit(0);
}

/* Runs a child, kills it after `answers` of its answers; the last one it gave. */
static uint32_t
run_and_kill(const struct kit *k, uint32_t first, unsigned answers)
{
	uint32_t committed = first;
	int status;
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(fds[0]);
		child(k, fds[1], first);
	}
	(void)close(fds[1]);
	for (unsigned i = 0; i < answers; i++)
		if (read(fds[0], &committed, sizeof(committed)) != sizeof(committed))
			break;
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* A child that ended by itself complained about something, or was done. */
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	/* What it said before the signal came counts as well. */
	while (read(fds[0], &committed, sizeof(committed)) == sizeof(committed))
		;
	(void)close(fds[0]);
	return committed;
}

static void
what_was_committed_survives_a_kill_at_any_moment(void **state)
{
	struct kit *k = *state;
	bool *seen = calloc(MAX_PEOPLE, sizeof(*seen));
	uint32_t upto[ROUNDS];
	unsigned total = 0;

	srand(20240607);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		struct loaded l = { .seen = seen };

		upto[round] = run_and_kill(k, round * PER_ROUND,
		    1 + (unsigned)rand() % 40u);
		kit_open(k);
		assert_null(k->note);
		memset(seen, 0, MAX_PEOPLE * sizeof(*seen));
		assert_int_equal(kit_load(k, &l), 0);
		assert_null(store_note(k->store));
		for (uint32_t r = 0; r <= round; r++)
			for (uint32_t n = r * PER_ROUND; n < upto[r]; n++)
				assert_true(seen[n]);
		total = l.users;
		kit_close(k);
	}
	print_message("%u people after %u kills\n", total, ROUNDS);
	assert_true(total > ROUNDS);
	free(seen);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(what_was_committed_survives_a_kill_at_any_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
