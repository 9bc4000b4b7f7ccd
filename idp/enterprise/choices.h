/* What a bidder chooses from when the enterprise is bound: the cities and the entity types. */
#pragma once

#include <stddef.h>

struct choice {
    const char *id, *zh, *en;
    const char *group; /* west or east; NULL for entity types */
};

/* Each list ends with a NULL id. */
extern const struct choice enterprise_cities[];
extern const struct choice enterprise_entity_types[];

/* The entry, or NULL. */
const struct choice *enterprise_choice_find(const struct choice *list, const char *id);
