#include "pki/der_time.h"

enum { SECONDS_PER_DAY = 86400, UTC_LEN = 13, GENERALIZED_LEN = 15 };

struct date {
    int year, month, day, hour, minute, second;
};

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static bool read_two(const unsigned char *at, int min, int max, int *out)
{
    if (!is_digit(at[0]) || !is_digit(at[1]))
        return false;
    *out = (at[0] - '0') * 10 + (at[1] - '0');
    return *out >= min && *out <= max;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

/* What follows the year, with the Z. */
static bool read_rest(const unsigned char *at, struct date *date)
{
    return read_two(at, 1, 12, &date->month) &&
           read_two(at + 2, 1, days_in(date->year, date->month), &date->day) &&
           read_two(at + 4, 0, 23, &date->hour) && read_two(at + 6, 0, 59, &date->minute) &&
           read_two(at + 8, 0, 59, &date->second) && at[10] == 'Z';
}

/* Days since 1970 of a date of the Gregorian calendar: years begin in March, so that the leap day
 * is their last. */
static int64_t days_of(const struct date *date)
{
    int year = date->month > 2 ? date->year : date->year - 1;
    int month = (date->month + 9) % 12;
    int64_t days = (int64_t)year * 365 + year / 4 - year / 100 + year / 400;
    return days + (month * 153 + 2) / 5 + date->day - 1 - 719468;
}

bool der_time_read(const struct der_item *item, int64_t *out)
{
    struct date date = {.year = 0};
    int century = 0;
    const unsigned char *at = item->bytes;
    bool is_utc = item->tag == DER_UTC_TIME && item->len == UTC_LEN;
    bool is_generalized = item->tag == DER_GENERALIZED_TIME && item->len == GENERALIZED_LEN;
    if (!is_utc && !is_generalized)
        return false;
    if (is_generalized && !read_two(at, 1, 99, &century))
        return false;
    at += is_generalized ? 2 : 0;
    if (!read_two(at, 0, 99, &date.year))
        return false;
    if (is_utc)
        century = date.year < 50 ? 20 : 19;
    date.year += century * 100;
    if (!read_rest(at + 2, &date))
        return false;
    int seconds = (date.hour * 60 + date.minute) * 60 + date.second;
    *out = days_of(&date) * SECONDS_PER_DAY + seconds;
    return true;
}
