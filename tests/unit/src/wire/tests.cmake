# SPDX-License-Identifier: MPL-2.0
ku_test(unit/src/wire/codec_test LIBS ku_wire)
ku_test(unit/src/wire/frame_test LIBS ku_wire)
ku_test(unit/src/wire/protocol_doc_test LIBS ku_wire ENV "KU_SOURCE_DIR=${CMAKE_SOURCE_DIR}")
