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
