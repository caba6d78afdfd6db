# SPDX-License-Identifier: MPL-2.0
ku_test(unit/src/unixd/hsm/pin_test LIBS ku_hsm WRAP write fsync linkat renameat2)
ku_test(unit/src/unixd/hsm/soft_test LIBS ku_hsm WRAP EVP_PBE_scrypt mmap64)
