/* SPDX-License-Identifier: MPL-2.0 */
/*
 * A map that wants to hurt: every byte changed, every length, chains in circles, bytes that
 * change during the read. The mapping ends at a page that may not be touched, or is a heap
 * block of exactly the file's size where a sanitizer watches the first byte beyond. The
 * small maps here are made with the writer's own parts.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/unixd/publish/gen_file.h"
#include "src/unixd/publish/record.h"
#include "unit/src/map/fixture.h"

#define LATER (FIXTURE_START + 800)

static bool exact; /* readers get a copy that ends where nothing may be read */
static uint8_t *block;
static size_t block_len;
static uint32_t *changing; /* becomes 0 when so many numbers were judged */
static unsigned change_after;
static unsigned judged;

void *__real_mmap64(void *at, size_t len, int prot, int flags, int fd, off_t off);
void *__wrap_mmap64(void *at, size_t len, int prot, int flags, int fd, off_t off);
bool __real_ids_is_allowed(uint32_t id);
bool __wrap_ids_is_allowed(uint32_t id);
int __real_munmap(void *at, size_t len);
int __wrap_munmap(void *at, size_t len);

#ifdef __SANITIZE_ADDRESS__
static uint8_t *
block_new(size_t len)
{
	return malloc(len);
}

static void
block_free(void)
{
	free(block);
}
#else
#define ROOM 65536u

/* Pages, the last of which may not be touched. */
static uint8_t *
block_new(size_t len)
{
	static uint8_t *room;
	const size_t page = 4096;

	if (room == NULL) {
		room = __real_mmap64(NULL, ROOM + page, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (room == MAP_FAILED || mprotect(room + ROOM, page, PROT_NONE) != 0)
			return NULL;
	}
	len = (len + 7) & ~(size_t)7;
	return len <= ROOM ? room + ROOM - len : NULL;
}

static void
block_free(void)
{
}
#endif

void *
__wrap_mmap64(void *at, size_t len, int prot, int flags, int fd, off_t off)
{
	if (!exact || fd < 0)
		return __real_mmap64(at, len, prot, flags, fd, off);
	assert_null(block);
	block = block_new(len);
	block_len = len;
	assert_non_null(block);
	assert_int_equal(pread(fd, block, len, 0), (ssize_t)len);
	return block;
}

bool
__wrap_ids_is_allowed(uint32_t id)
{
	bool allowed = __real_ids_is_allowed(id);

	if (changing != NULL && ++judged == change_after)
		*changing = 0;
	return allowed;
}

int
__wrap_munmap(void *at, size_t len)
{
	if (at == NULL || at != block)
		return __real_munmap(at, len);
	assert_int_equal(len, block_len);
	block_free();
	block = NULL;
	return 0;
}

static uint8_t image[8192];
static size_t image_len;

static void
put_header(struct gen *g)
{
	gen_store(g, 0, KU_MAP_H_GENERATION, 7);
	gen_store(g, 0, KU_MAP_H_MAX_TTL, 900);
	gen_store(g, 0, KU_MAP_H_OFFLINE, 3600);
	gen_store(g, 0, KU_MAP_H_DOMAIN_LEN, 11);
	memcpy(g->base + (size_t)KU_MAP_H_DOMAIN * 4, "own.example", 11);
	gen_store(g, 0, KU_MAP_H_LEASE, FIXTURE_START + KU_MAP_LEASE);
}

static void
put_entries(struct gen *g)
{
	const char *user_keys[] = { "alice", "alice@trust.example" },
		   *group_key = "staff";
	const char *members[] = { "alice", "bob" };
	uint32_t gids[] = { 5001, 5002, 5003 };
	struct passwd_view u = { 5000, 5000, "alice", "A", "/home/a", "/bin/sh", 3, gids,
		false };
	struct group_view gr = { 6000, "staff", 2, members };
	struct record_buf rec = { 0 }, keys = { 0 };

	assert_true(gen_put_local(g, KU_MAP_USER, "root", 0));
	record_keys(&keys, user_keys, 2, "own.example");
	assert_true(record_user(&rec, &u, &keys));
	assert_true(gen_put(g, rec.data, LATER));
	record_keys(&keys, &group_key, 1, "own.example");
	assert_true(record_group(&rec, &gr, &keys));
	assert_true(gen_put(g, rec.data, LATER));
	gen_store(g, 0, KU_MAP_H_BASE_END, g->used);
	assert_true(gen_put_negative(g, KU_MAP_USER, "zed", 0, LATER));
	assert_true(gen_put_negative(g, KU_MAP_GROUP, NULL, 9, LATER));
	/* A second version, so that there is a superseded one. */
	u.gecos = "B";
	record_keys(&keys, user_keys, 2, "own.example");
	assert_true(record_user(&rec, &u, &keys));
	assert_true(gen_put(g, rec.data, LATER));
	record_buf_free(&rec);
	record_buf_free(&keys);
}

/* A map of less than two kilobytes, full to the last byte. */
static int
setup(void **state)
{
	struct gen_layout layout = { .n_heads = { 3, 3, 3, 3 }, .area = 704 };
	struct gen_file file;
	struct gen g;
	FILE *fp;
	struct fixture *f;

	if (fixture_setup(state) != 0)
		return -1;
	f = *state;
	assert_int_equal(gen_file_create(&file, &g, f->path, &layout), 0);
	assert_int_equal(gen_file_fill(&file, &g, INT64_MAX), 1);
	assert_int_equal(gen_file_map(&file, &g), 0);
	put_header(&g);
	put_entries(&g);
	gen_file_unmap(&g);
	fp = fopen(f->path, "r");
	assert_non_null(fp);
	image_len = fread(image, 1, sizeof(image), fp);
	(void)fclose(fp);
	assert_true(image_len > 1000 && image_len < 2000);
	exact = true;
	return 0;
}

static int
teardown(void **state)
{
	exact = false;
	return fixture_teardown(state);
}

static void
write_image(struct fixture *f, const uint8_t *bytes, size_t len)
{
	int fd = open(f->path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	assert_int_equal(ftruncate(fd, (off_t)len), 0);
	(void)close(fd);
}

static int
count_gid(void *arg, uint32_t gid)
{
	*(uint32_t *)arg += gid;
	return 0;
}

static unsigned
enumerate(struct map *m)
{
	uint64_t users = 0, groups = 0;
	static char buf[65536];
	struct passwd pw;
	struct group gr;
	unsigned n = 0;

	while (n < 1000 && map_passwd_next(m, &users, &pw, buf, sizeof(buf)) == MAP_HIT)
		n++;
	while (n < 1000 && map_group_next(m, &groups, &gr, buf, sizeof(buf)) == MAP_HIT)
		n++;
	map_enum_end(m, &users);
	map_enum_end(m, &groups);
	return n;
}

/* Asks for everything that could be there. Whatever is answered may be wrong; a user is
 * never a system account. */
static unsigned
ask_all(struct map *m)
{
	static const char *const names[] = { "alice", "alice@trust.example",
		"alice@own.example", "root", "zed", "staff", "nobody-here" };
	uint32_t sum = 0;
	unsigned hits = 0, n;
	int stop;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct name parsed;

		if (ask_user(m, names[i]) == MAP_HIT) {
			assert_true(asked_pw.pw_uid >= 1000 && asked_pw.pw_gid >= 1000);
			(void)strlen(asked_pw.pw_shell);
			hits++;
		}
		if (ask_group(m, names[i]) == MAP_HIT)
			for (char **at = asked_gr.gr_mem; *at != NULL; at++)
				hits += strlen(*at) < 100000;
		assert_int_equal(name_parse(names[i], strlen(names[i]), &parsed), 0);
		(void)map_initgroups(m, &parsed, 0, count_gid, &sum, &stop);
	}
	hits += ask_uid(m, 5000) == MAP_HIT;
	hits += ask_gid(m, 6000) == MAP_HIT;
	(void)ask_gid(m, 9);
	(void)ask_uid(m, 0);
	n = enumerate(m);
	assert_true(n < 1000);
	return hits + n;
}

static unsigned
ask_fresh(struct fixture *f)
{
	unsigned hits;

	f->m = (struct map)MAP_INIT(f->path);
	hits = ask_all(&f->m);
	map_close(&f->m);
	assert_null(block);
	return hits;
}

static void
the_small_map_itself_is_whole(void **state)
{
	struct fixture *f = *state;

	/* 3 names of alice, 2 members of staff, two ids, two enumerated */
	assert_int_equal(ask_fresh(f), 9);
}

/* Under a sanitizer each one costs a multiple; the values that are ends of ranges stay. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define VALUE_STEP 15u
#else
#define VALUE_STEP 1u
#endif

/* Header, heads, and an entry of each kind: the map holds nothing else. */
static void
every_byte_of_it_may_be_anything(void **state)
{
	struct fixture *f = *state;
	int fd = open(f->path, O_WRONLY | O_CLOEXEC);
	unsigned files = 0;

	assert_true(fd >= 0);
	for (size_t at = 0; at < image_len; at++) {
		for (unsigned value = 0; value < 256; value += VALUE_STEP) {
			uint8_t byte = (uint8_t)value;

			assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
			(void)ask_fresh(f);
			files++;
		}
		assert_int_equal(pwrite(fd, image + at, 1, (off_t)at), 1);
	}
	(void)close(fd);
	print_message("%u files of %zu bytes\n", files, image_len);
}

/* The same entries, at the end of a file of any size. */
static void
every_size_up_to_several_pages_is_survived(void **state)
{
	struct fixture *f = *state;
	static uint8_t longer[KU_MAP_HEADER_LEN + 3 * 4096 + 8];
	unsigned hits;

	for (uint32_t len = 0; len <= sizeof(longer); len++) {
		uint32_t had = len < image_len ? len : (uint32_t)image_len;

		memset(longer, 0, len);
		memcpy(longer, image, had);
		if (len >= KU_MAP_HEADER_LEN)
			memcpy(longer + (size_t)KU_MAP_H_LEN * 4, &len, 4);
		write_image(f, longer, len);
		hits = ask_fresh(f);
		if (len >= image_len)
			assert_int_equal(hits, 9);
	}
}

static void
every_length_before_it_is_opened_is_a_miss(void **state)
{
	struct fixture *f = *state;
	uint8_t longer[sizeof(image)];

	for (size_t len = 0; len < image_len; len++) {
		write_image(f, image, len);
		assert_int_equal(ask_fresh(f), 0);
	}
	memcpy(longer, image, image_len);
	memset(longer + image_len, 0, 8);
	write_image(f, longer, image_len + 8);
	assert_int_equal(ask_fresh(f), 0);
	/* Shorter, and lying about it: whatever is beyond is no part of it. */
	for (uint32_t len = KU_MAP_HEADER_LEN; len < image_len; len += 4) {
		memcpy(longer, image, len);
		memcpy(longer + (size_t)KU_MAP_H_LEN * 4, &len, 4);
		memcpy(longer + (size_t)KU_MAP_H_BASE_END * 4, &len, 4);
		write_image(f, longer, len);
		(void)ask_fresh(f);
	}
}

static void
random_words_are_survived(void **state)
{
	struct fixture *f = *state;
	uint8_t copy[sizeof(image)];

	srandom(20240607);
	for (int round = 0; round < 6000; round++) {
		memcpy(copy, image, image_len);
		for (int n = (int)(random() % 6) + 1; n > 0; n--) {
			size_t at = (size_t)random() % (image_len / 4) * 4;
			uint32_t value = (uint32_t)random();

			/* Small multiples of 8 are where it hurts: they look like offsets. */
			if (random() % 2 == 0)
				value = value % (uint32_t)image_len & ~7u;
			memcpy(copy + at, &value, 4);
		}
		write_image(f, copy, image_len);
		(void)ask_fresh(f);
	}
}

static uint32_t
word_of(const uint8_t *bytes, uint32_t off, unsigned word)
{
	uint32_t value;

	memcpy(&value, bytes + off + (size_t)word * 4, 4);
	return value;
}

static void
set_word(uint8_t *bytes, uint32_t off, unsigned word, uint32_t value)
{
	memcpy(bytes + off + (size_t)word * 4, &value, 4);
}

static void
a_list_without_an_end_ends_where_it_is_said_to(void **state)
{
	struct fixture *f = *state;
	uint8_t copy[sizeof(image)];
	uint8_t *last;

	memcpy(copy, image, image_len);
	last = memmem(copy, image_len, "alice\0bob", sizeof("alice\0bob"));
	assert_non_null(last);
	last[sizeof("alice\0bob") - 1] = 'X';
	write_image(f, copy, image_len);
	f->m = (struct map)MAP_INIT(f->path);
	assert_int_equal(ask_gid(&f->m, 6000), MAP_HIT);
	assert_string_equal(asked_gr.gr_mem[0], "alice");
	assert_string_equal(asked_gr.gr_mem[1], "bob");
	assert_null(asked_gr.gr_mem[2]);
	map_close(&f->m);
}

static void
chains_that_do_not_go_down_end(void **state)
{
	struct fixture *f = *state;
	uint8_t copy[sizeof(image)];
	uint32_t data = word_of(image, 0, KU_MAP_H_DATA);
	uint32_t used = word_of(image, 0, KU_MAP_H_USED);

	/* Each entry points to itself, to the last one, and to each other. */
	for (uint32_t target = 0; target < used; target += 8) {
		memcpy(copy, image, image_len);
		for (uint32_t at = data; at < used;
		     at += word_of(image, at, 0) & ~KU_MAP_KIND_MASK) {
			set_word(copy, at, KU_MAP_E_NEXT_NAME, target == 0 ? at : target);
			set_word(copy, at, KU_MAP_E_NEXT_ID, target == 0 ? at : target);
		}
		write_image(f, copy, image_len);
		(void)ask_fresh(f);
	}
}

static void
an_enumeration_cannot_be_led_in_a_circle(void **state)
{
	struct fixture *f = *state;
	uint8_t copy[sizeof(image)];
	uint32_t data = word_of(image, 0, KU_MAP_H_DATA);
	uint32_t used = word_of(image, 0, KU_MAP_H_USED);

	/* Every entry says that it, or another one, is the first of its id. */
	for (uint32_t first = 0; first < used; first += 8) {
		memcpy(copy, image, image_len);
		for (uint32_t at = data; at < used;
		     at += word_of(image, at, 0) & ~KU_MAP_KIND_MASK)
			set_word(copy, at, KU_MAP_E_FIRST, first == 0 ? at : first);
		write_image(f, copy, image_len);
		(void)ask_fresh(f);
	}
}

/* The entry of alice that counts. */
static uint32_t *
words_of_alice(void)
{
	uint32_t at = word_of(block, 0, KU_MAP_H_DATA);

	while (word_of(block, at, KU_MAP_E_ID) != 5000 ||
	    word_of(block, at, KU_MAP_E_SUPERSEDED) != 0)
		at += word_of(block, at, KU_MAP_E_SIZE_KIND) & ~KU_MAP_KIND_MASK;
	return (uint32_t *)(void *)(block + at);
}

static void
what_was_judged_is_not_loaded_again(void **state)
{
	static const unsigned words[] = { KU_MAP_E_ID, KU_MAP_U_GID };
	struct fixture *f = *state;

	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	assert_non_null(block);
	for (unsigned i = 0; i < 2; i++) {
		for (change_after = 1; change_after <= 4; change_after++) {
			changing = words_of_alice() + words[i];
			judged = 0;
			if (ask_user(&f->m, "alice") == MAP_HIT) {
				assert_true(asked_pw.pw_uid >= 1000);
				assert_true(asked_pw.pw_gid >= 1000);
			}
			assert_true(judged >= change_after);
			memcpy(block, image, image_len);
		}
	}
	changing = NULL;
}

#ifndef __SANITIZE_THREAD__
static bool stop_scribbling;

static void *
scribble(void *arg)
{
	uint32_t *words = (uint32_t *)(void *)block;
	uint32_t seed = 1, n = (uint32_t)(image_len / 4);

	(void)arg;
	while (!__atomic_load_n(&stop_scribbling, __ATOMIC_RELAXED)) {
		uint32_t at, value;

		seed = seed * 1664525u + 1013904223u;
		at = (seed >> 8) % n;
		value = (seed >> 5) % 3 == 0 ? seed : word_of(image, 0, at);
		/* Not the state: then nothing would be read any more. */
		if (at != KU_MAP_H_STATE)
			__atomic_store_n(words + at, value, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void
bytes_that_change_during_the_read_are_survived(void **state)
{
	struct fixture *f = *state;
	pthread_t thread;

	assert_int_equal(ask_user(&f->m, "alice"), MAP_HIT);
	assert_non_null(block);
	stop_scribbling = false;
	assert_int_equal(pthread_create(&thread, NULL, scribble, NULL), 0);
	for (int i = 0; i < 5000; i++)
		(void)ask_all(&f->m);
	__atomic_store_n(&stop_scribbling, true, __ATOMIC_RELAXED);
	assert_int_equal(pthread_join(thread, NULL), 0);
}
#endif

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_small_map_itself_is_whole),
		T(every_byte_of_it_may_be_anything),
		T(every_size_up_to_several_pages_is_survived),
		T(every_length_before_it_is_opened_is_a_miss),
		T(random_words_are_survived),
		T(a_list_without_an_end_ends_where_it_is_said_to),
		T(chains_that_do_not_go_down_end),
		T(an_enumeration_cannot_be_led_in_a_circle),
		T(what_was_judged_is_not_loaded_again),
#ifndef __SANITIZE_THREAD__
		T(bytes_that_change_during_the_read_are_survived),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
