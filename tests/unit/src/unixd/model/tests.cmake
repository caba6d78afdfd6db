# SPDX-License-Identifier: MPL-2.0
ku_test(unit/src/unixd/model/model_test LIBS ku_model)
ku_test(unit/src/unixd/model/pack_test LIBS ku_model)
