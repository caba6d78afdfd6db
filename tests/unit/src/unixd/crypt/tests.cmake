# SPDX-License-Identifier: MPL-2.0
ku_test(unit/src/unixd/crypt/crypt_test LIBS ku_crypt OpenSSL::Crypto Threads::Threads
  WRAP kdf_run EVP_PBE_scrypt)
ku_test(unit/src/unixd/crypt/kdf_test LIBS ku_crypt)
ku_test(unit/src/unixd/crypt/verifier_test LIBS ku_crypt OpenSSL::Crypto
  WRAP kdf_run mmap64)
ku_test(unit/src/unixd/crypt/memory_test LIBS ku_crypt
  ENV "MEMSCAN=$<TARGET_FILE:memscan>")
add_dependencies(unit.src.unixd.crypt.memory_test memscan)
# Runs itself under valgrind, which no sanitizer's program can.
find_path(KU_VALGRIND_INCLUDE valgrind/memcheck.h)
if(KU_VALGRIND_INCLUDE AND NOT KU_SANITIZE)
  ku_test(unit/src/unixd/crypt/constant_test LIBS ku_crypt WRAP kdf_run TIMEOUT 180)
endif()
