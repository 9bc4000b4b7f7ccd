/*
 * What can go wrong between a page and a lock, each with the code that pages and scripts hear.
 * The codes are fixed: pages have a text of their own for each.
 */
#pragma once

enum trouble {
    TROUBLE_NONE = 0,
    TROUBLE_NO_LOCK,          /* none is plugged in */
    TROUBLE_SEVERAL_LOCKS,    /* the one meant has to be named */
    TROUBLE_LOCK_NOT_FOUND,   /* the named one is not there */
    TROUBLE_REMOVED,          /* unplugged while it was used */
    TROUBLE_UNSUITABLE,       /* holds no certificate that it can sign with */
    TROUBLE_PIN_WRONG,        /* refused by the lock; it may have been the last try */
    TROUBLE_PIN_BLOCKED,      /* no try is left */
    TROUBLE_PIN_LAST_TRY,     /* one try is left, and is not offered */
    TROUBLE_PIN_REQUIRED,     /* the page has to send it */
    TROUBLE_PIN_PAGE_REFUSED, /* the page may not send it */
    TROUBLE_NO_PROMPT,        /* the program that asks for the PIN does not work */
    TROUBLE_CANCELLED,        /* the holder closed the prompt, or let it wait too long */
    TROUBLE_BUSY,             /* another command is under way, or too many came */
    TROUBLE_BAD_CHALLENGE,
    TROUBLE_BAD_REQUEST,
    TROUBLE_FORBIDDEN,
    TROUBLE_DRIVER, /* the vendor's library failed or is not there */
    TROUBLE_FAULT,  /* out of memory, or a bug */
};

enum { TRIES_UNKNOWN = -1 };

/* The stable code, e.g. "pin_wrong". */
const char *trouble_code(enum trouble trouble);

/* The HTTP status that goes with it. */
unsigned int trouble_status(enum trouble trouble);

/* One sentence for the terminal, without a full stop. */
const char *trouble_text(enum trouble trouble);
