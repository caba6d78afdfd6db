# SPDX-License-Identifier: MPL-2.0
# ku_harden(target): OpenSSF's compiler hardening list, each flag probed because the
# floor is gcc 12. `-z nodlopen` is for executables only: NSS and PAM modules exist to
# be dlopened.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)

set(KU_HARDEN_COMPILE "")
set(KU_HARDEN_LINK "")
set(KU_HARDEN_LINK_EXE "")

function(ku_probe_compile flag)
  string(MAKE_C_IDENTIFIER "KU_HAS${flag}" var)
  set(CMAKE_REQUIRED_FLAGS "-Werror")
  check_c_compiler_flag("${flag}" ${var})
  if(${var})
    set(KU_HARDEN_COMPILE ${KU_HARDEN_COMPILE} "${flag}" PARENT_SCOPE)
  endif()
endfunction()

function(ku_probe_link list flag)
  string(MAKE_C_IDENTIFIER "KU_HAS${flag}" var)
  check_linker_flag(C "${flag}" ${var})
  if(${var})
    set(${list} ${${list}} "${flag}" PARENT_SCOPE)
  endif()
endfunction()

foreach(flag -fstack-protector-strong -fstack-clash-protection
    -ftrivial-auto-var-init=zero -fstrict-flex-arrays=3 -fno-delete-null-pointer-checks
    -fno-strict-overflow -fno-strict-aliasing)
  ku_probe_compile(${flag})
endforeach()
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|i[3-6]86")
  ku_probe_compile(-fcf-protection=full)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64")
  ku_probe_compile(-mbranch-protection=standard)
endif()
foreach(flag -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed
    -Wl,--no-copy-dt-needed-entries)
  ku_probe_link(KU_HARDEN_LINK ${flag})
endforeach()
ku_probe_link(KU_HARDEN_LINK_EXE -Wl,-z,nodlopen)

function(ku_harden target)
  get_target_property(type ${target} TYPE)
  target_compile_options(${target} PRIVATE ${KU_HARDEN_COMPILE})
  if(NOT KU_SANITIZE)
    target_compile_options(${target} PRIVATE
      $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3>)
    target_link_options(${target} PRIVATE -Wl,-z,defs)
  endif()
  target_link_options(${target} PRIVATE ${KU_HARDEN_LINK})
  if(type STREQUAL "EXECUTABLE")
    target_link_options(${target} PRIVATE ${KU_HARDEN_LINK_EXE} -pie)
  endif()
endfunction()

# ku_target(target): what every target of this project gets.
function(ku_target target)
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE _FILE_OFFSET_BITS=64)
  target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}"
    "${CMAKE_SOURCE_DIR}/include" "${CMAKE_BINARY_DIR}/include")
  target_compile_options(${target} PRIVATE -fno-common)
  ku_warnings(${target})
  ku_harden(${target})
  ku_drop_unused(${target})
  ku_sanitize(${target})
endfunction()
