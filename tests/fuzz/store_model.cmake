# SPDX-License-Identifier: MPL-2.0
ku_fuzz(model_unpack LIBS ku_model)
ku_fuzz(store_file LIBS ku_store PkgConfig::SQLITE)
ku_fuzz(etc_passwd LIBS ku_local WRAP open64 fstat64 read)
ku_fuzz(etc_shells LIBS ku_prog ku_base
  SOURCES "${CMAKE_SOURCE_DIR}/src/unixd/resolver/shells.c")
