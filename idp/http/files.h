/*
 * Files of the pages, read into memory once at start and served as fixed answers.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "http/http.h"

struct http_files;

/*
 * Reads every regular file below folder (at most 512 files, 32 MiB in all; names of letters,
 * digits, '.', '-', '_' only; links are not followed). Files below assets/ are named by their
 * content and may be cached for a year; all others have to be asked for anew. Returns
 * IDP_UNAVAILABLE and a text in *why (the caller frees it) when a file cannot be read, has another
 * name or a type that is not known.
 */
enum idp_err http_files_load(const char *folder, char **why, struct http_files **out);

/* NULL is allowed. */
void http_files_free(struct http_files *files);

/* The answer for a path such as "assets/index-1a2b.js", or NULL. */
const struct http_fixed *http_files_find(const struct http_files *files, const char *path);
