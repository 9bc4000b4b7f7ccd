#include "ctl/day.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "pki/certificate_time.h"

enum { DAY_SECONDS = 86400, EPOCH_WEEKDAY = 4 /* 1970 began on a Thursday */, AGO_MAX = 36500 };

static bool weekday_of(const char *word, int64_t today, int64_t *out)
{
    static const char *const names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};
    for (int i = 0; i < 7; i++) {
        if (strcasecmp(word, names[i]) != 0)
            continue;
        *out = today - (today + EPOCH_WEEKDAY - i) % 7;
        return true;
    }
    return false;
}

static bool days_ago(const char *word, int64_t today, int64_t *out)
{
    size_t digits = strspn(word, "0123456789");
    if (digits == 0 || digits > 5 || strcmp(word + digits, "d") != 0)
        return false;
    long days = strtol(word, NULL, 10);
    *out = today - days;
    return days <= AGO_MAX;
}

static bool date_of(const char *word, int64_t *out)
{
    char moment[sizeof("2026-11-22T00:00:00Z")];
    int64_t seconds = 0;
    if (strlen(word) != DAY_TEXT_SIZE - 1)
        return false;
    (void)snprintf(moment, sizeof(moment), "%.10sT00:00:00Z", word);
    if (!certificate_time_parse(moment, &seconds))
        return false;
    *out = seconds / DAY_SECONDS;
    return true;
}

bool day_of(const char *word, int64_t today, int64_t *out)
{
    return weekday_of(word, today, out) || days_ago(word, today, out) || date_of(word, out);
}

void day_text(int64_t day, char out[DAY_TEXT_SIZE])
{
    struct tm parts;
    time_t seconds = (time_t)(day * DAY_SECONDS);
    out[0] = '\0';
    if (gmtime_r(&seconds, &parts) != NULL)
        (void)strftime(out, DAY_TEXT_SIZE, "%Y-%m-%d", &parts);
}
