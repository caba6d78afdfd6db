# SPDX-License-Identifier: MPL-2.0
# ku_drop_unused(target): what nobody calls does not reach the file. Part of ku_target().
#
# ku_compact(target): optimised for size. For folders whose code runs once a start, a login
# or a request to the server, where what is waited for is a disk or a network; the daemon's
# limit (scripts/check-install) is kept without slowing the paths that answer from memory.
#
# ku_compact_sources(file...): the same for files of a folder of which only some are like that.
#
# ku_pack_relocs(target): an executable's own relocations as a bitmap (DT_RELR, glibc 2.36), a
# fiftieth of their size.
#
# None touches unwind tables, frame protection or any flag of Hardening.cmake. Debug
# builds, and with them the sanitizers', are left as they are.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)
check_c_compiler_flag(-Os KU_HAS_OS)
check_c_compiler_flag(-fno-align-jumps KU_HAS_NO_ALIGN)
check_linker_flag(C -Wl,--gc-sections KU_HAS_GC_SECTIONS)
check_linker_flag(C -Wl,-z,pack-relative-relocs KU_HAS_PACKED_RELOCS)

function(ku_drop_unused target)
  if(KU_HAS_GC_SECTIONS AND NOT KU_COVERAGE)
    target_compile_options(${target} PRIVATE
      $<$<NOT:$<CONFIG:Debug>>:-ffunction-sections -fdata-sections>)
    target_link_options(${target} PRIVATE $<$<NOT:$<CONFIG:Debug>>:-Wl,--gc-sections>)
  endif()
endfunction()

# ku_dense(target): optimised for speed, without the padding in front of jumps and loops (one
# part in thirty).
function(ku_dense target)
  if(KU_HAS_NO_ALIGN)
    target_compile_options(${target} PRIVATE
      $<$<NOT:$<CONFIG:Debug>>:-fno-align-jumps -fno-align-loops>)
  endif()
endfunction()

function(ku_compact target)
  if(KU_HAS_OS)
    target_compile_options(${target} PRIVATE $<$<NOT:$<CONFIG:Debug>>:-Os>)
  endif()
endfunction()

function(ku_compact_sources)
  if(KU_HAS_OS)
    set_property(SOURCE ${ARGN} APPEND PROPERTY COMPILE_OPTIONS $<$<NOT:$<CONFIG:Debug>>:-Os>)
  endif()
endfunction()

function(ku_pack_relocs target)
  if(KU_HAS_PACKED_RELOCS)
    target_link_options(${target} PRIVATE -Wl,-z,pack-relative-relocs)
  endif()
endfunction()
