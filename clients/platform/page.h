/*
 * Pages written by the server: HTML with every text escaped, in the visitor's language, in the
 * frame that all pages of a platform share.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/http.h"

struct page {
    struct request *rq;
    bool english; /* else Chinese */
    char *text;
    size_t len;
    bool failed; /* too long, out of memory, or a text was missing */
};

enum { PAGE_MAX = 65536 };

/* What a page that takes the language in its query declares. */
extern const struct param page_params[];

/*
 * Adds html, in which each {} is replaced by the next of the texts, escaped for element content
 * and for values in double quotes. The list of texts ends with NULL; one too few spoils the page.
 */
void page_put(struct page *page, const char *html, ...) __attribute__((sentinel));

/* The one of two texts that is in the visitor's language. */
const char *page_say(const struct page *page, const char *zh, const char *en);

/* A moment in China Standard Time, as "2026-01-31 09:05". The text is the arena's; NULL: failed. */
const char *page_moment(const struct page *page, int64_t seconds);

/*
 * Begins a page: head, title, the platform's name, the switch of languages. Remembers the language
 * when the query sets it.
 */
struct page page_begin(struct request *rq, struct response *rs, const char *title_zh,
                       const char *title_en);

/* Ends and answers it. Returns IDP_FAULT when the page failed. */
enum idp_err page_end(struct page *page, struct response *rs, int status);

/* A form's hidden token, without which its POST is refused. */
void page_put_token(struct page *page);
