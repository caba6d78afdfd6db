# SPDX-License-Identifier: MPL-2.0
foreach(name auth_test question_test json_test json_token_test json_list_test grouplist_test tokenfile_test
    reason_test http_config_test)
  ku_test(unit/src/unixd/idp/${name} LIBS ku_idp PkgConfig::CURL OpenSSL::Crypto
    ENV "IDP_DATA=${CMAKE_CURRENT_LIST_DIR}/data")
endforeach()
ku_test(unit/src/unixd/idp/tls_test LIBS ku_idp OpenSSL::Crypto WRAP malloc_trim)
ku_test(unit/src/unixd/idp/http_test LIBS ku_idp PkgConfig::CURL WRAP explicit_bzero)
ku_test(unit/src/unixd/idp/wipe_test LIBS ku_idp WRAP explicit_bzero)
ku_test(unit/src/unixd/idp/tls_version_test LIBS ku_idp PkgConfig::CURL OpenSSL::SSL
  ENV "OPENSSL_CONF=${CMAKE_CURRENT_LIST_DIR}/data/old-tls.cnf")
