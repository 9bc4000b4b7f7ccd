#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <p11-kit/pkcs11.h>

#include "assistant/lock.h"
#include "assistant/settings.h"
#include "assistant/tests/medium.h"
#include "base/log.h"

/* Real tokens of SoftHSM2, and SM2 locks of the SKF double, made once for all tests. */
static struct {
    EVP_PKEY *rsa, *p256, *sm2;
    X509 *rsa_certificate, *p256_certificate, *sm2_certificate;
} w;

static struct settings settings;
static struct locks *locks;
static struct lock_list list;
static struct signature signature;
static struct pin_state pin_state;

static const char usage[] = "critical,digitalSignature,nonRepudiation";

static void make_locks(void)
{
    w.rsa = medium_key("RSA");
    w.p256 = medium_key("P-256");
    w.sm2 = medium_key("SM2");
    w.rsa_certificate = medium_certificate(w.rsa, "rsa", usage);
    w.p256_certificate = medium_certificate(w.p256, "p256", usage);
    w.sm2_certificate = medium_certificate(w.sm2, "sm2", usage);
    medium_token("RSA lock", w.rsa, w.rsa_certificate);
    medium_token("P-256 lock", w.p256, w.p256_certificate);
    medium_token("blank", NULL, NULL);
    medium_token("keyless", NULL, w.p256_certificate);
    X509 *encryption = medium_certificate(w.rsa, "enc", "keyEncipherment");
    medium_token("encrypting", w.rsa, encryption);
    X509_free(encryption);
    medium_skf("sm2-lock", w.sm2, w.sm2_certificate);
}

static int set_up_all(void **state)
{
    int result = medium_set_up(state);
    log_set_level(LOG_ERROR);
    make_locks();
    return result;
}

static int tear_down_all(void **state)
{
    X509_free(w.rsa_certificate);
    X509_free(w.p256_certificate);
    X509_free(w.sm2_certificate);
    EVP_PKEY_free(w.rsa);
    EVP_PKEY_free(w.p256);
    EVP_PKEY_free(w.sm2);
    return medium_tear_down(state);
}

static int set_up(void **state)
{
    (void)state;
    settings = (struct settings){.driver_count = 0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    locks_free(locks);
    locks = NULL;
    return 0;
}

static void use(const char *kind, const char *library)
{
    struct settings_driver *driver = &settings.drivers[settings.driver_count++];
    (void)snprintf(driver->kind, sizeof(driver->kind), "%s", kind);
    (void)snprintf(driver->library, sizeof(driver->library), "%s", library);
}

static enum trouble look(void)
{
    if (locks == NULL)
        assert_non_null(locks = locks_new(&settings));
    return locks_list(locks, &list);
}

static enum trouble sign_as(const char *name, const char *pin_text)
{
    const struct lock *lock = NULL;
    unsigned char message[MESSAGE_SIZE];
    struct pin pin;
    assert_true(pin_set(&pin, pin_text, strlen(pin_text)));
    enum trouble trouble = look();
    if (trouble == TROUBLE_NONE)
        trouble = lock_list_find(&list, name, &lock);
    if (trouble != TROUBLE_NONE)
        return trouble;
    assert_true(message_build(&lock->certificate, MEDIUM_ORIGIN, MEDIUM_CHALLENGE, message));
    const struct lock_order order = {.lock = lock, .pin = &pin, .message = message};
    return locks_sign(locks, &order, &signature, &pin_state);
}

static void expect_good(X509 *certificate, const char *algorithm)
{
    assert_string_equal(signature.algorithm, algorithm);
    assert_true(medium_verifies(certificate, algorithm, MEDIUM_ORIGIN, MEDIUM_CHALLENGE,
                                signature.bytes, signature.len));
    assert_false(medium_verifies(certificate, algorithm, "https://evil.example", MEDIUM_CHALLENGE,
                                 signature.bytes, signature.len));
}

/* --- PKCS#11 ---------------------------------------------------------------------------------- */

static void rsa_token_signs_with_pkcs1(void **state)
{
    (void)state;
    use("pkcs11", MEDIUM_SOFTHSM);
    assert_int_equal(sign_as("RSA lock", MEDIUM_PIN), TROUBLE_NONE);
    expect_good(w.rsa_certificate, "RS256");
}

static void rsa_token_signs_with_pss_where_settings_say_so(void **state)
{
    (void)state;
    use("pkcs11", MEDIUM_SOFTHSM);
    settings.drivers[0].pss = true;
    assert_int_equal(sign_as("RSA lock", MEDIUM_PIN), TROUBLE_NONE);
    expect_good(w.rsa_certificate, "PS256");
}

static void p256_token_signs_and_the_answer_is_der(void **state)
{
    (void)state;
    use("pkcs11", MEDIUM_SOFTHSM);
    for (int i = 0; i < 20; i++) { /* numbers of every length come up in time */
        assert_int_equal(sign_as("P-256 lock", MEDIUM_PIN), TROUBLE_NONE);
        expect_good(w.p256_certificate, "ES256");
    }
}

/* Some tokens know the bare mechanisms only; SoftHSM2 is told to be one. */
static void token_that_does_not_hash_is_given_the_digest(void **state)
{
    (void)state;
    medium_configure("slots.mechanisms = CKM_RSA_PKCS,CKM_RSA_PKCS_PSS");
    use("pkcs11", MEDIUM_SOFTHSM);
    assert_int_equal(sign_as("RSA lock", MEDIUM_PIN), TROUBLE_NONE);
    expect_good(w.rsa_certificate, "RS256");
    settings.drivers[0].pss = true;
    assert_int_equal(sign_as("RSA lock", MEDIUM_PIN), TROUBLE_NONE);
    expect_good(w.rsa_certificate, "PS256");
    medium_configure("");
}

static void wrong_pin_is_told_and_the_right_one_still_works(void **state)
{
    (void)state;
    use("pkcs11", MEDIUM_SOFTHSM);
    assert_int_equal(sign_as("RSA lock", "654321"), TROUBLE_PIN_WRONG);
    assert_int_equal(pin_state.tries_left, TRIES_UNKNOWN);
    assert_int_equal(sign_as("RSA lock", "1"), TROUBLE_PIN_WRONG);
    assert_int_equal(sign_as("RSA lock", MEDIUM_PIN), TROUBLE_NONE);
}

static void token_is_found_by_its_id_too(void **state)
{
    (void)state;
    const struct lock *lock = NULL;
    char id[LOCK_ID_MAX];
    use("pkcs11", MEDIUM_SOFTHSM);
    assert_int_equal(look(), TROUBLE_NONE);
    assert_int_equal(lock_list_find(&list, "P-256 lock", &lock), TROUBLE_NONE);
    assert_true(strncmp(lock->id, "pkcs11:", 7) == 0);
    assert_string_equal(lock->id + 7, lock->medium);
    (void)snprintf(id, sizeof(id), "%s", lock->id);
    assert_int_equal(sign_as(id, MEDIUM_PIN), TROUBLE_NONE);
}

static void lock_has_to_be_named_when_there_are_several(void **state)
{
    (void)state;
    use("pkcs11", MEDIUM_SOFTHSM);
    assert_int_equal(sign_as(NULL, MEDIUM_PIN), TROUBLE_SEVERAL_LOCKS);
    assert_int_equal(sign_as("not there", MEDIUM_PIN), TROUBLE_LOCK_NOT_FOUND);
}

static void token_without_a_signing_certificate_is_unsuitable(void **state)
{
    (void)state;
    use("pkcs11", MEDIUM_SOFTHSM);
    assert_int_equal(sign_as("blank", MEDIUM_PIN), TROUBLE_UNSUITABLE);
    assert_int_equal(sign_as("encrypting", MEDIUM_PIN), TROUBLE_UNSUITABLE);
    assert_int_equal(sign_as("keyless", MEDIUM_PIN), TROUBLE_UNSUITABLE);
}

/* Tokens come and go while the library stays loaded. */
static void token_that_comes_later_is_seen(void **state)
{
    (void)state;
    use("pkcs11", MEDIUM_SOFTHSM);
    assert_int_equal(sign_as("late", MEDIUM_PIN), TROUBLE_LOCK_NOT_FOUND);
    medium_token("late", w.p256, w.p256_certificate);
    assert_int_equal(sign_as("late", MEDIUM_PIN), TROUBLE_NONE);
    const char *const delete[] = {"softhsm2-util", "--delete-token", "--token", "late", NULL};
    medium_run(delete);
    assert_int_equal(sign_as("late", MEDIUM_PIN), TROUBLE_LOCK_NOT_FOUND);
}

static void two_tokens_of_one_label_are_not_confused(void **state)
{
    (void)state;
    use("pkcs11", MEDIUM_SOFTHSM);
    use("pkcs11", MEDIUM_SOFTHSM); /* the same tokens a second time */
    assert_int_equal(sign_as("RSA lock", MEDIUM_PIN), TROUBLE_SEVERAL_LOCKS);
}

/* The same library as the assistant's own, as another program's session sees its token. */
static CK_FUNCTION_LIST *same_library(void **handle)
{
    CK_FUNCTION_LIST *functions = NULL;
    CK_C_GetFunctionList get = NULL;
    *handle = dlopen(MEDIUM_SOFTHSM, RTLD_NOW | RTLD_LOCAL);
    assert_non_null(*handle);
    void *address = dlsym(*handle, "C_GetFunctionList");
    memcpy(&get, &address, sizeof(get));
    assert_int_equal(get(&functions), CKR_OK);
    return functions;
}

/* docs/security.md row 41, attack 26: a lock that is left in the machine signs for nobody. */
static void token_is_logged_out_after_each_signature(void **state)
{
    (void)state;
    void *handle = NULL;
    CK_SESSION_HANDLE session = 0;
    CK_SESSION_INFO info;
    const struct lock *lock = NULL;
    CK_FUNCTION_LIST *p11 = same_library(&handle);
    assert_int_equal(p11->C_Initialize(NULL), CKR_OK); /* so the assistant does not end it */
    use("pkcs11", MEDIUM_SOFTHSM);
    assert_int_equal(look(), TROUBLE_NONE);
    assert_int_equal(lock_list_find(&list, "RSA lock", &lock), TROUBLE_NONE);
    /* While it is open, closing the assistant's own session logs nobody out. */
    assert_int_equal(
        p11->C_OpenSession(lock->place.pkcs11.slot, CKF_SERIAL_SESSION, NULL, NULL, &session),
        CKR_OK);
    assert_int_equal(sign_as("RSA lock", MEDIUM_PIN), TROUBLE_NONE);
    assert_int_equal(p11->C_GetSessionInfo(session, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RO_PUBLIC_SESSION);
    assert_int_equal(p11->C_CloseSession(session), CKR_OK);
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
    assert_int_equal(dlclose(handle), 0);
}

/* --- PKCS#11, what SoftHSM2 cannot do itself ---------------------------------------------------
 */

static enum trouble sign_with_fault(const char *fault)
{
    use("pkcs11", medium_library("fault-pkcs11.so"));
    medium_tell("TAMGA_PKCS11_FAULT", fault);
    enum trouble trouble = sign_as("RSA lock", MEDIUM_PIN);
    medium_tell("TAMGA_PKCS11_FAULT", "");
    return trouble;
}

static void locked_pin_is_blocked(void **state)
{
    (void)state;
    assert_int_equal(sign_with_fault("locked"), TROUBLE_PIN_BLOCKED);
}

static void token_flags_tell_how_the_pin_stands(void **state)
{
    (void)state;
    const struct lock *lock = NULL;
    use("pkcs11", medium_library("fault-pkcs11.so"));
    assert_int_equal(look(), TROUBLE_NONE);
    assert_int_equal(lock_list_find(&list, "RSA lock", &lock), TROUBLE_NONE);
    medium_tell("TAMGA_PKCS11_FAULT", "last_try");
    assert_int_equal(locks_pin_state(locks, lock).tries_left, 1);
    assert_int_equal(sign_as("RSA lock", "654321"), TROUBLE_PIN_WRONG);
    assert_int_equal(pin_state.tries_left, 1);
    medium_tell("TAMGA_PKCS11_FAULT", "blocked");
    assert_true(locks_pin_state(locks, lock).blocked);
    assert_int_equal(sign_as("RSA lock", "654321"), TROUBLE_PIN_BLOCKED);
    medium_tell("TAMGA_PKCS11_FAULT", "");
    assert_int_equal(locks_pin_state(locks, lock).tries_left, TRIES_UNKNOWN);
}

static void token_removed_while_signing_is_told(void **state)
{
    (void)state;
    assert_int_equal(sign_with_fault("removed"), TROUBLE_REMOVED);
}

static void pin_is_not_tried_on_another_token_in_the_slot(void **state)
{
    (void)state;
    const struct lock *lock = NULL;
    unsigned char message[MESSAGE_SIZE] = {0};
    struct pin pin;
    assert_true(pin_set(&pin, "654321", 6));
    use("pkcs11", medium_library("fault-pkcs11.so"));
    assert_int_equal(look(), TROUBLE_NONE);
    assert_int_equal(lock_list_find(&list, "RSA lock", &lock), TROUBLE_NONE);
    const struct lock_order order = {.lock = lock, .pin = &pin, .message = message};
    medium_tell("TAMGA_PKCS11_FAULT", "swapped");
    assert_int_equal(locks_sign(locks, &order, &signature, &pin_state), TROUBLE_REMOVED);
    medium_tell("TAMGA_PKCS11_FAULT", "");
}

static void length_beyond_the_buffer_is_a_drivers_fault(void **state)
{
    (void)state;
    assert_int_equal(sign_with_fault("long"), TROUBLE_DRIVER);
}

static void failing_library_is_a_drivers_fault(void **state)
{
    (void)state;
    assert_int_equal(sign_with_fault("failing"), TROUBLE_DRIVER);
}

/* --- drivers ---------------------------------------------------------------------------------- */

static void missing_library_does_not_hide_the_others(void **state)
{
    (void)state;
    use("pkcs11", "/nonexistent/driver.so");
    assert_int_equal(look(), TROUBLE_DRIVER);
    locks_free(locks);
    locks = NULL;
    use("pkcs11", MEDIUM_SOFTHSM);
    assert_int_equal(sign_as("RSA lock", MEDIUM_PIN), TROUBLE_NONE);
}

static void library_of_another_kind_is_a_drivers_fault(void **state)
{
    (void)state;
    use("skf", MEDIUM_SOFTHSM);
    assert_int_equal(look(), TROUBLE_DRIVER);
}

/* --- SKF -------------------------------------------------------------------------------------- */

static enum trouble sign_with_skf_fault(const char *fault)
{
    char folder[MEDIUM_PATH];
    medium_path("skf/faults", folder);
    use("skf", medium_library("skf-double-64.so"));
    medium_write(folder, fault, "");
    enum trouble trouble = sign_as("sm2-lock", MEDIUM_PIN);
    medium_remove(folder, fault);
    return trouble;
}

static void sm2_lock_signs(void **state)
{
    (void)state;
    use("skf", medium_library("skf-double-64.so"));
    assert_int_equal(sign_as(NULL, MEDIUM_PIN), TROUBLE_NONE);
    expect_good(w.sm2_certificate, "SM2");
    assert_string_equal(list.locks[0].id, "skf:sm2-lock/TAMGA/SIGN");
    assert_string_equal(list.locks[0].label, "sm2-lock");
    assert_string_equal(list.locks[0].medium, "SKF-0001");
}

/* The same calls with a driver whose ULONG is 4 bytes wide (GM/T 0016 leaves it open on Linux). */
static void width_of_ulong_does_not_matter(void **state)
{
    (void)state;
    use("skf", medium_library("skf-double-32.so"));
    assert_int_equal(sign_as(NULL, MEDIUM_PIN), TROUBLE_NONE);
    expect_good(w.sm2_certificate, "SM2");
    assert_int_equal(sign_as(NULL, "654321"), TROUBLE_PIN_WRONG);
    assert_int_equal(pin_state.tries_left, 9);
    assert_int_equal(locks_pin_state(locks, &list.locks[0]).tries_left, 9);
    assert_int_equal(sign_as(NULL, MEDIUM_PIN), TROUBLE_NONE);
}

static void pin_is_not_tried_on_another_medium_of_the_same_name(void **state)
{
    (void)state;
    const struct lock *lock = NULL;
    unsigned char message[MESSAGE_SIZE] = {0};
    char folder[MEDIUM_PATH];
    struct pin pin;
    medium_path("skf/sm2-lock", folder);
    assert_true(pin_set(&pin, "654321", 6));
    use("skf", medium_library("skf-double-64.so"));
    assert_int_equal(look(), TROUBLE_NONE);
    assert_int_equal(lock_list_find(&list, "sm2-lock", &lock), TROUBLE_NONE);
    const struct lock_order order = {.lock = lock, .pin = &pin, .message = message};
    medium_write(folder, "serial", "SKF-0002");
    assert_int_equal(locks_sign(locks, &order, &signature, &pin_state), TROUBLE_REMOVED);
    assert_int_equal(locks_pin_state(locks, lock).tries_left, TRIES_UNKNOWN);
    medium_write(folder, "serial", "SKF-0001");
    assert_int_equal(locks_pin_state(locks, lock).tries_left, 10);
}

static void wrong_pins_count_down_until_blocked(void **state)
{
    (void)state;
    char folder[MEDIUM_PATH];
    medium_path("skf/sm2-lock", folder);
    use("skf", medium_library("skf-double-64.so"));
    medium_write(folder, "tries", "2");
    assert_int_equal(sign_as(NULL, "654321"), TROUBLE_PIN_WRONG);
    assert_int_equal(pin_state.tries_left, 1);
    assert_int_equal(sign_as(NULL, "654321"), TROUBLE_PIN_BLOCKED);
    assert_int_equal(sign_as(NULL, MEDIUM_PIN), TROUBLE_PIN_BLOCKED);
    assert_true(locks_pin_state(locks, &list.locks[0]).blocked);
    medium_write(folder, "tries", "10");
}

static void skf_faults_have_their_own_codes(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        enum trouble trouble;
    } faults[] = {
        {"no_lock", TROUBLE_NO_LOCK},
        {"removed", TROUBLE_REMOVED},
        {"several_locks", TROUBLE_SEVERAL_LOCKS},
        {"short_cert", TROUBLE_UNSUITABLE},
        {"pin_blocked", TROUBLE_PIN_BLOCKED},
        {"pin_wrong", TROUBLE_PIN_WRONG},
    };
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
        settings.driver_count = 0;
        assert_int_equal(sign_with_skf_fault(faults[i].fault), faults[i].trouble);
        locks_free(locks);
        locks = NULL;
    }
}

static void twin_locks_have_to_be_named(void **state)
{
    (void)state;
    char folder[MEDIUM_PATH];
    medium_path("skf/faults", folder);
    use("skf", medium_library("skf-double-64.so"));
    medium_write(folder, "several_locks", "");
    assert_int_equal(sign_as(NULL, MEDIUM_PIN), TROUBLE_SEVERAL_LOCKS);
    assert_int_equal(sign_as("skf:sm2-lock/TAMGA/SIGN", MEDIUM_PIN), TROUBLE_NONE);
    medium_remove(folder, "several_locks");
}

static void r_with_a_leading_zero_is_still_good_der(void **state)
{
    (void)state;
    assert_int_equal(sign_with_skf_fault("zero_r"), TROUBLE_NONE);
    expect_good(w.sm2_certificate, "SM2");
    assert_in_range(signature.bytes[3], 1, 32); /* 31 bytes, and one more when they begin high */
}

/* The assistant does not judge what the lock answers; the provider does. */
static void wrong_key_makes_a_signature_that_does_not_verify(void **state)
{
    (void)state;
    assert_int_equal(sign_with_skf_fault("wrong_key"), TROUBLE_NONE);
    assert_false(medium_verifies(w.sm2_certificate, "SM2", MEDIUM_ORIGIN, MEDIUM_CHALLENGE,
                                 signature.bytes, signature.len));
}

static void locks_of_all_drivers_are_listed_together(void **state)
{
    (void)state;
    use("pkcs11", MEDIUM_SOFTHSM);
    use("skf", medium_library("skf-double-64.so"));
    assert_int_equal(sign_as("sm2-lock", MEDIUM_PIN), TROUBLE_NONE);
    assert_int_equal(sign_as("RSA lock", MEDIUM_PIN), TROUBLE_NONE);
    expect_good(w.rsa_certificate, "RS256");
}

/* --- texts that devices tell -------------------------------------------------------------------
 */

static void device_texts_lose_padding_and_what_cannot_be_shown(void **state)
{
    (void)state;
    char out[16];
    lock_text_copy("  label  ", 9, out, sizeof(out));
    assert_string_equal(out, "label");
    lock_text_copy("abc\0def", 7, out, sizeof(out));
    assert_string_equal(out, "abc");
    lock_text_copy("\xb9\xab\xcb\xbe", 4, out, sizeof(out)); /* GBK */
    assert_string_equal(out, "");
    lock_text_copy("a\nb", 3, out, sizeof(out));
    assert_string_equal(out, "");
    lock_text_copy("1234567890123456", 16, out, sizeof(out));
    assert_string_equal(out, "");
    lock_text_copy("    ", 4, out, sizeof(out));
    assert_string_equal(out, "");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(rsa_token_signs_with_pkcs1),
        TEST(rsa_token_signs_with_pss_where_settings_say_so),
        TEST(p256_token_signs_and_the_answer_is_der),
        TEST(token_that_does_not_hash_is_given_the_digest),
        TEST(wrong_pin_is_told_and_the_right_one_still_works),
        TEST(token_is_found_by_its_id_too),
        TEST(lock_has_to_be_named_when_there_are_several),
        TEST(token_without_a_signing_certificate_is_unsuitable),
        TEST(token_that_comes_later_is_seen),
        TEST(two_tokens_of_one_label_are_not_confused),
        TEST(locked_pin_is_blocked),
        TEST(token_flags_tell_how_the_pin_stands),
        TEST(token_is_logged_out_after_each_signature),
        TEST(token_removed_while_signing_is_told),
        TEST(pin_is_not_tried_on_another_token_in_the_slot),
        TEST(length_beyond_the_buffer_is_a_drivers_fault),
        TEST(failing_library_is_a_drivers_fault),
        TEST(missing_library_does_not_hide_the_others),
        TEST(library_of_another_kind_is_a_drivers_fault),
        TEST(sm2_lock_signs),
        TEST(width_of_ulong_does_not_matter),
        TEST(pin_is_not_tried_on_another_medium_of_the_same_name),
        TEST(wrong_pins_count_down_until_blocked),
        TEST(skf_faults_have_their_own_codes),
        TEST(twin_locks_have_to_be_named),
        TEST(r_with_a_leading_zero_is_still_good_der),
        TEST(wrong_key_makes_a_signature_that_does_not_verify),
        TEST(locks_of_all_drivers_are_listed_together),
        TEST(device_texts_lose_padding_and_what_cannot_be_shown),
    };
    return cmocka_run_group_tests_name("assistant/lock", tests, set_up_all, tear_down_all);
}
