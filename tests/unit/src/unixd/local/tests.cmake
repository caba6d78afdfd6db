# SPDX-License-Identifier: MPL-2.0
ku_test(unit/src/unixd/local/table_test LIBS ku_local)
ku_test(unit/src/unixd/local/local_test LIBS ku_local)
