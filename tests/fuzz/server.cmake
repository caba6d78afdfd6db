# SPDX-License-Identifier: MPL-2.0
ku_fuzz(frame_conn LIBS ku_server)
