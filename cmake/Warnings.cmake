# SPDX-License-Identifier: MPL-2.0
# ku_warnings(target): the warning set this project lives with. -Werror comes from the
# presets (KU_WERROR), never from the shipped default: a newer compiler must not stop a
# distribution's build.
set(KU_WARN_BOTH
  -Wall -Wextra -Wformat=2 -Wconversion -Wsign-conversion -Wshadow -Wundef -Wvla -Walloca
  -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wcast-qual
  -Wwrite-strings -Wpointer-arith -Wimplicit-fallthrough -Wnull-dereference -Wdate-time
  -Wenum-conversion -Werror=implicit -Werror=incompatible-pointer-types
  -Werror=int-conversion -Werror=format-security)
set(KU_WARN_GNU
  -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wformat-overflow=2
  -Wformat-truncation=2 -Wformat-signedness -Warith-conversion -Wcast-align=strict
  -Wshift-overflow=2 -Wstringop-overflow=4 -Wjump-misses-init -Walloc-zero -Wtrampolines
  -Wbidi-chars=any)
set(KU_WARN_CLANG
  -Wthread-safety -Wcomma -Wshorten-64-to-32 -Wimplicit-int-conversion
  -Wconditional-uninitialized -Wunreachable-code-aggressive -Wassign-enum
  -Wmissing-variable-declarations)

function(ku_warnings target)
  target_compile_options(${target} PRIVATE ${KU_WARN_BOTH}
    $<$<C_COMPILER_ID:GNU>:${KU_WARN_GNU}>
    $<$<C_COMPILER_ID:Clang>:${KU_WARN_CLANG}>
    $<$<BOOL:${KU_WERROR}>:-Werror>)
  if(NOT KU_SANITIZE AND NOT KU_COVERAGE)
    # Host threads may have tiny stacks; nss/ and pam/ tighten this further.
    target_compile_options(${target} PRIVATE -Wframe-larger-than=4096)
  endif()
endfunction()
