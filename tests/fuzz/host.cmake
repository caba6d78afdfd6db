# SPDX-License-Identifier: MPL-2.0
ku_fuzz(wire_dec LIBS ku_wire)
ku_fuzz(frame_stream LIBS ku_client)
ku_fuzz(nss_reply LIBS nss_logic)
ku_fuzz(nss_lookup LIBS nss_logic ku_client ku_map ku_wire ku_base
  WRAP socket connect sendmsg recvmsg poll close open64 clock_gettime realloc)
