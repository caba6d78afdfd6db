# SPDX-License-Identifier: MPL-2.0
ku_test(unit/src/unixd/taskq/message_test LIBS ku_taskq)
ku_test(unit/src/unixd/taskq/taskq_test LIBS ku_taskq)
