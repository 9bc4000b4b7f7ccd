/*
 * The companies that have filed with a platform: one small JSON file each in the platform's data
 * folder, so that a platform started again still knows them.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "platform/settings.h"
#include "platform/visitor.h"

struct arena;
struct filings;

enum { FILING_CONTACT_MAX = 40 }; /* characters */

/*
 * Opens the folder, which is made when it is not there. Returns IDP_UNAVAILABLE and a text in why
 * when it cannot be written; IDP_FAULT.
 */
enum idp_err filings_open(const char *folder, char why[SETTINGS_WHY_MAX], struct filings **out);

/* NULL is allowed. */
void filings_close(struct filings *filings);

/*
 * Finds the contact person that the company filed, the arena's. Reads a file. Returns
 * IDP_NOT_FOUND for a company that has not filed, IDP_UNAVAILABLE when the file cannot be read.
 */
enum idp_err filing_find(const struct filings *filings, struct arena *arena, const char *subject,
                         const char **contact);

/*
 * Remembers a company, durably, before it returns. A second filing replaces the first. Returns
 * IDP_UNAVAILABLE when the file cannot be written; then the first one still stands.
 */
enum idp_err filing_keep(const struct filings *filings, struct arena *arena,
                         const struct visitor *visitor, const char *contact, int64_t now);
