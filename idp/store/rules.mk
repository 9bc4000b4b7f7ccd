# The scripts of schema/ go into the program: migrate.c runs them.
SCHEMA_SCRIPTS = $(sort $(wildcard schema/[0-9]*.sql))

$(OUT)/gen/schema_scripts.c: scripts/embed-schema.sh $(SCHEMA_SCRIPTS)
	@mkdir -p $(@D)
	@echo "  gen $@"
	@scripts/embed-schema.sh $(SCHEMA_SCRIPTS) >$@.new && mv $@.new $@

$(OUT)/obj/gen/schema_scripts.o: $(OUT)/gen/schema_scripts.c
	@mkdir -p $(@D)
	@echo "  cc $<"
	@$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

$(OUT)/lib/store.a: $(OUT)/obj/gen/schema_scripts.o

# The disk of a test's PostgreSQL, which a test can fill.
build/doubles/full-disk.so: conformance-tests/doubles/full-disk/full-disk.c
	@mkdir -p $(@D)
	@echo "  cc $@"
	@$(CC) $(STD) $(WARN) -O2 -shared -fPIC $< -o $@

$(OUT)/tests/store/postgres_test: | build/doubles/full-disk.so
