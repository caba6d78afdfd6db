# SPDX-License-Identifier: MPL-2.0
ku_test(unit/src/unixd/crypt/crypt_test LIBS ku_crypt OpenSSL::Crypto Threads::Threads
  WRAP kdf_run EVP_PBE_scrypt)
