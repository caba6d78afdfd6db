# SPDX-License-Identifier: MPL-2.0
ku_test(unit/src/cli/cli_test LIBS ku_cli)
ku_test(unit/src/cli/usage_test LIBS ku_cli)
