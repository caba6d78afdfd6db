# SPDX-License-Identifier: MPL-2.0
# ku_install_kept(FILE DIR): installed when it is not there yet. An administrator edits these, and
# an update must not take that away. Packages install into an empty tree, and keep by themselves.
function(ku_install_kept file dir)
  get_filename_component(name "${file}" NAME)
  get_filename_component(file "${file}" ABSOLUTE)
  install(CODE "
    set(ku_dir \"${dir}\")
    if(NOT IS_ABSOLUTE \"\${ku_dir}\")
      set(ku_dir \"\${CMAKE_INSTALL_PREFIX}/\${ku_dir}\")
    endif()
    if(EXISTS \"\$ENV{DESTDIR}\${ku_dir}/${name}\")
      message(STATUS \"Kept: \$ENV{DESTDIR}\${ku_dir}/${name}\")
      list(APPEND CMAKE_INSTALL_MANIFEST_FILES \"\${ku_dir}/${name}\")
    else()
      file(INSTALL DESTINATION \"\${ku_dir}\" TYPE FILE FILES \"${file}\")
    endif()")
endfunction()
