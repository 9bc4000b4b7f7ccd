/* The unified social credit code (统一社会信用代码, GB 32100-2015). */
#pragma once

#include <stdbool.h>

enum { USCC_LEN = 18 };

/*
 * Says whether text is 18 characters of the code's alphabet (no I, O, S, V, Z; upper case) with a
 * right check character. The organisation code's own check character inside (GB 11714) is not
 * looked at: newer numbers need not obey it.
 */
bool uscc_is_valid(const char *text);
