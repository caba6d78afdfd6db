/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Attributes with one spelling, and the thread role that keeps blocking calls off the
 * loop: a function marked ON_WORKER may block, and clang's -Wthread-safety rejects a call
 * to it from code that has not said it runs on a worker thread. gcc ignores the roles.
 */
#pragma once

/* cleanup_(fn): call fn(&variable) when the variable leaves its scope. */
#define cleanup_(fn)       __attribute__((cleanup(fn)))
#define must_use_          __attribute__((warn_unused_result))
#define printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define pure_              __attribute__((pure))
#define noreturn_          __attribute__((noreturn))
/* Seldom called: small rather than quick. */
#define cold_ __attribute__((cold))

#if defined(__clang__)
struct __attribute__((capability("role"))) thread_role {
	char unused;
};
extern struct thread_role worker_role;
#define ON_WORKER __attribute__((requires_capability(worker_role)))
/* First statement of a thread's body: from here on it holds the role. */
static inline void __attribute__((assert_capability(worker_role)))
worker_role_assume(void)
{
}
#else
#define ON_WORKER
static inline void
worker_role_assume(void)
{
}
#endif
