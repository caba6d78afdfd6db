/* SPDX-License-Identifier: MPL-2.0 */
/* Entries of users and groups as the bytes that go into a generation. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ku/map.h"
#include "src/unixd/model/view.h"

/* A growing buffer that is used again and again. */
struct record_buf {
	uint8_t *data;
	size_t len;
	size_t cap;
};

void record_buf_free(struct record_buf *b);

/*
 * Canonical keys as NUL-terminated strings one behind the other: what is no name is left
 * out, the own domain is taken off, each key is there once.
 */
void record_keys(struct record_buf *to, const char *const *keys, size_t n_keys,
    const char *own_domain);

/* The first key is the one the entry itself is found under, the others become aliases.
 * Chain words, freshness and `first` are zero. False when a field is too long for the
 * format. */
bool record_user(struct record_buf *to, const struct passwd_view *v,
    const struct record_buf *keys);
bool record_group(struct record_buf *to, const struct group_view *v,
    const struct record_buf *keys);

/* The same entry under other keys. */
bool record_rekey(struct record_buf *to, const uint8_t *rec,
    const struct record_buf *keys);
/* The keys of an entry, as record_keys() would make them for this domain. False: they are
 * what the entry has. */
bool record_keys_again(struct record_buf *to, const uint8_t *rec, const char *own_domain);

/* What an entry holds; these trust it, as only this program writes it. */
uint32_t record_word(const uint8_t *rec, unsigned word);
void record_set_word(uint8_t *rec, unsigned word, uint32_t value);
uint32_t record_size(const uint8_t *rec);
enum ku_map_kind record_kind(const uint8_t *rec);
const char *record_key(const uint8_t *rec, uint32_t *ret_len);
/* NUL-terminated strings that fill *ret_len bytes. */
const char *record_aliases(const uint8_t *rec, uint32_t *ret_len);
unsigned record_n_aliases(const uint8_t *rec);
/* Of an entry with this text. */
uint32_t record_text_entry_size(size_t text_len);
/* With the entries of its aliases. */
uint32_t record_total_size(const uint8_t *rec);

/* Same kind, id and contents; freshness and place in the file do not count. */
bool record_equal(const uint8_t *a, const uint8_t *b);
