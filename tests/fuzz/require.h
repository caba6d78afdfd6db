/* SPDX-License-Identifier: MPL-2.0 */
/* What a fuzz target says of the code: the fuzzer keeps the input that breaks it. */
#pragma once

#include <stdbool.h>
#include <stdlib.h>

static inline void
require(bool ok)
{
	if (!ok)
		abort();
}
