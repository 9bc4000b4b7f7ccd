# tamgactl: the operators' command line, and its tests, which run the program itself.
CTL_OBJ  = $(call obj,$(sort $(wildcard clients/ctl/*.c)) idp/config.c idp/config_mail.c)
CTL_LIBS = $(foreach r,access $(LOW_access),$(call room_lib,$(r)))

# Trust managers sign with a lock, which is reached by the assistant's own code.
$(OUT)/bin/tamgactl: $(CTL_OBJ) $(LOCK_OBJ) $(CTL_LIBS)
	@mkdir -p $(@D)
	@echo "  link $@"
	@$(CC) $(MODE) $(MODE_LINK) -pthread $(CTL_OBJ) $(LOCK_OBJ) $(CTL_LIBS) $(EXTERNAL) -ldl -o $@

CTL_TESTS = $(patsubst clients/%.c,$(OUT)/clients/%,$(sort $(wildcard clients/ctl/tests/*_test.c)))
CTL_TEST_HELP = $(call obj,$(filter-out %_test.c,$(sort $(wildcard clients/ctl/tests/*.c))) $(TEST_HELP))
CLIENT_TESTS += $(CTL_TESTS)

$(CTL_TESTS): $(OUT)/clients/ctl/tests/%: $(OUT)/obj/clients/ctl/tests/%.o $(CTL_TEST_HELP) $(CTL_LIBS) $(OUT)/bin/tamgactl
	@mkdir -p $(@D)
	@echo "  link $@"
	@$(CC) $(MODE) $(MODE_LINK) -pthread $(filter %.o,$^) $(filter %.a,$^) $(EXTERNAL) -lcmocka -o $@
