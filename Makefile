# make help lists what can be asked for.
#
# Objects are compiled once per flavour into build/<flavour>/; each room of idp/ becomes an
# archive, and a test links its own room and the rooms below it: the layers hold at link time too.
.DEFAULT_GOAL = help

# The demo: its folder and addresses can be changed, e.g. make run DEMO=/tmp/region PORT=8090.
DEMO           = build/demo
PORT           = 8080
ASSISTANT_PORT = 17681
PLATFORM_PORT  = 9000
AUTHORITY_PORT = 8500
MAIL_PORT      = 2525

CC      = gcc
FLAVOUR = check
OUT     = build/$(FLAVOUR)

WARN    = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
          -Wpointer-arith -Wcast-qual -Wcast-align -Wwrite-strings -Wformat=2 -Wundef -Wvla \
          -Wswitch-enum -Wnull-dereference -Wimplicit-fallthrough -Werror
HARDEN  = -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE
HARDEN_LINK = -pie -Wl,-z,relro,-z,now
MODE    = -O2 -g $(HARDEN)
MODE_LINK = $(HARDEN_LINK)
STD     = -std=c17 -D_POSIX_C_SOURCE=200809L
PQ_FLAGS := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags libpq 2>/dev/null))
CPPFLAGS = $(STD) -Iidp -Iclients $(PQ_FLAGS)
CFLAGS  = $(CPPFLAGS) $(WARN) $(MODE) -pthread

# The rooms, low to high; the rooms of one line do not know each other.
LOW_base     =
LOW_store    = base
LOW_net      = base
LOW_http     = net store base
LOW_jose     = net store base
LOW_pki      = net store base
LOW_notify   = net store base
L3           = http jose pki notify $(LOW_http)
LOW_enterprise = $(L3)
LOW_client   = $(L3)
LOW_evidence = $(L3)
LOW_access   = enterprise client evidence $(L3)
L5           = access $(LOW_access)
LOW_oauth    = $(L5)
LOW_portal   = $(L5)
LOW_operate  = $(L5)
ROOMS   = oauth portal operate access enterprise client evidence http jose pki notify net store base
TOP     = $(filter-out idp/main.c,$(wildcard idp/*.c))

EXTERNAL = -lmicrohttpd -lgnutls -ljwt -ljansson -lsqlite3 -lpq -lhiredis -lcurl -lssl -lcrypto -lm

obj      = $(patsubst %.c,$(OUT)/obj/%.o,$(1))
room_src = $(sort $(shell find idp/$(1) -name '*.c' 2>/dev/null))
room_lib = $(OUT)/lib/$(1).a

# --- what a newcomer asks for --------------------------------------------------------------------
help: ## what can be asked for
	@grep -hE '^[a-z-]+:.*##' $(firstword $(MAKEFILE_LIST)) | sed -E 's/:[^#]*## /\t/' | expand -t 16

run: ## set everything up and run the demo region in the foreground (Ctrl-C stops it)
	@scripts/install-packages.sh
	@$(MAKE) --no-print-directory ready
	@node demo/run.mjs --folder $(DEMO) --port $(PORT) --assistant-port $(ASSISTANT_PORT) \
	    --platform-port $(PLATFORM_PORT) --authority-port $(AUTHORITY_PORT) \
	    --mail-port $(MAIL_PORT)

check: ## set everything up and pass every test
	@scripts/install-packages.sh
	@$(MAKE) --no-print-directory ready
	@$(MAKE) --no-print-directory -j2 build/tests.list conformance-tests/node_modules
	@node scripts/run-tests.mjs

lint: ## format, clang-tidy, gcc -fanalyzer, layers, prettier, eslint, vue-tsc, shellcheck
	@scripts/install-packages.sh
	@$(MAKE) --no-print-directory idp/web/node_modules build/check/gen/schema_scripts.c
	@scripts/lint.sh

sanitize: ## unit tests under ASan + UBSan (gcc and clang) and TSan, end-to-end tests against ASan
	@scripts/install-packages.sh
	@scripts/sanitize.sh

bench: ## speed and memory, as ratios against a ceiling measured in the same run
	@scripts/install-packages.sh
	@$(MAKE) --no-print-directory ready
	@$(MAKE) --no-print-directory -j2 bench-programs conformance-tests/node_modules
	@node conformance-tests/bench/run.mjs

fuzz: ## libFuzzer on each parser for a minute (FUZZ_SECONDS=60)
	@scripts/install-packages.sh
	@scripts/fuzz.sh $(FUZZ_SECONDS)
FUZZ_SECONDS = 60

sm2-long: $(OUT)/tests/pki/sm2_test ## random SM2 signatures, good and altered, by our arithmetic and by OpenSSL
	@TAMGA_TEST_SM2_ROUNDS=$(SM2_ROUNDS) $<
SM2_ROUNDS = 100000

weather: ## nodes, stores and disks fail under load; every acknowledged result is looked up afterwards
	@scripts/install-packages.sh
	@$(MAKE) --no-print-directory ready
	@$(MAKE) --no-print-directory conformance-tests/node_modules
	@node conformance-tests/weather/run.mjs --amount $(WEATHER)
WEATHER = 1

mutants: ## remove each countermeasure of SECURITY in turn and show that its test fails
	@scripts/install-packages.sh
	@$(MAKE) --no-print-directory -j2 $(OUT)/tests.list
	@node scripts/mutants.mjs

package: ## build the assistant's .deb into build/packages
	@$(MAKE) --no-print-directory build/packages/packages.json

clean: ## remove everything that was built
	rm -rf build idp/web/node_modules conformance-tests/node_modules

# --- what the above need --------------------------------------------------------------------------
PROGRAMS = build/bin/tamga-idp build/bin/tamgactl build/bin/tamga-assistant build/bin/tamga-platform

ready: ## build the programs, the pages and the packages, without starting anything
	@$(MAKE) --no-print-directory -j2 $(PROGRAMS) build/doubles/skf-double.so build/web/portal/index.html
	@$(MAKE) --no-print-directory build/packages/packages.json

idp/web/node_modules: idp/web/package-lock.json
	@echo "  npm ci (pages)"
	@cd idp/web && npm ci --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

conformance-tests/node_modules: conformance-tests/package-lock.json
	@echo "  npm ci (end-to-end tests)"
	@cd conformance-tests && npm ci --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

PAGES = $(shell find idp/web/portal idp/web/*.ts idp/web/package.json -type f 2>/dev/null)
build/web/portal/index.html: $(PAGES) | idp/web/node_modules
	@echo "  vite build"
	@cd idp/web && npm run --silent build >/dev/null
	@touch $@

build/doubles/skf-double.so: $(wildcard conformance-tests/doubles/skf/*.[ch])
	@mkdir -p $(@D)
	@echo "  cc $@"
	@$(CC) $(STD) $(WARN) -O2 -shared -fPIC -fvisibility=hidden $(filter %.c,$^) -lcrypto -o $@

build/packages/packages.json: build/bin/tamga-assistant scripts/package-assistant.sh
	@scripts/package-assistant.sh

# --- rooms ------------------------------------------------------------------------------------
define room_rules
$$(call room_lib,$(1)): $$(call obj,$$(call room_src,$(1)))
	@mkdir -p $$(@D) && rm -f $$@
	@ar rcs $$@ $$^
$$(OUT)/tests/$(1)/%_test: $$(OUT)/obj/idp/tests/$(1)/%_test.o $$(call room_lib,$(1)) $$(foreach r,$$(LOW_$(1)),$$(call room_lib,$$(r))) $$(call obj,$$(call test_help,$(1) $$(LOW_$(1))))
	@mkdir -p $$(@D)
	@echo "  link $$@"
	@$$(CC) $$(MODE) $$(MODE_LINK) -pthread $$(filter-out %.a,$$^) $$(filter %.a,$$^) $$(EXTERNAL) -lcmocka -o $$@
endef
# What tests share: with all rooms (free ports, temporary folders), and with those above their room.
TEST_HELP = $(sort $(wildcard idp/tests/*.c))
test_help = $(TEST_HELP) $(filter-out %_test.c,$(sort $(wildcard $(patsubst %,idp/tests/%/*.c,$(1)))))
$(foreach r,$(ROOMS),$(eval $(call room_rules,$(r))))

$(OUT)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  cc $<"
	@$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

# --- programs ---------------------------------------------------------------------------------
ROOM_LIBS = $(foreach r,$(ROOMS),$(call room_lib,$(r)))

$(OUT)/bin/tamga-idp: $(call obj,idp/main.c $(TOP)) $(ROOM_LIBS)
	@mkdir -p $(@D)
	@echo "  link $@"
	@$(CC) $(MODE) $(MODE_LINK) -pthread $^ $(EXTERNAL) -o $@

# Tests of the top: config, setup, jobs, and the rooms together.
$(OUT)/tests/top/%_test: $(OUT)/obj/idp/tests/top/%_test.o $(call obj,$(TOP) $(call test_help,top $(ROOMS))) $(ROOM_LIBS)
	@mkdir -p $(@D)
	@echo "  link $@"
	@$(CC) $(MODE) $(MODE_LINK) -pthread $^ $(EXTERNAL) -lcmocka -o $@

# The programs that make run starts, where people look for them.
build/bin/%: build/check/bin/%
	@mkdir -p $(@D)
	@ln -sf ../check/bin/$* $@

TESTS = $(patsubst idp/tests/%.c,$(OUT)/tests/%,$(sort $(shell find idp/tests -mindepth 2 -name '*_test.c' 2>/dev/null)))

ROOM = base
rooms: $(filter $(OUT)/tests/$(ROOM)/%,$(TESTS)) ## build and run the unit tests of one room: make rooms ROOM=pki
	@for t in $^; do $$t || exit 1; done

# --- fuzz targets, replayed over their kept corpora -----------------------------------------------
FUZZ     = $(patsubst idp/fuzz/%_fuzz.c,%,$(sort $(wildcard idp/fuzz/*_fuzz.c)))
REPLAYS  = $(FUZZ:%=$(OUT)/fuzz/%_replay)
$(OUT)/fuzz/%_replay: $(OUT)/obj/idp/fuzz/%_fuzz.o $(OUT)/obj/idp/fuzz/replay.o $(ROOM_LIBS)
	@mkdir -p $(@D)
	@echo "  link $@"
	@$(CC) $(MODE) $(MODE_LINK) -pthread $^ $(EXTERNAL) -o $@

-include $(shell find $(OUT)/obj -name '*.d' 2>/dev/null)
.SECONDARY:
.PHONY: help run check lint sanitize bench fuzz sm2-long weather mutants package clean ready rooms fuzz-targets

fuzz-targets: $(FUZZ:%=$(OUT)/targets/%)
$(OUT)/targets/%: $(OUT)/obj/idp/fuzz/%_fuzz.o $(ROOM_LIBS)
	@mkdir -p $(@D)
	@$(CC) $(subst fuzzer-no-link,fuzzer,$(MODE)) -pthread $^ $(EXTERNAL) -o $@

# --- parts that bring their own rules -------------------------------------------------------------
-include idp/store/rules.mk
-include clients/rp/rules.mk
-include clients/platform/rules.mk
-include clients/assistant/rules.mk
-include clients/ctl/rules.mk
-include conformance-tests/bench/rules.mk

# Every unit test and replay of this flavour, by name.
ALL_TESTS = $(TESTS) $(CLIENT_TESTS) $(REPLAYS)
$(OUT)/tests.list: $(ALL_TESTS)
	@printf '%s\n' $(ALL_TESTS) >$@
build/tests.list: build/check/tests.list
	@cp $< $@
