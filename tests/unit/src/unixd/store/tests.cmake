# SPDX-License-Identifier: MPL-2.0
ku_test(unit/src/unixd/store/aside_test LIBS ku_store)
ku_test(unit/src/unixd/store/store_test LIBS ku_store)
ku_test(unit/src/unixd/store/open_test LIBS ku_store PkgConfig::SQLITE)
ku_test(unit/src/unixd/store/trouble_test LIBS ku_store PkgConfig::SQLITE)
ku_test(unit/src/unixd/store/secrets_test LIBS ku_store PkgConfig::SQLITE)
ku_test(unit/src/unixd/store/secrets_open_test LIBS ku_store PkgConfig::SQLITE)
ku_test(unit/src/unixd/store/kill_test LIBS ku_store)
ku_test(unit/src/unixd/store/size_test LIBS ku_store LABELS unit slow)
