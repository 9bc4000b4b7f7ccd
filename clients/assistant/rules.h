/*
 * Who may ask the assistant what: the rules of the loopback service, as a function of a request's
 * line and headers alone.
 *
 * Any page of any site can reach a port of 127.0.0.1, in several ways without the browser asking
 * first (a form, an image, a name that resolves to 127.0.0.1). So only a request passes that names
 * us in Host, comes from a page of the provider's origin, and has the form that a browser lets
 * another site send only after asking us (docs/architecture.md, "Signing in with a lock").
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "assistant/settings.h"
#include "assistant/trouble.h"

/* What counts of a request. A header that is not there is NULL. All borrowed. */
struct rules_request {
    const char *method, *path;
    const char *host, *origin;
    const char *content_type;
    const char *agent;          /* X-Tamga-Agent */
    const char *fetch_mode;     /* Sec-Fetch-Mode */
    const char *content_length; /* NULL also when the body comes in chunks */
    bool repeated;              /* one of these headers stands there more than once */
};

enum rules_command { COMMAND_STATUS, COMMAND_CERTIFICATES, COMMAND_SIGN };

enum rules_verdict {
    RULES_PASS,      /* the command may run */
    RULES_PREFLIGHT, /* to be answered with what this origin may send (Fetch standard, CORS) */
    RULES_REFUSE,
};

struct rules_result {
    enum rules_verdict verdict;
    enum rules_command command; /* with RULES_PASS */
    unsigned int status;        /* with RULES_REFUSE */
    enum trouble trouble;       /* likewise */
    const char *rule;           /* likewise: which one, for the log */
    bool known_origin;          /* the page may read the answer: CORS for rq->origin */
};

struct rules_result rules_check(const struct settings *settings, const struct rules_request *rq);
