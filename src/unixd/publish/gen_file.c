/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Every byte of the file is written, zeros included, before anybody can map it: a page that
 * tmpfs has not been made to keep could not be had later, and would be a SIGBUS in whatever
 * process touched it first. What the entries hold goes in through the mapping, into pages
 * that exist.
 */
#include "src/unixd/publish/gen_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/deadline.h"

#define BLOCK 65536u

/* Not constant: constants are bytes of the program. */
static uint8_t zeros[BLOCK];

static int
lay_out(struct gen *g, const struct gen_layout *layout)
{
	uint64_t len = KU_MAP_HEADER_LEN;

	*g = (struct gen){ 0 };
	for (unsigned i = 0; i < KU_MAP_N_TABLES; i++) {
		g->heads[i] = (uint32_t)len;
		g->n_heads[i] = layout->n_heads[i];
		len += (uint64_t)layout->n_heads[i] * 4;
		if (len > UINT32_MAX / 2)
			return -EFBIG;
	}
	len = (len + KU_MAP_ALIGN - 1) & ~(uint64_t)(KU_MAP_ALIGN - 1);
	g->data = (uint32_t)len;
	g->used = g->data;
	len += layout->area;
	if (len > UINT32_MAX - KU_MAP_ALIGN)
		return -EFBIG;
	g->len = (uint32_t)len;
	return 0;
}

int
gen_file_create(struct gen_file *f, struct gen *g, const char *tmp,
    const struct gen_layout *layout)
{
	int r = lay_out(g, layout);

	*f = (struct gen_file){ .fd = -1 };
	if (r != 0)
		return r;
	if (unlink(tmp) != 0 && errno != ENOENT)
		return -errno;
	f->fd = open(tmp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return f->fd < 0 ? -errno : 0;
}

int
gen_file_fill(struct gen_file *f, const struct gen *g, int64_t until_ns)
{
	while (f->written < g->len) {
		uint32_t n = g->len - f->written < BLOCK ? g->len - f->written : BLOCK;
		ssize_t done = write(f->fd, zeros, n);

		if (done < 0 && errno != EINTR)
			return -errno;
		if (done == 0)
			return -ENOSPC;
		if (done > 0)
			f->written += (uint32_t)done;
		if (clock_mono_ns() >= until_ns && f->written < g->len)
			return 0;
	}
	return 1;
}

static void
put64(struct gen *g, unsigned word, uint64_t value)
{
	gen_store(g, 0, word, (uint32_t)value);
	gen_store(g, 0, word + 1, (uint32_t)(value >> 32));
}

static int
write_header(struct gen *g)
{
	uint64_t seed[2];

	if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		return -EIO;
	g->key = (struct siphash_key){ seed[0], seed[1] };
	put64(g, KU_MAP_H_SEED, seed[0]);
	put64(g, KU_MAP_H_SEED + 2, seed[1]);
	gen_store(g, 0, KU_MAP_H_MAGIC_LO, KU_MAP_MAGIC_LO);
	gen_store(g, 0, KU_MAP_H_MAGIC_HI, KU_MAP_MAGIC_HI);
	gen_store(g, 0, KU_MAP_H_VERSION, KU_MAP_VERSION);
	gen_store(g, 0, KU_MAP_H_LEN, g->len);
	for (unsigned i = 0; i < KU_MAP_N_TABLES; i++) {
		gen_store(g, 0, KU_MAP_H_TABLES + 2 * i, g->heads[i]);
		gen_store(g, 0, KU_MAP_H_TABLES + 2 * i + 1, g->n_heads[i]);
	}
	gen_store(g, 0, KU_MAP_H_DATA, g->data);
	gen_store(g, 0, KU_MAP_H_BASE_END, g->data);
	gen_store(g, 0, KU_MAP_H_USED, g->used);
	gen_store(g, 0, KU_MAP_H_STATE, KU_MAP_LIVE);
	return 0;
}

int
gen_file_map(struct gen_file *f, struct gen *g)
{
	struct stat st;
	void *base;

	if (fstat(f->fd, &st) != 0 || fchmod(f->fd, 0644) != 0)
		return -errno;
	base = mmap(NULL, g->len, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	(void)close(f->fd);
	f->fd = -1;
	g->base = base;
	g->dev = (uint64_t)st.st_dev;
	g->ino = (uint64_t)st.st_ino;
	g->file_len = g->len;
	return write_header(g);
}

static int
check_and_map(struct gen *g, int fd)
{
	uint32_t w[KU_MAP_H_LEN + 1];
	struct stat st;
	void *base;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size < KU_MAP_HEADER_LEN ||
	    pread(fd, w, sizeof(w), 0) != (ssize_t)sizeof(w) ||
	    w[KU_MAP_H_MAGIC_LO] != KU_MAP_MAGIC_LO ||
	    w[KU_MAP_H_MAGIC_HI] != KU_MAP_MAGIC_HI)
		return -EINVAL;
	base = mmap(NULL, KU_MAP_HEADER_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	*g = (struct gen){ .base = base, .len = KU_MAP_HEADER_LEN };
	g->dev = (uint64_t)st.st_dev;
	g->ino = (uint64_t)st.st_ino;
	g->file_len = (uint64_t)st.st_size;
	return 0;
}

int
gen_file_adopt(struct gen *g, const char *path)
{
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	int r;

	*g = (struct gen){ 0 };
	if (fd < 0)
		return -errno;
	r = check_and_map(g, fd);
	(void)close(fd);
	return r;
}

void
gen_file_unmap(struct gen *g)
{
	if (g->base != NULL)
		(void)munmap(g->base, g->len);
	*g = (struct gen){ 0 };
}
