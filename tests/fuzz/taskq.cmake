# SPDX-License-Identifier: MPL-2.0
ku_fuzz(task_reply LIBS ku_taskq)
