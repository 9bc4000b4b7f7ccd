#include "assistant/fuzz/fuzz.h"

#include <string.h>

uint8_t feed_byte(struct feed *feed)
{
    if (feed->left == 0)
        return 0;
    feed->left--;
    return *feed->at++;
}

size_t feed_number(struct feed *feed)
{
    size_t high = feed_byte(feed);
    return high << 8 | feed_byte(feed);
}

void feed_bytes(struct feed *feed, void *out, size_t len)
{
    size_t n = len < feed->left ? len : feed->left;
    memset(out, 0, len);
    memcpy(out, feed->at, n);
    feed->at += n;
    feed->left -= n;
}
