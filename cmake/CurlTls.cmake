# SPDX-License-Identifier: MPL-2.0
# The link's promises (system store plus ca_path, reasons in words, chain dates) are made
# with OpenSSL behind libcurl. Stop here rather than at the first login.
find_program(KU_CURL_CONFIG curl-config)
if(KU_CURL_CONFIG)
  execute_process(COMMAND "${KU_CURL_CONFIG}" --ssl-backends
    OUTPUT_VARIABLE KU_CURL_BACKENDS OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT KU_CURL_BACKENDS MATCHES "OpenSSL")
    message(FATAL_ERROR "libcurl's TLS is '${KU_CURL_BACKENDS}', and this project needs "
      "OpenSSL there: install libcurl4-openssl-dev (Debian) or your distribution's "
      "libcurl built with OpenSSL")
  endif()
endif()
