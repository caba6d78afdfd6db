# SPDX-License-Identifier: MPL-2.0
set(map_reader_wrap clock_gettime open64 fstat64 pread64 close mmap64 munmap)
list(TRANSFORM map_reader_wrap PREPEND -Wl,--wrap=)
ku_fuzz(map_reader LIBS ku_map ${map_reader_wrap})
