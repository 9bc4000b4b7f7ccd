# librp: an archive that a platform links, and its tests.
RP_LIB  = $(OUT)/lib/librp.a
RP_LINK = $(RP_LIB) $(call room_lib,base)
RP_EXTERNAL = -ljwt -ljansson -lcurl -lcrypto

$(RP_LIB): $(call obj,$(sort $(wildcard clients/rp/*.c)))
	@mkdir -p $(@D) && rm -f $@
	@ar rcs $@ $^

RP_TESTS = $(patsubst clients/%.c,$(OUT)/clients/%,$(sort $(wildcard clients/rp/tests/*_test.c)))
RP_TEST_HELP = $(call obj,$(filter-out %_test.c,$(sort $(wildcard clients/rp/tests/*.c))))
CLIENT_TESTS += $(RP_TESTS)

$(RP_TESTS): $(OUT)/clients/rp/tests/%: $(OUT)/obj/clients/rp/tests/%.o $(RP_TEST_HELP) $(RP_LINK)
	@mkdir -p $(@D)
	@echo "  link $@"
	@$(CC) $(MODE) $(MODE_LINK) -pthread $(filter-out %.a,$^) $(filter %.a,$^) $(RP_EXTERNAL) -lcmocka -o $@
