# SPDX-License-Identifier: MPL-2.0
# fill DB N: a cache database with N people, for daemons that are to be measured.
target_link_libraries(fill PRIVATE ku_store ku_model ku_core ku_prog ku_base)
