/* What a trust list would change: readings of locks by the list in use and by the one on trial. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>

#include "base/arena.h"
#include "net/net.h"
#include "pki/trust/trial.h"
#include "pki/trust/trial_services.h"
#include "pki/trust/trust.h"
#include "tests/pki_region.h"

#define OTHER_USCC "91150200MA0TEAT28J"
#define SECOND_PLACE "1.3.6.1.4.1.32473.1.9" /* another extension with a credit code */

enum { BELL, SPRUCE, PERSON, LOCKS };

static struct region_authority authority;
static struct region_holder locks[LOCKS];

static struct {
    struct arena *arena;
    json_t *before, *after; /* entries of the authority in both lists */
    struct trust *used, *tried;
    struct trial trial;
    struct trial_certificate made[LOCKS], *list[LOCKS];
} w;

/* --- the world ------------------------------------------------------------------------------- */

static const struct region_pair spruce_subject[] = {{"C", "CN"}, {"CN", "云杉机电"}, {NULL, NULL}};

/* Both locks have the same credit code in the second place. */
#define COMMON                                                                                     \
    {"basicConstraints", "CA:FALSE"}, {"keyUsage", "critical,digitalSignature"},                   \
        {"extendedKeyUsage", "clientAuth"}, {"subjectKeyIdentifier", "hash"},                      \
        {"authorityKeyIdentifier", "keyid"},                                                       \
    {                                                                                              \
        SECOND_PLACE, "ASN1:PRINTABLESTRING:" REGION_USCC                                          \
    }
static const struct region_pair bell_extensions[] = {
    COMMON,
    {"certificatePolicies", "1.3.6.1.4.1.32473.1.1.1,1.3.6.1.4.1.32473.1.2.15"},
    {"1.2.156.10260.4.1.4", "ASN1:PRINTABLESTRING:" REGION_USCC},
    {"1.3.6.1.4.1.32473.1.3", "ASN1:PRINTABLESTRING:KEY0001"},
    {NULL, NULL}};
static const struct region_pair spruce_extensions[] = {
    COMMON,
    {"certificatePolicies", "1.3.6.1.4.1.32473.1.1.1,1.3.6.1.4.1.32473.1.2.15"},
    {"1.2.156.10260.4.1.4", "ASN1:PRINTABLESTRING:" OTHER_USCC},
    {"1.3.6.1.4.1.32473.1.3", "ASN1:PRINTABLESTRING:KEY0002"},
    {NULL, NULL}};
static const struct region_pair person_extensions[] = {
    COMMON,
    {"certificatePolicies", "1.3.6.1.4.1.32473.1.1.2,1.3.6.1.4.1.32473.1.2.15"},
    {"1.3.6.1.4.1.32473.1.3", "ASN1:PRINTABLESTRING:KEY0003"},
    {NULL, NULL}};

static int make_locks(void **state)
{
    (void)state;
    const struct region_lock how[LOCKS] = {
        [BELL] = {.extensions = bell_extensions},
        [SPRUCE] = {.extensions = spruce_extensions, .subject = spruce_subject},
        [PERSON] = {.extensions = person_extensions},
    };
    region_authority_make(&authority, "one", "P-256");
    for (size_t i = 0; i < LOCKS; i++)
        region_lock_make(&authority, &how[i], &locks[i]);
    return 0;
}

static int free_locks(void **state)
{
    (void)state;
    for (size_t i = 0; i < LOCKS; i++)
        region_lock_clear(&locks[i]);
    region_authority_clear(&authority);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    w.arena = arena_new();
    w.before = region_entry(&authority);
    w.after = region_entry(&authority);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    trust_free(w.used);
    trust_free(w.tried);
    w.used = w.tried = NULL;
    arena_free(w.arena);
    return 0;
}

static json_t *profile(json_t *entry)
{
    return json_object_get(entry, "profile");
}

/* The credit code is read in the second place. */
static void read_second_place(json_t *entry)
{
    json_t *place = json_pack("[{s:s,s:[s]}]", "extension", SECOND_PLACE, "types", "printable");
    assert_int_equal(json_object_set_new(profile(entry), "uscc", place), 0);
}

static struct trust *list_of(json_t *entry)
{
    char *why = NULL;
    struct trust *trust = NULL;
    json_t *entries[] = {entry, NULL};
    json_t *list = region_trust_list(entries);
    char *text = json_dumps(list, 0);
    if (trust_parse("list", text, strlen(text), &why, &trust) != IDP_OK)
        fail_msg("%s", why);
    free(text);
    json_decref(list);
    return trust;
}

/* Puts the list on trial. */
static void put_on_trial(void)
{
    w.used = list_of(w.before);
    w.tried = list_of(w.after);
    w.trial = (struct trial){.before = w.used, .after = w.tried, .now = REGION_NOW};
    for (size_t i = 0; i < LOCKS; i++) {
        w.made[i] = (struct trial_certificate){.hash = arena_printf(w.arena, "hash%zu", i),
                                               .serial = "0A",
                                               .der = locks[i].der,
                                               .der_len = locks[i].der_len};
        w.list[i] = &w.made[i];
        assert_int_equal(trial_read(&w.trial, w.arena, &w.made[i]), IDP_OK);
    }
}

static size_t find_collisions(struct trial_collision **out)
{
    size_t found = 0;
    assert_int_equal(trial_collisions(w.arena, w.list, LOCKS, out, &found), IDP_OK);
    return found;
}

/* --- readings -------------------------------------------------------------------------------- */

static void same_list_changes_nothing(void **state)
{
    (void)state;
    struct trial_collision *collisions = NULL;
    put_on_trial();
    for (size_t i = 0; i < LOCKS; i++)
        assert_int_equal(w.made[i].change, TRIAL_SAME);
    assert_int_equal(w.made[BELL].after.reason, PKI_REASONS);
    assert_string_equal(w.made[BELL].after.uscc, REGION_USCC);
    assert_string_equal(w.made[SPRUCE].after.uscc, OTHER_USCC);
    assert_string_equal(w.made[SPRUCE].after.name, "云杉机电");
    assert_string_equal(w.made[SPRUCE].after.key_number, "KEY0002");
    assert_string_equal(w.made[SPRUCE].after.authority, "one");
    assert_int_equal(w.made[PERSON].after.reason, PKI_PERSONAL);
    assert_int_equal(find_collisions(&collisions), 0);
}

static void who_would_not_be_accepted_any_more_is_told_with_the_reason(void **state)
{
    (void)state;
    json_t *limits = json_object_get(w.after, "limits");
    assert_int_equal(json_object_set_new(limits, "max_days", json_integer(30)), 0);
    put_on_trial();
    assert_int_equal(w.made[BELL].change, TRIAL_LOST);
    assert_int_equal(w.made[BELL].before.reason, PKI_REASONS);
    assert_int_not_equal(w.made[BELL].after.reason, PKI_REASONS);
    assert_string_equal(w.made[BELL].after.authority, "one");
}

static void authority_that_goes_takes_its_locks_with_it(void **state)
{
    (void)state;
    struct region_authority two;
    region_authority_make(&two, "two", "P-256");
    json_decref(w.after);
    w.after = region_entry(&two);
    put_on_trial();
    region_authority_clear(&two);
    assert_int_equal(w.made[BELL].change, TRIAL_LOST);
    assert_int_equal(w.made[BELL].after.reason, PKI_AUTHORITY_UNKNOWN);
    assert_null(w.made[BELL].after.authority);
    assert_int_equal(w.made[PERSON].change, TRIAL_REFUSED_OTHERWISE);
}

static void who_would_be_accepted_from_now_on_is_told(void **state)
{
    (void)state;
    json_t *limits = json_object_get(w.before, "limits");
    assert_int_equal(json_object_set_new(limits, "max_days", json_integer(30)), 0);
    put_on_trial();
    assert_int_equal(w.made[BELL].change, TRIAL_GAINED);
}

static void before_the_first_list_nobody_is_accepted(void **state)
{
    (void)state;
    put_on_trial();
    w.trial.before = NULL;
    assert_int_equal(trial_read(&w.trial, w.arena, &w.made[BELL]), IDP_OK);
    assert_int_equal(w.made[BELL].change, TRIAL_GAINED);
    assert_int_equal(w.made[BELL].before.reason, PKI_AUTHORITY_UNKNOWN);
}

static void name_that_is_read_elsewhere_is_told(void **state)
{
    (void)state;
    json_t *place = json_pack("[{s:s}]", "subject", "2.5.4.6");
    assert_int_equal(json_object_set_new(profile(w.after), "name", place), 0);
    put_on_trial();
    assert_int_equal(w.made[BELL].change, TRIAL_READ_OTHERWISE);
    assert_string_equal(w.made[BELL].after.name, "CN");
}

static void time_counts_as_at_a_sign_in(void **state)
{
    (void)state;
    put_on_trial();
    w.trial.now = REGION_NOW + 700 * (int64_t)REGION_DAY;
    assert_int_equal(trial_read(&w.trial, w.arena, &w.made[BELL]), IDP_OK);
    assert_int_equal(w.made[BELL].after.reason, PKI_EXPIRED);
    w.trial.now = REGION_NOW - 700 * (int64_t)REGION_DAY;
    assert_int_equal(trial_read(&w.trial, w.arena, &w.made[BELL]), IDP_OK);
    assert_int_equal(w.made[BELL].after.reason, PKI_NOT_YET_VALID);
}

static void bytes_that_are_no_certificate_are_refused_by_both(void **state)
{
    (void)state;
    put_on_trial();
    w.made[BELL].der_len--;
    assert_int_equal(trial_read(&w.trial, w.arena, &w.made[BELL]), IDP_OK);
    assert_int_equal(w.made[BELL].change, TRIAL_SAME);
    assert_int_equal(w.made[BELL].after.reason, PKI_SHAPE);
}

/* --- who would be taken for somebody else ---------------------------------------------------- */

static void two_enterprises_that_would_become_one_collide(void **state)
{
    (void)state;
    struct trial_collision *collisions = NULL;
    read_second_place(w.after);
    put_on_trial();
    assert_int_equal(w.made[SPRUCE].change, TRIAL_READ_OTHERWISE);
    assert_int_equal(find_collisions(&collisions), 1);
    assert_string_equal(collisions[0].one->after.uscc, REGION_USCC);
    assert_string_equal(collisions[0].other->after.uscc, REGION_USCC);
    assert_string_not_equal(collisions[0].one->before.uscc, collisions[0].other->before.uscc);
}

/* A company that was renamed has two names under one USCC, today as tomorrow. */
static void who_is_one_enterprise_already_does_not_collide(void **state)
{
    (void)state;
    struct trial_collision *collisions = NULL;
    read_second_place(w.before);
    read_second_place(w.after);
    put_on_trial();
    assert_int_equal(find_collisions(&collisions), 0);
}

static void names_decide_where_the_list_in_use_knows_nothing(void **state)
{
    (void)state;
    struct trial_collision *collisions = NULL;
    json_t *limits = json_object_get(w.before, "limits");
    assert_int_equal(json_object_set_new(limits, "max_days", json_integer(30)), 0);
    read_second_place(w.after);
    put_on_trial();
    assert_int_equal(w.made[BELL].change, TRIAL_GAINED);
    assert_int_equal(find_collisions(&collisions), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

/* --- services -------------------------------------------------------------------------------- */

static bool asks_its_service(void)
{
    size_t found = 0;
    struct trial_service *services = NULL;
    struct trial_asking asking = {.trial = &w.trial, .certificates = w.list, .count = LOCKS};
    assert_int_equal(net_new(NULL, &asking.net), IDP_OK);
    assert_int_equal(trial_services_ask(&asking, w.arena, &services, &found), IDP_OK);
    net_free(asking.net);
    assert_int_equal(found, 1);
    assert_false(services[0].good); /* nobody is there */
    return services[0].asked;
}

/* Attack: a list that nobody signed, and that somebody is asked to try, names an address in the
 * operators' own network. */
static void new_list_leads_to_no_address_inside_that_the_list_in_use_does_not_name(void **state)
{
    (void)state;
    put_on_trial();
    assert_true(asks_its_service());
    w.trial.before = NULL;
    assert_false(asks_its_service());
    trust_free(w.used);
    trust_free(w.tried);
    w.before = region_entry(&authority);
    w.after = region_entry(&authority);
    json_t *revocation = json_object_get(w.after, "revocation");
    json_t *other = json_string("http://127.0.0.52:8500/ocsp");
    assert_int_equal(
        json_object_set_new(json_array_get(json_object_get(revocation, "ocsp"), 0), "url", other),
        0);
    put_on_trial();
    assert_false(asks_its_service());
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(same_list_changes_nothing),
        TEST(who_would_not_be_accepted_any_more_is_told_with_the_reason),
        TEST(authority_that_goes_takes_its_locks_with_it),
        TEST(who_would_be_accepted_from_now_on_is_told),
        TEST(before_the_first_list_nobody_is_accepted),
        TEST(new_list_leads_to_no_address_inside_that_the_list_in_use_does_not_name),
        TEST(name_that_is_read_elsewhere_is_told),
        TEST(time_counts_as_at_a_sign_in),
        TEST(bytes_that_are_no_certificate_are_refused_by_both),
        TEST(two_enterprises_that_would_become_one_collide),
        TEST(who_is_one_enterprise_already_does_not_collide),
        TEST(names_decide_where_the_list_in_use_knows_nothing),
    };
    return cmocka_run_group_tests_name("pki/trial", tests, make_locks, free_locks);
}
