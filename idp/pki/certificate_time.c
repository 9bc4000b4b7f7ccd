#include "pki/certificate_time.h"

#include <stdio.h>
#include <time.h>

#include <openssl/asn1.h>

enum { SECONDS_PER_DAY = 86400, UTC_PLUS_8 = 8 * 3600 };

bool certificate_time_read(const ASN1_TIME *time, int64_t *out)
{
    int days = 0;
    int seconds = 0;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    bool good = time != NULL && epoch != NULL && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;
    ASN1_TIME_free(epoch);
    if (good)
        *out = (int64_t)days * SECONDS_PER_DAY + seconds;
    return good;
}

bool certificate_time_span(const X509 *certificate, int64_t *not_before, int64_t *not_after)
{
    return certificate_time_read(X509_get0_notBefore(certificate), not_before) &&
           certificate_time_read(X509_get0_notAfter(certificate), not_after) &&
           *not_before <= *not_after;
}

bool certificate_time_parse(const char *text, int64_t *out)
{
    static const char form[] = "0000-00-00T00:00:00Z";
    char digits[sizeof("YYYYMMDDHHMMSSZ")];
    size_t n = 0;
    for (size_t i = 0; i < sizeof(form); i++) {
        bool fits = form[i] == '0' ? text[i] >= '0' && text[i] <= '9' : text[i] == form[i];
        if (!fits)
            return false;
        if (form[i] == '0' || form[i] == 'Z')
            digits[n++] = text[i];
    }
    digits[n] = '\0';
    ASN1_TIME *time = ASN1_TIME_new();
    bool good = time != NULL && ASN1_TIME_set_string_X509(time, digits) == 1 &&
                certificate_time_read(time, out);
    ASN1_TIME_free(time);
    return good;
}

void certificate_time_text(int64_t seconds, char out[TIME_TEXT_SIZE])
{
    time_t shifted = (time_t)(seconds + UTC_PLUS_8);
    struct tm tm;
    if (gmtime_r(&shifted, &tm) == NULL ||
        strftime(out, TIME_TEXT_SIZE, "%Y-%m-%d %H:%M", &tm) == 0)
        out[0] = '\0';
}
