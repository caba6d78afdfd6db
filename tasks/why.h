/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Why something was not done: one line for a person, made where it is known, carried to the
 * reply and the log unchanged.
 */
#pragma once

#include <stdarg.h>
#include <stdio.h>

#include "src/base/attr.h"

struct why {
	char text[512];
};

/* Writes the text and returns `err`, so that a failure is one statement. */
static inline int printf_(3, 4) why_set(struct why *why, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	return err;
}
