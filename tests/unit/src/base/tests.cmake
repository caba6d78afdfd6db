# SPDX-License-Identifier: MPL-2.0
ku_test(unit/src/base/deadline_test LIBS ku_base)
ku_test(unit/src/base/fd_test LIBS ku_base WRAP read write)
ku_test(unit/src/base/ids_test LIBS ku_base)
ku_test(unit/src/base/name_test LIBS ku_base)
ku_test(unit/src/base/secret_test LIBS ku_base WRAP mmap64 munmap mlock)
ku_test(unit/src/base/siphash_test LIBS ku_base)
ku_test(unit/src/base/uuid_test LIBS ku_base)
