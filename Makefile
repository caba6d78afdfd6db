# SPDX-License-Identifier: MPL-2.0
# The front door: one-word commands over the presets in CMakePresets.json.
.PHONY: all check quick asan tsan clang fuzz torture fmt lint tidy cov bench demo release deb clean all-ci

PRESET = cmake --preset $(1) >/dev/null && cmake --build --preset $(1)

all:
	$(call PRESET,dev)

check:
	scripts/check

quick: all
	ctest --preset quick

asan tsan clang:
	$(call PRESET,$@)
	ctest --preset $@

cov:
	scripts/coverage

fuzz:
	$(call PRESET,fuzz)
	scripts/fuzz-all $${SECONDS_EACH:-60}

torture: all
	tests/chaos/run-long build/dev

fmt:
	clang-format-14 -i $$(git ls-files '*.c' '*.h')

lint: all
	ctest --preset dev -L lint

tidy: all
	scripts/static build/dev tidy

bench:
	tests/bench/run $(SECTIONS)

demo:
	scripts/demo

release:
	$(call PRESET,release)

deb:
	scripts/deb

clean:
	rm -rf build

all-ci:
	.ci/run
