/* The columns of enterprises and locks: how every reading of this room names and reads them. */
#pragma once

#include <stddef.h>

#include "enterprise/enterprise.h"
#include "enterprise/lock.h"

struct sql_rows;

/* Of the table called e, for cells_enterprise(). */
#define CELLS_ENTERPRISE                                                                           \
    "e.id, e.uscc, e.name, e.standing, e.city, e.legal_representative, e.phone, e.address, "       \
    "e.email, e.entity_types"

/* Of the table called l, for cells_lock(). */
#define CELLS_LOCK                                                                                 \
    "l.id, l.authority, l.key_hash, l.key_number, l.certificate_hash, l.serial, l.not_after, "     \
    "l.role, l.unbound, l.rights_ended"

/* How many columns each is. */
enum { CELLS_OF_ENTERPRISE = 10, CELLS_OF_LOCK = 10 };

/* Reads them where they begin at column `first`; texts are those of the rows. */
struct enterprise cells_enterprise(const struct sql_rows *rows, size_t row, size_t first);
struct lock cells_lock(const struct sql_rows *rows, size_t row, size_t first);
