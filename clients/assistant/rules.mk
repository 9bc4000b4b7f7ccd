# The assistant: build/bin/tamga-assistant, and its tests in CLIENT_TESTS.
ASSISTANT_SRC  = $(sort $(wildcard clients/assistant/*.c clients/assistant/os/*_linux.c))
ASSISTANT_OBJ  = $(call obj,$(filter-out clients/assistant/main.c,$(ASSISTANT_SRC)))
ASSISTANT_HELP = $(call obj,$(sort $(filter-out %_test.c,$(wildcard clients/assistant/tests/*.c))))
ASSISTANT_LIBS = -lmicrohttpd -ljansson -lcrypto -ldl

$(OUT)/obj/clients/assistant/pkcs11.o: CFLAGS += $(shell pkg-config --cflags p11-kit-1)

$(OUT)/bin/tamga-assistant: $(OUT)/obj/clients/assistant/main.o $(ASSISTANT_OBJ) $(OUT)/lib/base.a
	@mkdir -p $(@D)
	@echo "  link $@"
	@$(CC) $(MODE) $(MODE_LINK) -pthread $^ $(ASSISTANT_LIBS) -o $@

build/bin/tamga-assistant: build/check/bin/tamga-assistant
	@mkdir -p $(@D)
	@ln -f $< $@

$(OUT)/clients/assistant/tests/%_test: $(OUT)/obj/clients/assistant/tests/%_test.o $(ASSISTANT_HELP) $(ASSISTANT_OBJ) $(OUT)/lib/base.a
	@mkdir -p $(@D)
	@echo "  link $@"
	@$(CC) $(MODE) $(MODE_LINK) -pthread $(filter-out %.a,$^) $(filter %.a,$^) $(ASSISTANT_LIBS) -lcmocka -o $@

CLIENT_TESTS += $(patsubst clients/assistant/tests/%.c,$(OUT)/clients/assistant/tests/%,$(sort $(wildcard clients/assistant/tests/*_test.c)))
