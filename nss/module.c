/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The module's static data, all of it but the two enumeration cursors: the process's view of
 * the published map. It starts as constants, so loading the module runs no code.
 */
#include "ku/paths.h"
#include "nss/ask.h"

struct map nss_map = MAP_INIT(KU_PATH_MAP);
