# SPDX-License-Identifier: Apache-2.0
# One Makefile, no recursion: every mode (release, asan, tsan, cov, fuzz) has its own tree, build/MODE.
# `make` builds build/embedd; `make help` lists the targets. V=1 shows the commands.

ifeq ($(origin CC),default)
CC      := gcc
endif
CLANG   ?= clang
PYTHON  ?= python3
PREFIX  ?= /usr/local
WERROR  ?=
Q       := $(if $(V),,@)
SAY      = $(if $(V),,@printf '  %-5s %s\n' "$(1)" "$(2)")

VERSION := 0.1.0
ARCH    ?= $(shell uname -m)

# Every core, unless told otherwise.
ifeq ($(findstring j,$(firstword -$(MAKEFLAGS))),)
MAKEFLAGS += -j$(shell nproc)
endif

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith \
            -Wwrite-strings $(if $(WERROR),-Werror)
# -ffp-contract=off: a fused multiply-add rounds once where the scalar reference rounds twice.
# -fPIC, hidden symbols: the same objects make the program and the shared library.
CFLAGS_ALL := -std=c11 -D_GNU_SOURCE -DEMBEDD_VERSION='"$(VERSION)"' -I. -g -pthread -fPIC -ffp-contract=off \
              -fno-math-errno -fno-trapping-math $(WARNINGS)
LIBS       := -lmicrohttpd -ljansson -luv -lgnutls -lnettle -lonig -lutf8proc -lminizip -lz -lzstd -lseccomp -lm

# libembedd. The number in its soname is EMBEDD_ABI of include/embedd.h.
LIB_SONAME := libembedd.so.0
LIB_FILE   := libembedd.so.$(VERSION)
LIB_LIBS   := -ljansson -lnettle -lonig -lutf8proc -lminizip -lz -lzstd -lm

MODES          := release asan tsan cov
CFLAGS_release := -O3 -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection \
                  $(if $(filter x86_64,$(ARCH)),-fcf-protection) -pie -Wl,-z,relro,-z,now,-z,noexecstack
# -g1: the lines of a stack trace, which is all that a sanitizer says; a fifth less to compile and link.
CFLAGS_asan    := -O1 -g1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
CFLAGS_tsan    := -O1 -g1 -fno-omit-frame-pointer -fsanitize=thread
CFLAGS_cov     := -O0 --coverage

# Instruction sets are chosen at run time: only these files may use them.
ISA_x86_64/base/numtext_avx2.c         := -mavx2
ISA_x86_64/base/numtext_avx512.c       := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512ifma -mavx512vbmi -mavx512vbmi2 -mpopcnt
ISA_x86_64/model/math/kernels_avx2.c   := -mavx2 -mf16c -mfma
ISA_x86_64/model/math/kernels_avx512.c := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mf16c

ROOMS    := base config model include library finetune handlers server commands
# files_under = files in folders $(1), and as deep in them as we build, that match $(2).
files_under = $(sort $(foreach deep,/ /*/ /*/*/ /*/*/*/ /*/*/*/*/ /*/*/*/*/*/,$(wildcard $(1:%=%$(deep)$(2)))))
SOURCES  := $(call files_under,$(ROOMS),*.c)
LIBRARY  := $(filter-out commands/main.c,$(SOURCES)) $(call files_under,$(ROOMS),*.S)
UNITS    := $(call files_under,tests/unit,test_*.c)
FORMATTED := $(call files_under,$(ROOMS) bench tests,*.[ch]) $(wildcard python/*.[ch])
# kernels_vector.h and its part for I4 are parts of two sources, which define their words.
HEADERS := $(filter-out %/kernels_vector.h %/kernels_vector_i4.h python/%,$(filter %.h,$(FORMATTED)))

# Packages come first when the goal is one that promises to install what is missing. NODEPS=1: never.
DEPS_OF_run := build run
DEPS_OF_test := build test browser
DEPS_OF_test-library := build test
DEPS_OF_lesson := build
DEPS_OF_wheel := build
DEPS_OF_test-python := build test
DEPS_OF_bench-python := build quality
DEPS_OF_test-spark := build test spark
DEPS_OF_test-engines := build test
DEPS_OF_test-image := image
DEPS_OF_soak := build test
DEPS_OF_soak-short := build test
DEPS_OF_soak-proof := build test
DEPS_OF_mutate := build test
DEPS_OF_browser := build browser
DEPS_OF_test-browser := build browser axe
DEPS_OF_test-swap := build test
DEPS_OF_clients := build test clients
DEPS_OF_bench := build bench
DEPS_OF_bench-quality := build quality
DEPS_OF_builtin-model := quality
DEPS_OF_builtin-teachers := quality teachers
DEPS_OF_builtin-tokens := quality
DEPS_OF_builtin-rows := quality
DEPS_OF_openai-ids := openai-ids
DEPS_OF_fuzz := build fuzz
DEPS_OF_tidy := tidy
DEPS_OF_cov := build cov
DEPS := $(sort $(foreach goal,$(MAKECMDGOALS),$(DEPS_OF_$(goal))))
DEPS_FIRST := $(if $(DEPS),$(if $(NODEPS),,deps-installed))

.PHONY: deps-installed
deps-installed:
	$(Q)tools/deps.sh $(DEPS)

.DEFAULT_GOAL := all
.PHONY: all
all: build/embedd library ## build the program, build/embedd, and the library

build/embedd: build/release/embedd
	$(Q)ln -sf release/embedd $@

LIBRARY_FILES := $(addprefix build/release/lib/,libembedd.a $(LIB_FILE))
.PHONY: library
library: $(LIBRARY_FILES) ## build libembedd, static and shared: build/release/lib

# Rules of one mode: $(1) = its name.
define mode_rules
objects_$(1) := $$(patsubst %,build/$(1)/%.o,$$(LIBRARY))

build/$(1)/%.c.o: %.c Makefile | $$(DEPS_FIRST)
	$$(call SAY,CC,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $$(CFLAGS_ALL) $$(if $$(filter tests/%,$$<),,-fvisibility=hidden) $$(CFLAGS_$(1)) $$(ISA_$$(ARCH)/$$<) \
		$$(CFLAGS) -MMD -MP -c $$< -o $$@

build/$(1)/%.S.o: %.S Makefile | $$(DEPS_FIRST)
	$$(call SAY,AS,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) -I. $$(filter -fcf-protection,$$(CFLAGS_$(1))) -MMD -MP -c $$< -o $$@

build/$(1)/rooms.a: $$(objects_$(1))
	$$(call SAY,AR,$$@)
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^

build/$(1)/embedd: build/$(1)/commands/main.c.o build/$(1)/rooms.a
	$$(call SAY,LD,$$@)
	$$(Q)$$(CC) $$(CFLAGS_ALL) $$(CFLAGS_$(1)) $$(LDFLAGS) $$^ -o $$@ $$(LIBS)

# What the public calls need of the rooms, in one object in which all other names are local: static
# and shared library are made of it.
build/$(1)/lib/library.o: $$(filter build/$(1)/library/%,$$(objects_$(1))) build/$(1)/rooms.a
	$$(call SAY,LD,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(LD) -r -o $$@ $$^ && objcopy --localize-hidden $$@

build/$(1)/lib/libembedd.a: build/$(1)/lib/library.o
	$$(call SAY,AR,$$@)
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^

build/$(1)/lib/$(LIB_FILE): build/$(1)/lib/library.o library/embedd.map
	$$(call SAY,LD,$$@)
	$$(Q)$$(CC) -shared -pthread $$(filter -fsanitize% -Wl%,$$(CFLAGS_$(1))) -Wl,-soname,$(LIB_SONAME) \
		-Wl,--version-script=library/embedd.map -Wl,--no-undefined $$(LDFLAGS) $$< -o $$@ $(LIB_LIBS)
	$$(Q)ln -sf $(LIB_FILE) $$(@D)/$(LIB_SONAME) && ln -sf $(LIB_SONAME) $$(@D)/libembedd.so

build/$(1)/tests/%: build/$(1)/tests/%.c.o build/$(1)/rooms.a
	$$(call SAY,LD,$$@)
	$$(Q)$$(CC) $$(CFLAGS_ALL) $$(CFLAGS_$(1)) $$(LDFLAGS) $$^ -o $$@ -lcmocka $$(LIBS)

-include $$(call files_under,build/$(1),*.d)
endef
$(foreach mode,$(MODES),$(eval $(call mode_rules,$(mode))))

# The built-in model is packed by this very program, with no model built in. .incbin is not seen by -MMD.
BUILTIN := build/builtin/embedd-base-2.safetensors
$(foreach mode,$(MODES) fuzz,$(eval build/$(mode)/model/bundle/builtin/builtin_data.S.o: $(BUILTIN)))

# So it is with the page of a report.
$(foreach mode,$(MODES) fuzz,$(eval build/$(mode)/commands/report_page.S.o: commands/report.html))

# And with the page of the API.
$(foreach mode,$(MODES) fuzz,$(eval build/$(mode)/handlers/dialects/docs_page.S.o: handlers/dialects/docs.html))

# And with the page at /.
$(foreach mode,$(MODES) fuzz,$(eval build/$(mode)/handlers/dialects/page_data.S.o: handlers/dialects/page.gz))

# And with the tables of OpenAI's token ids.
OPENAI_TABLES := $(patsubst %,model/text/openai/%_base.pairs,cl100k o200k)
$(foreach mode,$(MODES) fuzz,$(eval build/$(mode)/model/text/openai/openai_tables.S.o: $(OPENAI_TABLES)))

build/builtin/embedd: build/release/commands/main.c.o build/release/tools/builtin/none.c.o \
		$(filter-out %/builtin_data.S.o,$(objects_release))
	$(call SAY,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(CFLAGS_release) $(LDFLAGS) $^ -o $@ $(LIBS)

$(BUILTIN): build/builtin/embedd $(wildcard model/bundle/builtin/embedd-base-2/*)
	$(call SAY,PACK,$@)
	$(Q)build/builtin/embedd convert --force --input model/bundle/builtin/embedd-base-2 --output $@ >$(@D)/log

unit_programs = $(patsubst tests/%.c,build/$(1)/tests/%,$(UNITS))

# Python packages of the tests, pinned. Once installed, everything works offline.
# A file of our own says that they are there: bin/python may be a link to the system's.
VENV := build/venv/bin/python
VENV_READY := build/venv/ready
$(VENV_READY): tests/requirements.txt | $(DEPS_FIRST)
	$(call SAY,VENV,$<)
	$(Q)$(PYTHON) -m venv --clear build/venv
	$(Q)$(VENV) -m pip install --quiet --no-deps --disable-pip-version-check -r $<
	$(Q)touch $@

.PHONY: deps
deps: ## install the Debian packages that are missing (for building, running, testing)
	$(Q)tools/deps.sh build run test

.PHONY: run
run: build/embedd | $(DEPS_FIRST) ## install what is missing, build, serve the built-in model, show an answer
	$(Q)tools/run.sh build/embedd $(ARGS)

# ---- tests ----

.PHONY: test
test: format-check layers headers docs-check page-check unicode-tables-check unit unit-scalar tsan recipe test-library http browser parity replay fault clients soak-short ## install what is missing, build, run every test
	@echo "all tests passed"

# One after the other, the quick ones first; builds still use every core.
ifneq ($(filter test,$(MAKECMDGOALS)),)
unit: | format-check layers headers docs-check page-check unicode-tables-check
unit-scalar: | unit
tsan: | unit-scalar
replay: | tsan
parity: | replay
recipe: | parity
test-library: | recipe
http: | test-library
browser: | http
fault: | browser
clients: | fault
soak-short: | clients
endif

.PHONY: unit unit-scalar
unit: $(call unit_programs,asan) ## unit tests under AddressSanitizer and UBSan
	@echo "unit tests (AddressSanitizer, UndefinedBehaviorSanitizer)"
	$(Q)tests/run_units.sh $^

unit-scalar: $(call unit_programs,asan) ## the same on the scalar kernels
	@echo "unit tests (the same, scalar kernels)"
	$(Q)EMBEDD_CPU=scalar tests/run_units.sh $^

PYTEST = $(VENV) -m pytest -q -rs -p no:cacheprovider
# A worker that is done takes tests from the others' ends, so that neighbours in a file mostly share what
# their file sets up.
ON_ALL_CORES := -n auto --dist worksteal

.PHONY: recipe
recipe: $(VENV_READY) build/asan/embedd ## the parts of the built-in model's recipe that need no network
	@echo "the built-in model's recipe"
	$(Q)$(PYTEST) $(ON_ALL_CORES) tests/recipe

.PHONY: test-library
test-library: build/embedd library $(VENV_READY) ## libembedd as it is installed: programs in C and C++, same bits as commands and service
	@echo "the library"
	$(Q)$(PYTEST) tests/library

# The Python package. Its wheel holds the libraries that libembedd needs.
PYTHON_VENV := build/python/venv/bin/python
PYTHON_VENV_READY := build/python/venv/ready
$(PYTHON_VENV_READY): tests/python/requirements.txt | $(DEPS_FIRST)
	$(call SAY,VENV,$<)
	$(Q)$(PYTHON) -m venv --clear build/python/venv
	$(Q)$(PYTHON_VENV) -m pip install --quiet --no-deps --disable-pip-version-check -r $<
	$(Q)touch $@

# Other libraries' own tests, as their authors published them.
ORIGINALS_READY := build/python/originals/ready
$(ORIGINALS_READY): tests/python/originals.txt | $(PYTHON_VENV_READY)
	$(call SAY,FETCH,$<)
	$(Q)$(PYTHON_VENV) -m pip download --quiet --no-deps --no-binary :all: --require-hashes --disable-pip-version-check --dest $(@D) -r $<
	$(Q)touch $@

.PHONY: wheel test-python
wheel: library $(PYTHON_VENV_READY) ## build the Python package's wheel: build/python/dist
	$(call SAY,WHEEL,build/python/dist)
	$(Q)rm -rf build/python/raw build/python/dist python/build
	$(Q)$(PYTHON_VENV) -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir build/python/raw ./python
	$(Q)PATH="$(CURDIR)/build/python/venv/bin:$$PATH" auditwheel repair --strip --wheel-dir build/python/dist build/python/raw/*.whl >build/python/repaired 2>&1 || { cat build/python/repaired; exit 1; }

test-python: wheel build/embedd $(ORIGINALS_READY) ## the Python package, as its wheel installs it
	@echo "the Python package"
	$(Q)$(PYTHON_VENV) -m pip install --quiet --force-reinstall --no-deps --disable-pip-version-check build/python/dist/*.whl
	$(Q)$(PYTHON_VENV) -m pytest -q -rs -p no:cacheprovider tests/python

.PHONY: bench-python
bench-python: wheel ## measure the Python package on one core; build/bench-python.json
	$(Q)$(PYTHON_VENV) -m pip install --quiet --force-reinstall --no-deps --disable-pip-version-check build/python/dist/*.whl
	$(Q)$(PYTHON_VENV) bench/python/run.py

# Engines and stores that the package serves, pinned. 1.7 GB.
ENGINES_VENV := build/engines/venv/bin/python
ENGINES_VENV_READY := build/engines/venv/ready
$(ENGINES_VENV_READY): tests/engines/requirements.txt | $(DEPS_FIRST)
	$(call SAY,VENV,$<)
	$(Q)$(PYTHON) -m venv --clear build/engines/venv
	$(Q)$(ENGINES_VENV) -m pip install --quiet --no-deps --no-compile --disable-pip-version-check -r $<
	$(Q)touch $@

ENGINES_PYTEST = $(ENGINES_VENV) -m pip install --quiet --force-reinstall --no-deps --disable-pip-version-check build/python/dist/*.whl && \
	$(ENGINES_VENV) -m pytest -q -rs -p no:cacheprovider

.PHONY: test-spark test-engines
test-spark: wheel build/embedd $(ENGINES_VENV_READY) ## the Python package in Spark (1.7 GB of packages, Java 17); ROWS (100000) are embedded while an executor is killed
	@echo "Spark"
	$(Q)SPARK_ROWS=$(or $(ROWS),100000) $(ENGINES_PYTEST) tests/engines/test_spark.py

test-engines: wheel build/embedd $(ENGINES_VENV_READY) ## the examples of Ray Data, Daft, Polars, DuckDB and of stores
	@echo "engines and stores"
	$(Q)$(ENGINES_PYTEST) --ignore tests/engines/test_spark.py tests/engines

.PHONY: asan http
http: build/embedd build/asan/embedd $(VENV_READY) ## HTTP and command tests against the real program, sanitized
	@echo "HTTP and command tests"
	$(Q)EMBEDD=build/asan/embedd $(PYTEST) $(ON_ALL_CORES) tests/http

.PHONY: fault fault-long
fault: build/embedd build/asan/embedd $(VENV_READY) ## what goes wrong around it: files cut, memory, descriptors, disks, clocks, kills
	@echo "faults"
	$(Q)EMBEDD=build/asan/embedd $(PYTEST) $(ON_ALL_CORES) tests/fault -m "not long"

fault-long: build/embedd build/asan/embedd $(VENV_READY) ## the same at full size, 10,000 connections and every point of a kill (minutes)
	@echo "faults at full size"
	$(Q)for program in build/embedd build/asan/embedd; do EMBEDD=$$program $(PYTEST) -s tests/fault || exit 1; done

# Small tokenizers of every kind, trained with the reference library.
PARITY_READY := build/parity/ready
$(PARITY_READY): $(VENV_READY) $(wildcard tests/parity/*.py)
	$(call SAY,TRAIN,$(@D))
	$(Q)$(VENV) tests/parity/make_tokenizers.py $(@D)
	$(Q)touch $@

.PHONY: parity parity-real
parity: build/asan/tests/parity/encode_lines $(PARITY_READY) ## tokenizers side by side with the reference library
	@echo "tokenizers against the reference library"
	$(Q)ENCODE_LINES=build/asan/tests/parity/encode_lines $(PYTEST) $(ON_ALL_CORES) tests/parity

parity-real: $(VENV_READY) ## fetch real tokenizer.json files (150 MB) for `make parity` to compare too
	$(Q)$(VENV) tests/parity/real_tokenizers.py

# Not part of `make test`: it needs another program. tests/http/test_compare.py holds the comparison to its word.
# What the tests do with a program is written down once, failed or not; all but what is about time, signals, floods.
RECORDED := build/compare/recorded
$(RECORDED): | build/embedd $(VENV_READY)
	$(call SAY,WATCH,tests/http)
	$(Q)PYTHONPATH=tests/compare EMBEDD=build/embedd $(PYTEST) -p record --record $@ tests/http \
		$(foreach test,compare connections deadlines docker framing opening overload stop,--ignore=tests/http/test_$(test).py) || test -s $@

ifneq ($(filter compare,$(MAKECMDGOALS)),)
$(if $(OLD),,$(error make compare needs OLD=path/to/an/older/embedd))
endif

.PHONY: compare
compare: build/embedd $(RECORDED) ## hold this program against an older one, OLD=path/to/embedd, byte for byte; ARGS=--help
	$(Q)$(PYTHON) tests/compare/compare.py "$(OLD)" build/embedd --recorded $(RECORDED) $(ARGS)

# Clients in C, whose own speed is not what is tested; nothing of the program is in them.
SOAK_LOAD := build/release/tests/soak/load
$(SOAK_LOAD): $(SOAK_LOAD).c.o
	$(call SAY,LD,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(CFLAGS_release) $(LDFLAGS) $^ -o $@

SOAK = EMBEDD=build/embedd LOAD=$(SOAK_LOAD) $(VENV) tests/soak/soak.py

.PHONY: soak soak-short soak-proof
soak: build/embedd $(SOAK_LOAD) $(VENV_READY) ## MINUTES (30) of load, reloads, scrapes and abuse: no request fails, nothing grows; ARGS=--help
	@echo "soak, $(or $(MINUTES),30) minutes"
	$(Q)$(SOAK) --minutes $(or $(MINUTES),30) $(ARGS)

# What `make test` has time for: replaced twice, then reloaded every 5 s; and restarted in turn.
soak-short: build/embedd $(SOAK_LOAD) $(VENV_READY) ## the same for two minutes, and behind a balancer
	@echo "soak, 2 minutes"
	$(Q)$(SOAK) --minutes 1.5
	$(Q)$(SOAK) --minutes 0.5 --restart-every 5

soak-proof: build/embedd $(SOAK_LOAD) $(VENV_READY) ## a million requests alone, and as many under reloads every 2 s, replacements, restarts
	@echo "soak, $(or $(REQUESTS),1000000) requests, three times"
	$(Q)$(SOAK) --requests $(or $(REQUESTS),1000000) --reload-every 0 --replace-every 0 --rude 0
	$(Q)$(SOAK) --requests $(or $(REQUESTS),1000000) --reload-every 2 --replace-every 5 --replacements 0
	$(Q)$(SOAK) --requests $(or $(REQUESTS),1000000) --reload-every 2 --restart-every 5

.PHONY: mutate
mutate: build/asan/embedd $(VENV_READY) ## REQUESTS (1000000) that are cut, flipped and spliced, over sockets of every kind of listener
	@echo "mutated requests"
	$(Q)EMBEDD=build/asan/embedd $(VENV) tests/soak/mutate.py --requests $(or $(REQUESTS),1000000) $(ARGS)

asan: unit http parity ## everything under AddressSanitizer and UBSan

# What has threads: the server, and the models and metrics that they share; what trains, measures and searches.
TSAN_UNITS := $(filter $(foreach name,access metrics,tests/unit/handlers/test_$(name).c) $(foreach name,guard log spares workers,tests/unit/base/test_$(name).c) \
                tests/unit/library/% tests/unit/server/% tests/unit/finetune/% tests/unit/model/math/test_neighbours.c tests/unit/model/test_registry.c \
                $(foreach name,learner measure training,tests/unit/model/train/test_$(name).c),$(UNITS))

.PHONY: tsan
tsan: build/tsan/embedd $(patsubst tests/%.c,build/tsan/tests/%,$(TSAN_UNITS)) $(VENV_READY) ## threaded tests under ThreadSanitizer
	@echo "threaded tests (ThreadSanitizer)"
	$(Q)tests/run_units.sh $(filter build/tsan/tests/%,$^)
	$(Q)TSAN_OPTIONS="halt_on_error=1 suppressions=$(CURDIR)/tests/tsan.supp" EMBEDD=build/tsan/embedd $(PYTEST) $(ON_ALL_CORES) tests/http -m "not slow_under_tsan"
	$(Q)TSAN_OPTIONS="halt_on_error=1 suppressions=$(CURDIR)/tests/tsan.supp" EMBEDD=build/tsan/embedd $(PYTEST) tests/fault/test_unreadable_models.py

# ---- fuzzing ----

FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_SECONDS ?= 600

# gcc has no libFuzzer: the replay of the corpora uses a plain main.
build/asan/fuzz/%: build/asan/tests/fuzz/fuzz_%.c.o build/asan/tests/fuzz/replay.c.o build/asan/rooms.a
	$(call SAY,LD,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(CFLAGS_asan) $(LDFLAGS) $^ -o $@ $(LIBS)

.PHONY: replay
replay: $(FUZZERS:%=build/asan/fuzz/%) ## replay the fuzz corpora under AddressSanitizer
	@echo "fuzz corpora"
	$(Q)for name in $(FUZZERS); do build/asan/fuzz/$$name tests/fuzz/corpus/$$name || exit 1; done

FUZZ_CFLAGS := -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
               -fno-sanitize-recover=undefined -Wno-missing-field-initializers

build/fuzz/%.o: % Makefile | $(DEPS_FIRST)
	$(call SAY,CLANG,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(CFLAGS_ALL) $(FUZZ_CFLAGS) $(ISA_$(ARCH)/$<) -MMD -MP -c $< -o $@
-include $(call files_under,build/fuzz,*.d)

build/fuzz/fuzz_%: build/fuzz/tests/fuzz/fuzz_%.c.o $(LIBRARY:%=build/fuzz/%.o)
	$(call SAY,LD,$@)
	$(Q)$(CLANG) -fsanitize=fuzzer,address,undefined -pthread $^ -o $@ $(LIBS)

.PHONY: fuzz
fuzz: $(FUZZERS:%=build/fuzz/fuzz_%) ## fuzz each target for FUZZ_SECONDS (600); findings go to build/fuzz/found
	$(Q)mkdir -p build/fuzz/found
	$(Q)for name in $(FUZZERS); do mkdir -p build/fuzz/corpus/$$name && \
		build/fuzz/fuzz_$$name $$(test -f tests/fuzz/$$name.dict && echo -dict=tests/fuzz/$$name.dict) \
		-max_total_time=$(FUZZ_SECONDS) -artifact_prefix=build/fuzz/found/$$name- \
		-timeout=10 -rss_limit_mb=4096 build/fuzz/corpus/$$name tests/fuzz/corpus/$$name || exit 1; done

# ---- measuring ----

BENCH_PROGRAMS := $(addprefix build/release/bench/,canned openload tokenize encode open registry route turns)
build/release/bench/%: build/release/bench/%.c.o build/release/rooms.a
	$(call SAY,LD,$@)
	$(Q)$(CC) $(CFLAGS_ALL) $(CFLAGS_release) $(LDFLAGS) $^ -o $@ $(LIBS)

# Python's model2vec, pinned. 150 MB.
BENCH_VENV := build/model2vec/venv/bin/python
BENCH_VENV_READY := build/model2vec/venv/ready
$(BENCH_VENV_READY): bench/requirements.txt | $(DEPS_FIRST)
	$(call SAY,VENV,$<)
	$(Q)$(PYTHON) -m venv --clear build/model2vec/venv
	$(Q)$(BENCH_VENV) -m pip install --quiet --no-deps --disable-pip-version-check -r $<
	$(Q)touch $@

.PHONY: bench
bench: build/embedd $(BENCH_PROGRAMS) $(VENV_READY) $(BENCH_VENV_READY) | $(DEPS_FIRST) ## measure speed; table, and build/bench.json
	$(Q)$(PYTHON) bench/run.py $(ARGS)

# Python packages of the recipe of the built-in model and of its measuring, pinned. 250 MB.
BUILTIN_VENV := build/builtin/venv/bin/python
BUILTIN_VENV_READY := build/builtin/venv/ready
$(BUILTIN_VENV_READY): tools/builtin/requirements.txt | $(DEPS_FIRST)
	$(call SAY,VENV,$<)
	$(Q)$(PYTHON) -m venv --clear build/builtin/venv
	$(Q)$(BUILTIN_VENV) -m pip install --quiet --no-deps --disable-pip-version-check -r $<
	$(Q)touch $@

BUILTIN_DATA = --data "$(or $(DATA),../shared/data)"

.PHONY: builtin-model
builtin-model: $(BUILTIN_VENV_READY) ## make the built-in model again: the three steps below (50 minutes, or five hours without AVX-512; ARGS=--quick: 5 minutes, to see that each works); DATA=folder of the sets
	$(Q)$(BUILTIN_VENV) tools/builtin/tokens/make.py $(BUILTIN_DATA)
	$(Q)$(BUILTIN_VENV) tools/builtin/teach.py $(BUILTIN_DATA) $(ARGS)
	$(Q)$(BUILTIN_VENV) tools/builtin/learn.py $(BUILTIN_DATA) $(ARGS)

.PHONY: builtin-tokens
builtin-tokens: $(BUILTIN_VENV_READY) ## its tokenizer (2 minutes); DATA=folder of the sets
	$(Q)$(BUILTIN_VENV) tools/builtin/tokens/make.py $(BUILTIN_DATA) $(ARGS)

.PHONY: builtin-teachers
builtin-teachers: $(BUILTIN_VENV_READY) ## the teachers' vectors of the lines it learns from (40 minutes and more; goes on where it was); DATA=folder of the sets
	$(Q)$(BUILTIN_VENV) tools/builtin/teach.py $(BUILTIN_DATA) $(ARGS)

.PHONY: builtin-rows
builtin-rows: $(BUILTIN_VENV_READY) ## its rows, from the teachers' vectors (10 minutes); DATA=folder of the sets
	$(Q)$(BUILTIN_VENV) tools/builtin/learn.py $(BUILTIN_DATA) $(ARGS)

.PHONY: bench-quality
bench-quality: build/embedd $(BUILTIN_VENV_READY) ## measure how good vectors are (ARGS="--model FOLDER", "--test": and trained classifiers); DATA=folder; build/bench-quality.json
	$(Q)$(BUILTIN_VENV) bench/quality.py $(if $(DATA),--data "$(DATA)") $(ARGS)

.PHONY: cov
cov: $(call unit_programs,cov) ## coverage of the unit tests; build/cov/report/index.html
	$(Q)find build/cov -name '*.gcda' -delete
	$(Q)tests/run_units.sh $^
	$(Q)lcov -q -c -d build/cov -b . -o build/cov/all.info && \
		lcov -q -e build/cov/all.info $(ROOMS:%='$(CURDIR)/%/*') -o build/cov/lcov.info && \
		genhtml -q -p '$(CURDIR)' build/cov/lcov.info -o build/cov/report
	$(Q)lcov --summary build/cov/lcov.info 2>&1 | sed -n "s|^ *lines\.*: |lines covered by unit tests: |p"
	@echo build/cov/report/index.html

# ---- house keeping ----

.PHONY: format format-check
format: ## format every C file
	$(Q)clang-format -i $(FORMATTED)

format-check: | $(DEPS_FIRST) ## fail where a C file is not formatted
	$(Q)clang-format --dry-run --Werror $(FORMATTED)

.PHONY: layers
layers: | $(DEPS_FIRST) ## fail where a room includes what it must not see, bytes go past server/wire.c, a message names a flag
	$(Q).ci/layers
	$(Q).ci/wire
	$(Q)$(PYTHON) .ci/words

.PHONY: floors
floors: ## draw docs/floors.svg from the includes
	$(Q).ci/layers --picture > docs/floors.svg

.PHONY: headers
headers: | $(DEPS_FIRST) ## fail where a header does not compile alone
	$(Q)printf '%s\n' $(HEADERS) | xargs -P $$(nproc) -I {} \
		$(CC) $(CFLAGS_ALL) -Werror -fsyntax-only -include {} -x c /dev/null
	@echo "headers: $(words $(HEADERS)), each compiles alone"

.PHONY: style
style: format-check layers $(VENV_READY) ## format and dependency order, then long or tangled functions as places to look
	$(Q)$(VENV) -m lizard -i -1 -L 70 -a 6 -C 15 -w $(ROOMS) bench

.PHONY: tidy
tidy: | $(DEPS_FIRST) ## static analysis (cppcheck)
	$(Q)cppcheck --quiet --std=c11 --enable=warning,portability,performance --inline-suppr \
		--error-exitcode=1 --suppress=missingIncludeSystem --suppress=invalidPointerCast \
		--suppress=uninitvar:model/text/unicode/bert_normalizer.c \
		--suppress=uninitvar:model/text/unicode/charsmap.c -I. $(ROOMS) bench

.PHONY: docs docs-check
docs: build/embedd ## write docs/CONFIG.md and the sample file from the list of options
	$(Q)build/embedd config --markdown > docs/CONFIG.md
	$(Q)build/embedd config --sample > docs/embedd.sample.json

docs-check: build/embedd ## fail where they are not what the list of options says
	$(Q)build/embedd config --markdown | cmp - docs/CONFIG.md
	$(Q)build/embedd config --sample | cmp - docs/embedd.sample.json

.PHONY: page page-check
page: ## put web/ together: the page that browsers get at /
	$(Q)$(PYTHON) web/build.py

page-check: ## fail where the page is not what web/ makes
	$(Q)$(PYTHON) web/build.py --check

.PHONY: lesson
lesson: build/embedd ## write build/lesson.html: the page's chain as one file that needs no server
	$(Q)$(PYTHON) web/lesson.py build/embedd build/lesson.html

# A quarter of a minute's work: the library is asked about every code point there is.
UNICODE_TABLES := unicode_tables.c script_ranges.c
MAKE_UNICODE_TABLES = $(VENV) tools/unicode/make_tables.py > build/unicode_tables.c && \
	$(VENV) tools/unicode/make_scripts.py > build/script_ranges.c
.PHONY: unicode-tables unicode-tables-check
unicode-tables: $(VENV_READY) ## write the tables of characters, as the reference library of the tests has them
	$(Q)$(MAKE_UNICODE_TABLES)
	$(Q)mv $(addprefix build/,$(UNICODE_TABLES)) model/text/unicode

unicode-tables-check: $(VENV_READY) ## fail where they are not what their script makes
	@echo "tables of characters"
	$(Q)$(MAKE_UNICODE_TABLES)
	$(Q)for table in $(UNICODE_TABLES); do cmp build/$$table model/text/unicode/$$table || \
		{ echo "make unicode-tables writes them anew"; exit 1; }; done

# They are made of the lists in an npm package, pinned. Nobody needs npm but to make them again.
.PHONY: openai-ids
openai-ids: | $(DEPS_FIRST) ## write the tables of OpenAI's token ids, from the lists in a package of npm's
	$(Q)mkdir -p build/openai_ids
	$(Q)cp tools/openai_ids/package.json tools/openai_ids/package-lock.json build/openai_ids
	$(Q)npm ci --prefix build/openai_ids --ignore-scripts --no-audit --no-fund --silent
	$(Q)$(PYTHON) tools/openai_ids/make_tables.py build/openai_ids/node_modules/gpt-tokenizer/data model/text/openai

.PHONY: docker
docker: ## build the container image with docker, podman or buildah
	$(Q)docker/build.sh $(VERSION)

# As root: the root folder of an image is entered by chroot. Nothing is asked of a registry.
.PHONY: test-image
test-image: $(VENV_READY) ## build the image by buildah on a base made here, run what is in it (as root)
	@echo "the image"
	$(Q)$(PYTEST) tests/image

# axe-core, which looks at pages for what some people could not use, pinned.
BROWSER_READY := build/browser/ready
$(BROWSER_READY): tests/browser/package-lock.json | $(DEPS_FIRST)
	$(call SAY,NPM,$<)
	$(Q)if ! command -v npm >/dev/null; then echo "no npm: axe-core is left out"; else \
		mkdir -p $(@D) && cp $(<D)/package.json $< $(@D) && \
		(cd $(@D) && npm ci --silent --ignore-scripts --no-audit --no-fund) && touch $@; fi

# Each view once, without what a model or a look more would say.
.PHONY: browser
browser: build/embedd $(VENV_READY) ## the page at / in a real browser (chromium), in short
	@echo "the page in a browser"
	$(Q)$(PYTEST) tests/browser -m short

.PHONY: test-browser
test-browser: build/embedd $(VENV_READY) $(BROWSER_READY) ## use the page at /, draw those that commands write, ask from a page, in a real browser (chromium)
	@echo "pages in a browser"
	$(Q)$(PYTEST) tests/browser

.PHONY: test-swap
test-swap: build/embedd build/asan/embedd $(VENV_READY) ## three models swapped every second under load: SWAP_REQUESTS (150000) are asked
	@echo "models swapped under load"
	$(Q)for program in build/embedd build/asan/embedd; do SWAP_REQUESTS=$(or $(SWAP_REQUESTS),150000) EMBEDD=$$program \
		$(PYTEST) -s tests/http/test_models.py -k every_second || exit 1; done

# Clients that people have, each family in an environment of its own, pinned: CLIENTS in all. The scripts of Node
# are reached through a link beside its packages, where it looks for them.
CLIENTS := build/clients
CLIENTS_PYTHON := $(patsubst tests/clients/%/requirements.txt,$(CLIENTS)/%/ready,$(wildcard tests/clients/*/requirements.txt))
$(CLIENTS_PYTHON): $(CLIENTS)/%/ready: tests/clients/%/requirements.txt | $(DEPS_FIRST)
	$(call SAY,VENV,$<)
	$(Q)$(PYTHON) -m venv --clear $(@D)
	$(Q)$(@D)/bin/python -m pip install --quiet --no-deps --no-compile --disable-pip-version-check -r $<
	$(Q)touch $@

$(CLIENTS)/node/ready: tests/clients/node/package-lock.json | $(DEPS_FIRST)
	$(call SAY,NPM,$<)
	$(Q)if ! command -v npm >/dev/null; then echo "no npm: clients of Node are left out"; else \
		mkdir -p $(@D) && cp $(<D)/package.json $< $(@D) && \
		(cd $(@D) && npm ci --silent --ignore-scripts --no-audit --no-fund) && \
		ln -sfn $(CURDIR)/$(<D) $(@D)/scripts && touch $@; fi

# Those of compiled languages; the script knows which tools they need, and what becomes of them without.
CLIENTS_BUILT := $(foreach language,go java rust,$(CLIENTS)/$(language)/ready)
$(foreach language,go java rust,$(eval $(CLIENTS)/$(language)/ready: $(wildcard tests/clients/$(language)/*)))
$(CLIENTS_BUILT): $(CLIENTS)/%/ready: tests/clients/build.sh | $(DEPS_FIRST)
	$(call SAY,BUILD,tests/clients/$*)
	$(Q)tests/clients/build.sh $*

# Other targets run them where they were built already.
CLIENTS_WANTED := $(if $(filter clients,$(MAKECMDGOALS)),$(CLIENTS_BUILT),$(wildcard $(CLIENTS_BUILT)))

.PHONY: clients
clients: build/asan/embedd $(VENV_READY) $(CLIENTS_PYTHON) $(CLIENTS)/node/ready $(CLIENTS_WANTED) ## clients that people have, on their defaults (1.3 GB of packages); CASES=500: of the description, for each route
	@echo "clients that people have"
	$(Q)EMBEDD=build/asan/embedd $(PYTEST) tests/clients

INSTALLED := bin/embedd include/embedd.h lib/libembedd.a lib/$(LIB_FILE) lib/$(LIB_SONAME) lib/libembedd.so \
             lib/pkgconfig/embedd.pc share/man/man3/libembedd.3

.PHONY: install uninstall
install: build/embedd library ## install program, library, header, pkg-config file, man page into DESTDIR PREFIX
	$(Q)install -D -m 755 build/release/embedd "$(DESTDIR)$(PREFIX)/bin/embedd"
	$(Q)install -D -m 644 include/embedd.h "$(DESTDIR)$(PREFIX)/include/embedd.h"
	$(Q)install -D -m 644 build/release/lib/libembedd.a "$(DESTDIR)$(PREFIX)/lib/libembedd.a"
	$(Q)install -D -m 755 build/release/lib/$(LIB_FILE) "$(DESTDIR)$(PREFIX)/lib/$(LIB_FILE)"
	$(Q)ln -sf $(LIB_FILE) "$(DESTDIR)$(PREFIX)/lib/$(LIB_SONAME)"
	$(Q)ln -sf $(LIB_SONAME) "$(DESTDIR)$(PREFIX)/lib/libembedd.so"
	$(Q)install -D -m 644 library/embedd.pc.in "$(DESTDIR)$(PREFIX)/lib/pkgconfig/embedd.pc"
	$(Q)sed -i -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' -e 's|@LIBS@|$(LIB_LIBS)|' \
		"$(DESTDIR)$(PREFIX)/lib/pkgconfig/embedd.pc"
	$(Q)install -D -m 644 library/libembedd.3 "$(DESTDIR)$(PREFIX)/share/man/man3/libembedd.3"

uninstall: ## remove what install has put there
	$(Q)rm -f $(INSTALLED:%="$(DESTDIR)$(PREFIX)/%")

.PHONY: clean
clean: ## remove what was built (not the packages: build/venv, build/builtin, build/clients, build/model2vec, build/python, build/engines)
	$(Q)rm -rf $(filter-out build/venv build/builtin build/clients build/model2vec build/python build/engines,$(wildcard build/*))

.PHONY: help
help: ## list the targets
	$(Q)awk -F ':.*## ' '/^[a-z-]+( [a-z-]+)*:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile

# Objects are worth keeping, half-written files are not.
.SECONDARY:
.DELETE_ON_ERROR:
