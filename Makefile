# make help lists what can be asked for.
#
# Objects are compiled once per flavour into build/<flavour>/; each room of idp/ becomes an
# archive, and a test links its own room and the rooms below it: the layers hold at link time too.
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
CPPFLAGS = $(STD) -Iidp -Iclients
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
ROOMS   = oauth portal access enterprise client evidence http jose pki notify net store base
TOP     = $(filter-out idp/main.c,$(wildcard idp/*.c))

EXTERNAL = -lmicrohttpd -ljwt -ljansson -lsqlite3 -lcurl -lssl -lcrypto -lm

obj      = $(patsubst %.c,$(OUT)/obj/%.o,$(1))
room_src = $(sort $(shell find idp/$(1) -name '*.c' 2>/dev/null))
room_lib = $(OUT)/lib/$(1).a

help: ## what can be asked for
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

# --- rooms ------------------------------------------------------------------------------------
define room_rules
$$(call room_lib,$(1)): $$(call obj,$$(call room_src,$(1)))
	@mkdir -p $$(@D) && rm -f $$@
	@ar rcs $$@ $$^
$$(OUT)/tests/$(1)/%_test: $$(OUT)/obj/idp/tests/$(1)/%_test.o $$(call room_lib,$(1)) $$(foreach r,$$(LOW_$(1)),$$(call room_lib,$$(r))) $$(call obj,$$(TEST_HELP))
	@mkdir -p $$(@D)
	@echo "  link $$@"
	@$$(CC) $$(MODE) $$(MODE_LINK) -pthread $$(filter-out %.a,$$^) $$(filter %.a,$$^) $$(EXTERNAL) -lcmocka -o $$@
endef
# What tests of several rooms share (free ports, temporary folders).
TEST_HELP = $(sort $(wildcard idp/tests/*.c))
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

# The programs that make run starts, where people look for them.
build/bin/%: build/check/bin/%
	@mkdir -p $(@D)
	@ln -sf ../check/bin/$* $@

TESTS = $(patsubst idp/tests/%.c,$(OUT)/tests/%,$(sort $(shell find idp/tests -mindepth 2 -name '*_test.c' 2>/dev/null)))

ROOM = base
rooms: $(filter $(OUT)/tests/$(ROOM)/%,$(TESTS)) ## build and run the unit tests of one room: make rooms ROOM=pki
	@for t in $^; do $$t || exit 1; done

-include $(shell find $(OUT)/obj -name '*.d' 2>/dev/null)
.SECONDARY:
.PHONY: help rooms

-include clients/rp/rules.mk
-include clients/platform/rules.mk
-include clients/assistant/rules.mk
-include clients/ctl/rules.mk
-include idp/store/rules.mk
