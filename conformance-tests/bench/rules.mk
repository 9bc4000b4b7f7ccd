# The programs of make bench: they load a server, and measure bare what a call cannot avoid.
BENCH_NAMES = bench-load bench-answers bench-bare bench-sign bench-stores bench-verify bench-crl
BENCH_OUT   = build/bench/bin
bench_obj   = $(patsubst %,$(OUT)/obj/conformance-tests/bench/%.o,$(1))
BENCH_BASE  = $(call room_lib,base)

bench-programs: $(BENCH_NAMES:%=$(BENCH_OUT)/%)
.PHONY: bench-programs

$(BENCH_OUT)/bench-load: $(call bench_obj,load player requests) $(BENCH_BASE)
$(BENCH_OUT)/bench-answers: $(call bench_obj,answers)
$(BENCH_OUT)/bench-bare: $(call bench_obj,bare bare_clock bare_crypto bare_kv bare_sql) $(BENCH_BASE)
$(BENCH_OUT)/bench-stores: $(call bench_obj,stores)
$(BENCH_OUT)/bench-verify: $(call bench_obj,verify verify_world bare_clock) \
    $(call obj,idp/tests/pki_region.c idp/tests/pki/crl_make.c) $(ROOM_LIBS)
	@mkdir -p $(@D)
	@echo "  link $@"
	@$(CC) $(MODE) $(MODE_LINK) -pthread $^ $(EXTERNAL) -o $@
$(BENCH_OUT)/bench-crl: $(call bench_obj,crl bare_clock) \
    $(call obj,idp/tests/pki_region.c idp/tests/help.c idp/tests/pki/crl_make.c) $(ROOM_LIBS)
	@mkdir -p $(@D)
	@echo "  link $@"
	@$(CC) $(MODE) $(MODE_LINK) -pthread $^ $(EXTERNAL) -o $@
$(BENCH_OUT)/bench-sign: $(call bench_obj,sign) $(BENCH_BASE)
$(BENCH_OUT)/%:
	@mkdir -p $(@D)
	@echo "  link $@"
	@$(CC) $(MODE) $(MODE_LINK) -pthread $^ -lmicrohttpd -lsqlite3 -lpq -lhiredis -lcrypto -o $@
