# SPDX-License-Identifier: MPL-2.0
# KU_SANITIZE=address,undefined | thread, and KU_COVERAGE, on every target alike.
function(ku_sanitize target)
  if(KU_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${KU_SANITIZE}
      -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PRIVATE -fsanitize=${KU_SANITIZE})
  endif()
  if(KU_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
  if(KU_COVERAGE)
    target_compile_options(${target} PRIVATE --coverage)
    target_link_options(${target} PRIVATE --coverage)
  endif()
endfunction()
