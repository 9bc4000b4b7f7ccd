#pragma once

/* The version of the program; that of its database is schema_of_program(). */
#define TAMGA_VERSION "0.1.0"
