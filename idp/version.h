#pragma once

/* The version of the provider and of what belongs to it; the database's is migrate_version(). */
#define TAMGA_VERSION "0.1.0"
