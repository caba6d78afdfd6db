# SPDX-License-Identifier: MPL-2.0
ku_fuzz(setup_edit LIBS ku_tools)
ku_fuzz(check_files LIBS ku_tools)
