/* SPDX-License-Identifier: MPL-2.0 */
/* One password, from the person at the terminal or from the script at the pipe. */
#pragma once

#include "src/base/attr.h"
#include "src/base/secret.h"

/*
 * stdin is a terminal: `prompt` on stderr, one line without echo; the terminal is as before
 * when this returns, also when a signal ends or stops the program in between. Else the
 * first line of stdin, without a prompt. Without its newline.
 *
 * 0 and *ret_password (may be empty); -ENODATA: the input ended before anything came;
 * -E2BIG: longer than KU_MAX_PASSWORD; -EILSEQ: a NUL in it; -ENOMEM; -errno of read.
 */
int must_use_ password_read(const char *prompt, struct secret **ret_password);
