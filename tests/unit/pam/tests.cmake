# SPDX-License-Identifier: MPL-2.0
foreach(test options flow reasons)
  ku_test(unit/pam/${test}_test LIBS pam_logic)
endforeach()
ku_test(unit/pam/local_test LIBS pam_logic WRAP read)
ku_test(unit/pam/talk_test LIBS pam_logic WRAP pam_get_item)
