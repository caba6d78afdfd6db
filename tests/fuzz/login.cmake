# SPDX-License-Identifier: MPL-2.0
ku_fuzz(cred_unpack LIBS ku_login)
