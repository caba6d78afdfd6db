/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The published map, nss.map: the one definition for its writer (src/unixd/publish) and its
 * reader (src/map). docs/map-format.md has it byte by byte, with the reasons.
 *
 * One file is one generation: made at its final size, written completely, renamed into
 * place, never grown or truncated. Everything is an aligned u32 in the host's byte order
 * (the magic tells), so that no reader needs a 64-bit atomic and 32-bit programs of a 64-bit
 * host see the same layout; 64-bit values are two words, low one first.
 *
 *	header	 KU_MAP_HEADER_LEN bytes
 *	tables	 four arrays of u32 heads: an offset of the newest entry, or 0
 *	data	 entries, 8-aligned, appended
 *
 * Words that change after the file is visible: KU_MAP_H_STATE, _LEASE, _FLOOR, _USED and
 * the two identities in the header; the heads; KU_MAP_E_FRESH and KU_MAP_E_SUPERSEDED of an
 * entry. An entry is complete before a head points to it (release; readers acquire), and
 * each `next` is smaller than the offset of the entry it is in.
 *
 * Magic, version, generation and state keep their places in every version, so that the
 * daemon of one version can take back the file of another.
 */
#pragma once

#include <stdint.h>

#define KU_MAP_MAGIC_LO   0x534e554bu /* "KUNS" in a little-endian file */
#define KU_MAP_MAGIC_HI   0x3150414du /* "MAP1" */
#define KU_MAP_VERSION    1u
#define KU_MAP_HEADER_LEN 512u

/* Header words: index of the u32 in the header. */
enum ku_map_header_word {
	KU_MAP_H_MAGIC_LO = 0,
	KU_MAP_H_MAGIC_HI = 1,
	KU_MAP_H_VERSION = 2,
	KU_MAP_H_LEN = 3,        /* of the file */
	KU_MAP_H_GENERATION = 4, /* the file before had one less */
	KU_MAP_H_SEED = 5,       /* 4 words: the SipHash-1-3 key k0, k1 */
	KU_MAP_H_TABLES = 9,     /* 4 x { offset, number of heads } */
	KU_MAP_H_DATA = 17,      /* where the data area begins */
	KU_MAP_H_BASE_END = 18,  /* entries before it are in order of kind and id */
	KU_MAP_H_MAX_TTL = 19,   /* seconds; a time further ahead counts as past */
	KU_MAP_H_OFFLINE = 20,   /* seconds a map serves after its lease; 0: no limit */
	KU_MAP_H_DOMAIN_LEN = 21,
	KU_MAP_H_STATE = 24, /* from here to _IDENT + 16 words may change */
	KU_MAP_H_LEASE = 25, /* CLOCK_BOOTTIME seconds, as all times here */
	KU_MAP_H_FLOOR = 26, /* every record is fresh at least until then */
	KU_MAP_H_USED = 27,  /* offset behind the last complete entry */
	KU_MAP_H_IDENT = 32, /* 2 x 8 words: /etc/passwd, /etc/group as read */
	KU_MAP_H_DOMAIN = 48 /* the own domain, KU_MAP_H_DOMAIN_LEN bytes, no NUL */
};

/* Words of one identity: dev, ino, size, mtime in ns, each low word first. */
#define KU_MAP_IDENT_WORDS 8u
#define KU_MAP_DOMAIN_CAP  256u

enum ku_map_state {
	KU_MAP_LIVE = 1,
	KU_MAP_REPLACED = 2,  /* a newer file was renamed over before this was set */
	KU_MAP_WITHDRAWN = 3, /* nobody uses it again */
};

enum ku_map_table {
	KU_MAP_USER_NAME,
	KU_MAP_USER_ID,
	KU_MAP_GROUP_NAME,
	KU_MAP_GROUP_ID,
	KU_MAP_N_TABLES
};

/* Kinds of entries: the low three bits of the first word; the rest of it is the size. */
enum ku_map_kind {
	KU_MAP_USER = 1,
	KU_MAP_GROUP = 2,
	KU_MAP_ALIAS = 3,    /* a further name of an entry that stands before it */
	KU_MAP_LOCAL = 4,    /* a name and an id of this host's own files */
	KU_MAP_NEGATIVE = 5, /* "the server has none", as a keyed hash */
};

#define KU_MAP_ALIGN     8u
#define KU_MAP_KIND_MASK 7u

/* Entry words. The first eight are common. */
enum ku_map_entry_word {
	KU_MAP_E_SIZE_KIND = 0,
	KU_MAP_E_FRESH = 1,      /* may change; of a negative: its expiry */
	KU_MAP_E_SUPERSEDED = 2, /* may change: 0, then 1 */
	KU_MAP_E_NEXT_NAME = 3,  /* next in the chain of the name table, or 0 */
	KU_MAP_E_NEXT_ID = 4,    /* next in the chain of the id table, or 0 */
	KU_MAP_E_HASH = 5,       /* upper half of the name's hash */
	KU_MAP_E_ID =
	    6, /* uid or gid; alias: offset of its entry; negative: lower half of
			    the hash */
	KU_MAP_E_FIRST =
	    7, /* user, group: offset of this id's first version in this file;
			       alias, local: length of the text, which follows at word 8 */

	KU_MAP_U_GID = 8,
	KU_MAP_U_N_GIDS = 9,
	KU_MAP_U_LENS = 10, /* u16 pairs, low half first: name gecos | dir shell | key_off
			       key_len | aliases_len flags */
	KU_MAP_U_TEXT =
	    14, /* name gecos dir shell [key] aliases, no NULs between; then, at
			       the next multiple of 4, the supplementary gids */

	KU_MAP_G_N_MEMBERS = 8,
	KU_MAP_G_MEMBERS_LEN = 9, /* bytes, each member with its NUL */
	KU_MAP_G_LENS = 10,       /* name key_off | key_len aliases_len */
	KU_MAP_G_TEXT = 12,       /* name [key] aliases members */
};
/* flags of a user: its name is given precedence over a local account
 * (allow_local_account_override) */
#define KU_MAP_UF_OVERRIDE 1u

#define KU_MAP_ENTRY_LEN 32u
#define KU_MAP_USER_LEN  (KU_MAP_U_TEXT * 4u)
#define KU_MAP_GROUP_LEN (KU_MAP_G_TEXT * 4u)

/* The writer moves the lease this far ahead every KU_MAP_LEASE_EVERY seconds; a lease that
 * is further ahead than KU_MAP_LEASE_MAX comes from another clock. */
#define KU_MAP_LEASE       15u
#define KU_MAP_LEASE_EVERY 5u
#define KU_MAP_LEASE_MAX   60u

/* A longer chain is not ours. */
#define KU_MAP_MAX_CHAIN 4096u

/* Which head: the lower half of the key's hash as a fraction of the table. */
static inline uint32_t
ku_map_bucket(uint64_t hash, uint32_t n_heads)
{
	return (uint32_t)(((hash & UINT32_MAX) * n_heads) >> 32);
}

static inline uint32_t
ku_map_tag(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}
