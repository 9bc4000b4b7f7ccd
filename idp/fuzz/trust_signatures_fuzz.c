/* Any bytes as what trust managers signed of a list. Whoever writes files or the database chooses
 * them. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "pki/trust/trust.h"
#include "pki/trust/trust_signatures.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The corpus has signatures over this text, for this issuer. */
static const char text[] = "a trust list";
static const struct trust trust = {.document = text, .document_len = sizeof(text) - 1, .number = 1};
static const struct trust_managers managers = {.origin = "https://idp.example", .any_key = true};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *why = NULL;
    struct trust_signature_list list;
    const struct trust_signatures document = {"signatures", (const char *)data, size};
    enum idp_err err = trust_signatures_judge(&managers, &document, &trust, &why, &list);
    if ((err == IDP_BAD_REQUEST) != (why != NULL))
        abort();
    for (size_t i = 0; err == IDP_OK && i < list.count; i++)
        if (list.list[i].fault == TRUST_NO_FAULT && !list.list[i].has_key)
            abort();
    free(why);
    return 0;
}
