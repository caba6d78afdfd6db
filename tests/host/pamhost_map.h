/* SPDX-License-Identifier: MPL-2.0 */
#pragma once

/* A map with the local accounts of this moment and "ours.ops", who has a line in /etc/passwd
 * and was given to us. */
void pamhost_map(void);
