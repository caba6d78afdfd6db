# SPDX-License-Identifier: MPL-2.0
# ku_fuzz(name LIBS t...): tests/fuzz/<name>.c has LLVMFuzzerTestOneInput. With KU_FUZZ it
# becomes a libFuzzer program; always, it also becomes a test that replays the corpus in
# tests/fuzz/corpus/<name>/ through the same function. WRAP sym...: the target decides what
# these functions of libc do (-Wl,--wrap).
function(ku_fuzz name)
  cmake_parse_arguments(arg "" "" "LIBS;SOURCES;WRAP" ${ARGN})
  set(corpus "${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name}")
  list(TRANSFORM arg_WRAP PREPEND "-Wl,--wrap=")
  if(KU_FUZZ)
    add_executable(fuzz_${name} "${CMAKE_SOURCE_DIR}/tests/fuzz/${name}.c" ${arg_SOURCES})
    ku_target(fuzz_${name})
    target_compile_options(fuzz_${name} PRIVATE -Wno-missing-prototypes)
    target_link_libraries(fuzz_${name} PRIVATE ${arg_LIBS})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer ${arg_WRAP})
  endif()
  if(KU_TESTS)
    add_executable(replay_${name} "${CMAKE_SOURCE_DIR}/tests/fuzz/${name}.c"
      "${CMAKE_SOURCE_DIR}/tests/fuzz/replay_main.c" ${arg_SOURCES})
    ku_target(replay_${name})
    target_compile_options(replay_${name} PRIVATE -Wno-missing-prototypes)
    target_link_libraries(replay_${name} PRIVATE ${arg_LIBS})
    target_link_options(replay_${name} PRIVATE ${arg_WRAP})
    add_test(NAME fuzz.replay.${name} COMMAND replay_${name} "${corpus}")
    set_tests_properties(fuzz.replay.${name} PROPERTIES LABELS "unit;fuzz" TIMEOUT 60)
  endif()
endfunction()
