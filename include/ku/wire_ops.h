/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The protocol: one line per operation, and everything else is made from it (the enum, the
 * names in logs, the size caps, the daemon's dispatch table, the table in docs/protocol.md
 * that a test compares).
 *
 * Bodies. u32 is little-endian; "str" is u32 length, then that many bytes, no NUL;
 * "strs" is u32 length, then NUL-terminated strings that fill exactly that length.
 *
 *	PASSWD_BY_NAME	> str name		< passwd
 *	PASSWD_BY_UID	> u32 uid		< passwd
 *	PASSWD_NEXT	> u32 after, u32 started < passwd, the one with the next higher uid;
 *						  started = 0 begins; NOTFOUND at the end
 *	GROUP_BY_NAME	> str name		< group
 *	GROUP_BY_GID	> u32 gid		< group
 *	GROUP_NEXT	> u32 after, u32 started < group, as PASSWD_NEXT
 *	INITGROUPS	> str name		< u32 primary gid, u32 n, n x u32 gid
 *	SSH_KEYS	> str name		< u32 n, strs keys
 *	PAM_LOOKUP	> str name		< u32 deadline in ms, strs uri, name
 *	PAM_AUTH	> u32 flags, str name, str service, str tty, str rhost, str password
 *						< u32 verdict, u32 seconds
 *	PAM_ACCT	> u32 flags, str name, str service, str tty, str rhost
 *						< u32 verdict, u32 seconds
 *	PAM_SESSION	> u32 flags, str name, str service, str tty, str rhost
 *						< u32 verdict, u32 flags, strs home, text
 *	STATUS		>			< u32 n, strs key, value, key, value ...
 *	EXPLAIN		> str name		< u32 n, strs lines
 *	CACHE_INVALIDATE >			<
 *	CACHE_CLEAR	>			<
 *	ACCEPT_ID	> str name		< u32 old id, u32 new id
 *
 *	passwd	u32 uid, u32 gid, strs name passwd gecos dir shell
 *	group	u32 gid, u32 n members, strs name passwd member ...
 *
 * A reply with another status than OK has an empty body, except DENIED and UNAVAIL of the
 * CTL operations: u32 n = 1, strs one line of text for a person.
 *
 * Verdicts and flags of the PAM operations are in wire_pam.h. Who may ask them about whom
 * is judged on the account, not here: uid 0, the account itself, or a listed caller.
 *
 * who:	ANYONE; ROOT = uid 0; OWNER = uid 0 or the daemon's own uid.
 */
#pragma once

#include <stdint.h>

#define KU_WHO_ANYONE 0
#define KU_WHO_OWNER  1
#define KU_WHO_ROOT   2

/* name bound: 64 + '@' + 253 bytes fit; longer strings are no names */
#define KU_MAX_NAME_REQ 512u
/* flags, four strings and a password of at most KU_MAX_PASSWORD bytes */
#define KU_MAX_PASSWORD 512u
#define KU_MAX_PAM_REQ  1536u
#define KU_MAX_REPLY    (16u * 1024u * 1024u)

/* clang-format off */
#define KU_OPS(X) \
	/* name		   code	   who may call	   max request */ \
	X(PASSWD_BY_NAME,  0x0101, KU_WHO_ANYONE,  KU_MAX_NAME_REQ) \
	X(PASSWD_BY_UID,   0x0102, KU_WHO_ANYONE,  4u) \
	X(PASSWD_NEXT,	   0x0103, KU_WHO_ANYONE,  8u) \
	X(GROUP_BY_NAME,   0x0201, KU_WHO_ANYONE,  KU_MAX_NAME_REQ) \
	X(GROUP_BY_GID,	   0x0202, KU_WHO_ANYONE,  4u) \
	X(GROUP_NEXT,	   0x0203, KU_WHO_ANYONE,  8u) \
	X(INITGROUPS,	   0x0204, KU_WHO_ANYONE,  KU_MAX_NAME_REQ) \
	X(SSH_KEYS,	   0x0301, KU_WHO_ANYONE,  KU_MAX_NAME_REQ) \
	X(PAM_LOOKUP,	   0x0401, KU_WHO_ANYONE,  KU_MAX_NAME_REQ) \
	X(PAM_AUTH,	   0x0402, KU_WHO_ANYONE,  KU_MAX_PAM_REQ) \
	X(PAM_ACCT,	   0x0403, KU_WHO_ANYONE,  KU_MAX_PAM_REQ) \
	X(PAM_SESSION,	   0x0404, KU_WHO_ANYONE,  KU_MAX_PAM_REQ) \
	X(STATUS,	   0x0701, KU_WHO_ANYONE,  0u) \
	X(EXPLAIN,	   0x0702, KU_WHO_ANYONE,  KU_MAX_NAME_REQ) \
	X(CACHE_INVALIDATE,0x0703, KU_WHO_OWNER,   0u) \
	X(CACHE_CLEAR,	   0x0704, KU_WHO_ROOT,	   0u) \
	X(ACCEPT_ID,	   0x0705, KU_WHO_ROOT,	   KU_MAX_NAME_REQ)
/* clang-format on */

enum ku_op {
#define KU_OP_ENUM(name, code, who, max_req) KU_OP_##name = (code),
	KU_OPS(KU_OP_ENUM)
#undef KU_OP_ENUM
};
