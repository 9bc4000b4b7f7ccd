/* Replays the fuzz targets over their kept corpora, and over spoilt copies of what lies there. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "assistant/fuzz/fuzz.h"
#include "assistant/secret.h"
#include "base/log.h"

enum { INPUT_MAX = 16384, SPOILT = 300 };

static uint8_t input[INPUT_MAX];

/* In a block of exactly that size, so that ASan sees a byte too many read. */
static void feed_exactly(void (*target)(const uint8_t *, size_t), size_t len)
{
    uint8_t *exact = malloc(len + (len == 0));
    assert_non_null(exact);
    memcpy(exact, input, len);
    target(exact, len);
    free(exact);
}

/* The same each time: a run that fails can be repeated. */
static uint32_t next_number(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static size_t read_file(const char *folder, const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%.200s", folder, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t len = fread(input, 1, sizeof(input), file);
    assert_int_equal(fclose(file), 0);
    return len;
}

static void spoil(size_t len, uint32_t *seed)
{
    for (uint32_t n = next_number(seed) % 4 + 1; len > 0 && n > 0; n--)
        input[next_number(seed) % len] = (uint8_t)next_number(seed);
}

static void replay(void (*target)(const uint8_t *, size_t), const char *folder)
{
    size_t files = 0;
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort);
    assert_true(count >= 0);
    for (int i = 0; i < count; i++) {
        uint32_t seed = (uint32_t)i;
        for (int n = 0; entries[i]->d_name[0] != '.' && n < SPOILT; n++) {
            size_t len = read_file(folder, entries[i]->d_name);
            if (n > 0)
                spoil(len, &seed);
            feed_exactly(target, n % 7 == 6 && len > 0 ? next_number(&seed) % len : len);
            files++;
        }
        free(entries[i]);
    }
    free(entries);
    assert_true(files > 0);
}

#define CORPUS "clients/assistant/fuzz/corpus/"

static void any_text_is_read_safely(void **state)
{
    (void)state;
    replay(assistant_text, CORPUS "assistant_text");
}

static void any_answer_of_an_skf_driver_is_survived(void **state)
{
    (void)state;
    replay(assistant_skf, CORPUS "assistant_skf");
}

static void any_answer_of_a_pkcs11_driver_is_survived(void **state)
{
    (void)state;
    replay(assistant_pkcs11, CORPUS "assistant_pkcs11");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_text_is_read_safely),
        cmocka_unit_test(any_answer_of_an_skf_driver_is_survived),
        cmocka_unit_test(any_answer_of_a_pkcs11_driver_is_survived),
    };
    secret_wipe_json();
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests_name("assistant/corpus", tests, NULL, NULL);
}
