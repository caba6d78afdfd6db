# SPDX-License-Identifier: MPL-2.0
ku_fuzz(crypt_blobs LIBS ku_crypt ku_login OpenSSL::Crypto)
foreach(kind fuzz replay)
  if(TARGET ${kind}_crypt_blobs)
    target_link_options(${kind}_crypt_blobs PRIVATE -Wl,--wrap=EVP_PBE_scrypt
      -Wl,--wrap=EVP_KDF_fetch)
  endif()
endforeach()
