# SPDX-License-Identifier: MPL-2.0
ku_fuzz(pam_flow LIBS pam_logic ku_client ku_wire ku_base
  SOURCES "${CMAKE_SOURCE_DIR}/tests/fuzz/pam_libc.c"
  WRAP socket connect sendmsg recvmsg poll getsockopt close read fcntl64 open64 stat64
    lstat64 mmap64 munmap mlock madvise clock_gettime free)
