# SPDX-License-Identifier: MPL-2.0
ku_fuzz(wire_dec LIBS ku_wire)
ku_fuzz(frame_stream LIBS ku_client)
ku_fuzz(nss_reply LIBS nss_logic)
