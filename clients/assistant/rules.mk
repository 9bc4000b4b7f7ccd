# The assistant: $(OUT)/bin/tamga-assistant, its tests in CLIENT_TESTS, its fuzz targets.
ASSISTANT_DIR  = clients/assistant
ASSISTANT_SRC  = $(sort $(wildcard $(ASSISTANT_DIR)/*.c $(ASSISTANT_DIR)/os/*_linux.c))
ASSISTANT_OBJ  = $(call obj,$(filter-out $(ASSISTANT_DIR)/main.c,$(ASSISTANT_SRC)))
# What reaches a lock, for others who need one (clients/ctl).
ASSISTANT_LOCK = certificate lock message origin pkcs11 secret settings signature skf trouble
LOCK_OBJ       = $(call obj,$(ASSISTANT_LOCK:%=$(ASSISTANT_DIR)/%.c) $(ASSISTANT_DIR)/os/os_linux.c)
ASSISTANT_LIBS = -lmicrohttpd -ljansson -lcrypto -ldl
ASSISTANT_TEST = $(OUT)/$(ASSISTANT_DIR)/tests
ASSISTANT_HELP = $(call obj,$(ASSISTANT_DIR)/tests/medium.c)
P11_CFLAGS    := $(shell pkg-config --cflags p11-kit-1)

$(OUT)/obj/$(ASSISTANT_DIR)/pkcs11.o: CFLAGS += $(P11_CFLAGS)
$(OUT)/obj/$(ASSISTANT_DIR)/tests/lock_test.o: CFLAGS += $(P11_CFLAGS)

$(OUT)/bin/tamga-assistant: $(OUT)/obj/$(ASSISTANT_DIR)/main.o $(ASSISTANT_OBJ) $(OUT)/lib/base.a
	@mkdir -p $(@D)
	@echo "  link $@"
	@$(CC) $(MODE) $(MODE_LINK) -pthread $^ $(ASSISTANT_LIBS) -o $@

# Libraries that stand in for vendors' drivers. They are loaded by the tests, never linked, and so
# built without the flavour's own flags.
ASSISTANT_DOUBLES = $(ASSISTANT_TEST)/skf-double-64.so $(ASSISTANT_TEST)/skf-double-32.so \
                    $(ASSISTANT_TEST)/fault-pkcs11.so
DOUBLE_CC = @mkdir -p $(@D) && echo "  cc $@" && $(CC) $(STD) -O1 -g -shared -fPIC
SKF_DOUBLE = $(sort $(wildcard conformance-tests/doubles/skf/*.c))

$(ASSISTANT_TEST)/skf-double-64.so: $(SKF_DOUBLE)
	$(DOUBLE_CC) -fvisibility=hidden $^ -lcrypto -o $@
$(ASSISTANT_TEST)/skf-double-32.so: $(SKF_DOUBLE)
	$(DOUBLE_CC) -fvisibility=hidden -DTAMGA_SKF_ULONG32 $^ -lcrypto -o $@
$(ASSISTANT_TEST)/fault-pkcs11.so: $(ASSISTANT_DIR)/tests/fault-pkcs11.c
	$(DOUBLE_CC) $(P11_CFLAGS) $^ -ldl -o $@

$(OUT)/obj/$(ASSISTANT_DIR)/tests/%.o: CFLAGS += -DTEST_LIBRARIES='"$(ASSISTANT_TEST)"' -DTEST_PROGRAM='"$(OUT)/bin/tamga-assistant"'

$(ASSISTANT_TEST)/%_test: $(OUT)/obj/$(ASSISTANT_DIR)/tests/%_test.o $(ASSISTANT_HELP) $(ASSISTANT_OBJ) $(OUT)/lib/base.a | $(ASSISTANT_DOUBLES) $(OUT)/bin/tamga-assistant
	@mkdir -p $(@D)
	@echo "  link $@"
	@$(CC) $(MODE) $(MODE_LINK) $(ASSISTANT_LINK) -pthread $(filter-out %.a,$^) $(filter %.a,$^) $(ASSISTANT_LIBS) -lcmocka -o $@

CLIENT_TESTS += $(patsubst $(ASSISTANT_DIR)/tests/%.c,$(ASSISTANT_TEST)/%,$(sort $(wildcard $(ASSISTANT_DIR)/tests/*_test.c)))

# What is fuzzed is also replayed by corpus_test, over the kept corpora. The targets play the drivers
# themselves, so their functions have to be found by name: -rdynamic.
ASSISTANT_FUZZ     = $(patsubst $(ASSISTANT_DIR)/fuzz/%.c,%,$(wildcard $(ASSISTANT_DIR)/fuzz/assistant_*.c))
ASSISTANT_FEED     = $(call obj,$(ASSISTANT_DIR)/fuzz/feed.c)
ASSISTANT_FUZZ_OBJ = $(call obj,$(ASSISTANT_FUZZ:%=$(ASSISTANT_DIR)/fuzz/%.c)) $(ASSISTANT_FEED)

$(OUT)/obj/$(ASSISTANT_DIR)/fuzz/assistant_pkcs11.o: CFLAGS += $(P11_CFLAGS)
$(ASSISTANT_TEST)/corpus_test: $(ASSISTANT_FUZZ_OBJ)
$(ASSISTANT_TEST)/corpus_test: ASSISTANT_LINK = -rdynamic

fuzz-targets: $(ASSISTANT_FUZZ:%=$(OUT)/targets/%)
$(ASSISTANT_FUZZ:%=$(OUT)/targets/%): $(OUT)/targets/%: $(ASSISTANT_DIR)/fuzz/target.c $(OUT)/obj/$(ASSISTANT_DIR)/fuzz/%.o $(ASSISTANT_FEED) $(ASSISTANT_OBJ) $(OUT)/lib/base.a
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) $(subst fuzzer-no-link,fuzzer,$(MODE)) -DFUZZ=$* -rdynamic -pthread $^ $(ASSISTANT_LIBS) -o $@
