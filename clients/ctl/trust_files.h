/* Trust lists and their signatures as files; "-" is standard input. */
#pragma once

struct ctl;
struct trust;
struct trust_signatures;

/* What a file is called in complaints. */
const char *trust_files_name(const char *file);

/* Reads and checks a list, signed or not. Returns 0, or an exit code when it has complained. */
int trust_files_read(struct ctl *ctl, const char *file, struct trust **out);

/* The file beside a list that holds its signatures, or NULL without memory. */
const char *trust_files_beside(struct ctl *ctl, const char *list);

/* Reads a document with signatures into the arena, whatever it holds. Returns as above. */
int trust_files_signatures(struct ctl *ctl, const char *file, struct trust_signatures *out);
