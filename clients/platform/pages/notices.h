/* The platform's notices. */
#pragma once

#include "platform/page.h"

void notices_put(struct page *page);
