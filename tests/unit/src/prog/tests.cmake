# SPDX-License-Identifier: MPL-2.0
foreach(name config_dump config_last_good config_read config_uri config_value jsonw log
    sdnotify suggest toml toml_number xalloc)
  ku_test(unit/src/prog/${name}_test LIBS ku_prog)
endforeach()
# These two compare with files of the source tree.
ku_test(unit/src/prog/config_files_test LIBS ku_prog)
foreach(name config_files config_dump)
  target_compile_definitions(unit.src.prog.${name}_test
    PRIVATE KU_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
endforeach()
