# tamga-platform: the demo trading platforms, and its tests.
PLATFORM_OBJ = $(call obj,$(sort $(filter-out clients/platform/main.c,$(wildcard clients/platform/*.c clients/platform/pages/*.c))))
PLATFORM_MAIN = $(call obj,clients/platform/main.c)
PLATFORM_LINK = $(RP_LIB) $(call room_lib,http) $(call room_lib,base)
PLATFORM_EXTERNAL = -lmicrohttpd -lgnutls $(RP_EXTERNAL)

$(call obj,clients/platform/assets_data.c): clients/platform/style.css clients/platform/hills.svg

$(OUT)/bin/tamga-platform: $(PLATFORM_MAIN) $(PLATFORM_OBJ) $(PLATFORM_LINK)
	@mkdir -p $(@D)
	@echo "  link $@"
	@$(CC) $(MODE) $(MODE_LINK) -pthread $(filter-out %.a,$^) $(filter %.a,$^) $(PLATFORM_EXTERNAL) -o $@

PLATFORM_TESTS = $(patsubst clients/%.c,$(OUT)/clients/%,$(sort $(wildcard clients/platform/tests/*_test.c)))
PLATFORM_TEST_HELP = $(call obj,$(filter-out %_test.c,$(sort $(wildcard clients/platform/tests/*.c)))) \
	$(call obj,clients/rp/tests/fake_provider.c clients/rp/tests/fake_tokens.c) $(call obj,idp/tests/help.c)
CLIENT_TESTS += $(PLATFORM_TESTS)

$(PLATFORM_TESTS): $(OUT)/clients/platform/tests/%: $(OUT)/obj/clients/platform/tests/%.o $(PLATFORM_TEST_HELP) $(PLATFORM_OBJ) $(PLATFORM_LINK)
	@mkdir -p $(@D)
	@echo "  link $@"
	@$(CC) $(MODE) $(MODE_LINK) -pthread $(filter-out %.a,$^) $(filter %.a,$^) $(PLATFORM_EXTERNAL) -lcmocka -o $@
