/* Who came, as rows of a list. */
#pragma once

#include "platform/page.h"
#include "platform/visitor.h"

/* Name, USCC, entity types. */
void who_put_company(struct page *page, const struct visitor *visitor);

/* The certificate's identity, and how and when the lock was used. */
void who_put_proof(struct page *page, const struct visitor *visitor);
