#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pki/crl/crl_index.h"
#include "tests/pki/crl_make.h"
#include "tests/pki_region.h"

enum { DAY = 86400 };

static EVP_PKEY *key;
static X509 *issuer;

static struct {
    unsigned char *der;
    size_t len;
    struct crl_list list;
    struct crl_index *index;
} w;

static int make_issuer(void **state)
{
    static const struct region_pair name[] = {{"CN", "an authority"}, {NULL, NULL}};
    static const struct region_pair none[] = {{NULL, NULL}};
    (void)state;
    key = region_key("P-256");
    issuer = region_issue(&(struct region_certificate){
        .key = key,
        .issuer_key = key,
        .subject = name,
        .extensions = none,
        .from = REGION_NOW,
        .to = REGION_NOW + DAY,
    });
    return 0;
}

static int free_issuer(void **state)
{
    (void)state;
    X509_free(issuer);
    EVP_PKEY_free(key);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    crl_index_free(w.index);
    free(w.der);
    memset(&w, 0, sizeof(w));
    return 0;
}

static void load(const struct crl_making_entry *entries, size_t random)
{
    const struct crl_making how = {
        .issuer = issuer,
        .key = key,
        .this_update = REGION_NOW,
        .next_update = REGION_NOW + DAY,
        .number = "01",
        .entries = entries,
        .random = random,
    };
    (void)tear_down(NULL);
    w.der = crl_make(&how, &w.len);
    assert_int_equal(crl_read(w.der, w.len, &w.list), CRL_SOUND);
    assert_int_equal(crl_index_new(&w.list, &w.index), IDP_OK);
}

static bool find(const char *hex, struct crl_record *out)
{
    unsigned char serial[CRL_SERIAL_MAX];
    size_t len = strlen(hex) / 2;
    for (size_t i = 0; i < len; i++) {
        const char digits[] = {hex[2 * i], hex[2 * i + 1], '\0'};
        serial[i] = (unsigned char)strtoul(digits, NULL, 16);
    }
    return crl_index_find(w.index, serial, len, out);
}

static void every_entry_is_found_and_only_they(void **state)
{
    static const size_t sizes[] = {1, 2, 3, 50, 1000, 70000};
    struct crl_record record;
    struct crl_record found;
    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        load(NULL, sizes[i]);
        for (struct der entries = w.list.entries; crl_read_entry(&entries, &record);) {
            unsigned char other[16];
            assert_true(crl_index_find(w.index, record.serial.at, record.serial.len, &found));
            assert_ptr_equal(found.serial.at, record.serial.at);
            memcpy(other, record.serial.at, sizeof(other));
            other[i] ^= 1;
            assert_false(crl_index_find(w.index, other, sizeof(other), &found));
        }
    }
}

static void an_empty_list_lists_nothing(void **state)
{
    struct crl_record found;
    (void)state;
    load(NULL, 0);
    assert_false(find("01", &found));
}

/* The oracle looks through all entries. */
static const struct crl_making_entry *look_through(const struct crl_making_entry *entries,
                                                   const char *serial)
{
    static const int badness[11] = {2, 2, 2, 2, 2, 2, 1, 2, 0, 2, 2};
    const struct crl_making_entry *found = NULL;
    for (; entries->serial != NULL; entries++) {
        if (strcmp(entries->serial, serial) != 0)
            continue;
        int more = found == NULL ? 1 : badness[entries->reason] - badness[found->reason];
        if (more > 0 || (more == 0 && entries->at < found->at))
            found = entries;
    }
    return found;
}

static void it_agrees_with_who_looks_through_all_entries(void **state)
{
    enum { ENTRIES = 600, SERIALS = 200 };
    static const int reasons[] = {0, 1, 4, 6, 8};
    struct crl_making_entry entries[ENTRIES + 1] = {{.serial = NULL}};
    char serials[2 * SERIALS][5];
    struct crl_record found;
    (void)state;
    srand(20261122); /* NOLINT(cert-msc51-cpp): the same each time */
    for (int i = 0; i < 2 * SERIALS; i++)
        (void)snprintf(serials[i], sizeof(serials[i]), "%02x%02x", 1 + i % 100, i / 100);
    for (int i = 0; i < ENTRIES; i++)
        entries[i] = (struct crl_making_entry){.serial = serials[rand() % SERIALS],
                                               .at = REGION_NOW - rand() % 1000,
                                               .reason = reasons[rand() % 5]};
    load(entries, 0);
    for (int i = 0; i < 2 * SERIALS; i++) {
        const struct crl_making_entry *expected = look_through(entries, serials[i]);
        assert_int_equal(find(serials[i], &found), expected != NULL);
        if (expected == NULL)
            continue;
        assert_int_equal(found.reason, expected->reason == 0 ? -1 : expected->reason);
        assert_int_equal(found.revoked_at, expected->at);
    }
}

static void the_worst_of_several_entries_counts(void **state)
{
    static const struct crl_making_entry entries[] = {
        {.serial = "05", .at = REGION_NOW - 3, .reason = 8},
        {.serial = "05", .at = REGION_NOW - 2, .reason = 6},
        {.serial = "05", .at = REGION_NOW - 1, .reason = 1},
        {.serial = "05", .at = REGION_NOW - 4, .reason = 6},
        {.serial = "06", .at = REGION_NOW - 2, .reason = 8},
        {.serial = "06", .at = REGION_NOW - 1, .reason = 6},
        {.serial = NULL},
    };
    struct crl_record found;
    (void)state;
    load(entries, 0);
    assert_true(find("05", &found));
    assert_int_equal(found.reason, 1);
    assert_true(find("06", &found));
    assert_int_equal(found.reason, CRL_REASON_ON_HOLD);
}

/* An authority may write one serial into its list as often as 64 MiB allow. Were all of them read
 * at each look-up, this would take minutes. */
static void many_entries_of_one_serial_are_looked_at_once(void **state)
{
    enum { MANY = 100000 };
    struct crl_making_entry *entries = calloc(MANY + 1, sizeof(*entries));
    struct crl_record found;
    (void)state;
    for (int i = 0; i < MANY; i++)
        entries[i] = (struct crl_making_entry){
            .serial = "05", .at = REGION_NOW - 1, .reason = i == MANY / 2 ? 1 : 6};
    load(entries, 10);
    for (int i = 0; i < MANY; i++)
        assert_true(find("05", &found));
    assert_int_equal(found.reason, 1);
    free(entries);
}

static void a_serial_is_compared_whole(void **state)
{
    static const struct crl_making_entry entries[] = {
        {.serial = "0100"}, {.serial = "01"}, {.serial = "ff"}, {.serial = NULL}};
    struct crl_record found;
    (void)state;
    load(entries, 0);
    assert_true(find("01", &found));
    assert_true(find("0100", &found));
    assert_true(find("ff", &found));
    assert_false(find("010000", &found));
    assert_false(find("00", &found));
    assert_false(find("00ff", &found));
    assert_false(find("", &found));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_entry_is_found_and_only_they, tear_down),
        cmocka_unit_test_teardown(an_empty_list_lists_nothing, tear_down),
        cmocka_unit_test_teardown(it_agrees_with_who_looks_through_all_entries, tear_down),
        cmocka_unit_test_teardown(the_worst_of_several_entries_counts, tear_down),
        cmocka_unit_test_teardown(many_entries_of_one_serial_are_looked_at_once, tear_down),
        cmocka_unit_test_teardown(a_serial_is_compared_whole, tear_down),
    };
    return cmocka_run_group_tests_name("pki/crl_index", tests, make_issuer, free_issuer);
}
