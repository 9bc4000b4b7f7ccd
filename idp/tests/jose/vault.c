#include "tests/jose/vault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "jose/master.h"
#include "store/migrate.h"
#include "store/sql.h"
#include "tests/help.h"

struct vault vault;

static struct master_key *key_of(unsigned char byte)
{
    unsigned char bytes[MASTER_KEY_SIZE];
    memset(bytes, byte, sizeof(bytes));
    struct master_key *key = master_key_new(bytes);
    assert_non_null(key);
    return key;
}

struct sql *vault_connect(void)
{
    char *why = NULL;
    struct sql *db = NULL;
    if (sql_open(vault.where, &why, &db) != IDP_OK)
        fail_msg("%s: %s", vault.where, why);
    return db;
}

void vault_open(enum database_kind kind)
{
    vault = (struct vault){.arena = arena_new(), .folder = help_temp_folder()};
    database_make(kind, vault.folder, vault.where);
    vault.db = vault_connect();
    assert_int_equal(migrate_run(vault.db), IDP_OK);
    faulty_sql_init(&vault.faulty, vault.db);
    vault.master = key_of(1);
    vault.next = key_of(2);
    vault.both = key_of(1);
    master_key_join(vault.both, key_of(2));
}

void vault_close(void)
{
    sql_close(vault.db);
    master_key_free(vault.master);
    master_key_free(vault.next);
    master_key_free(vault.both);
    help_remove_folder(vault.folder);
    free(vault.folder);
    arena_free(vault.arena);
}

void vault_execute(const char *statement)
{
    const struct sql_call call = {.text = statement};
    assert_int_equal(sql_execute(vault.db, &call, NULL), IDP_OK);
}

int64_t vault_number(const char *query)
{
    struct sql_rows rows;
    const struct sql_call call = {.text = query};
    assert_int_equal(sql_read_one(vault.db, vault.arena, &call, &rows), IDP_OK);
    return sql_cell_int(&rows, 0, 0);
}
