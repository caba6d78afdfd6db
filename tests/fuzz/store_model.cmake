# SPDX-License-Identifier: MPL-2.0
ku_fuzz(model_unpack LIBS ku_model)
