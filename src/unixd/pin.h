/* SPDX-License-Identifier: MPL-2.0 */
/* Where the HSM pin is, or would be made. Its content is no business of this file. */
#pragma once

/*
 * One line for `status --verbose`, freed by the caller. `configured` is hsm_pin_path (or
 * the environment's KANIDM_HSM_PIN_PATH, which the configuration reader has filled in), or
 * NULL.
 */
char *pin_describe(const char *configured);

/* The same over other default places (tests). */
char *pin_describe_in(const char *configured, const char *place, const char *other_place);
