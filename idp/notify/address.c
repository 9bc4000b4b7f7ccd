#include "notify/address.h"

#include <stddef.h>
#include <string.h>

enum { ADDRESS_MAX = 254, LOCAL_MAX = 64, LABEL_MAX = 63 };

#define LETTERS_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* Words of these characters with single dots between them, len bytes in all; returns how many
 * words there are, 0 when it is anything else. */
static size_t count_words(const char *text, size_t len, const char *characters, size_t word_max)
{
    size_t words = 0;
    size_t at = 0;
    do {
        size_t n = strspn(text + at, characters);
        if (n == 0 || n > word_max)
            return 0;
        words++;
        at += n + 1;
    } while (at <= len && text[at - 1] == '.');
    return at == len + 1 ? words : 0;
}

bool notify_is_address(const char *text)
{
    static const char atom[] = LETTERS_DIGITS "!#$%&'*+-/=?^_`{|}~";
    const char *at = strrchr(text, '@');
    if (at == NULL || strlen(text) > ADDRESS_MAX || at - text > LOCAL_MAX)
        return false;
    return count_words(text, (size_t)(at - text), atom, LOCAL_MAX) >= 1 &&
           count_words(at + 1, strlen(at + 1), LETTERS_DIGITS "-", LABEL_MAX) >= 2;
}
