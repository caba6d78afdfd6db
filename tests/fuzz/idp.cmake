# SPDX-License-Identifier: MPL-2.0
ku_fuzz(idp_json LIBS ku_idp)
ku_fuzz(idp_http LIBS ku_idp PkgConfig::CURL)
