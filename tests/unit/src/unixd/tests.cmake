# SPDX-License-Identifier: MPL-2.0
ku_test(unit/src/unixd/options_test LIBS ku_unixd)
ku_test(unit/src/unixd/settings_test LIBS ku_unixd)
