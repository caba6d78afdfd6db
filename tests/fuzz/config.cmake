# SPDX-License-Identifier: MPL-2.0
ku_fuzz(toml LIBS ku_prog)
