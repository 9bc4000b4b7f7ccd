/*
 * Feeds any bytes as a lock's certificate: to the parser, and, where it parses, to an authority's
 * profile, as if that authority had issued it.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "pki/leaf.h"
#include "pki/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct place name = {.split = "@", .field = 1, .of = 4};
static struct place uscc = {.types = PLACE_PRINTABLE | PLACE_UTF8 | PLACE_IA5, .bare = true};
static struct place person = {.types = PLACE_PRINTABLE | PLACE_UTF8, .choice = true};
static struct place key_number = {.prefix = "KEY:"};
static struct rule enterprise[2], personal[1];
static const ASN1_OBJECT *usages[1];
static struct authority_rules rules = {
    .uscc = {.list = &uscc, .count = 1},
    .name = {.list = &name, .count = 1},
    .key_number = {.list = &key_number, .count = 1},
    .person = {.list = &person, .count = 1},
    .enterprise = {.list = enterprise, .count = 2},
    .personal = {.list = personal, .count = 1},
    .extended_key_usage = {.list = usages, .count = 1, .absent = true},
    .limits = {.rsa_bits = 2048, .keys = 7, .max_days = 1900},
};
static const struct authority authority = {.id = "fuzz", .rules = &rules};
static const struct anchor anchor;

static void make_world(void)
{
    name.subject = OBJ_txt2obj("2.5.4.3", 1);
    key_number.subject = OBJ_txt2obj("2.5.4.5", 1);
    uscc.extension = OBJ_txt2obj("1.2.156.10260.4.1.4", 1);
    person.extension = OBJ_txt2obj("1.2.156.10260.4.1.1", 1);
    enterprise[0].policy = OBJ_txt2obj("1.3.6.1.4.1.32473.1.1.1", 1);
    enterprise[1].lacks = person;
    personal[0].subject = OBJ_txt2obj("2.5.4.11", 1);
    personal[0].starts = "Individual-";
    usages[0] = OBJ_nid2obj(NID_client_auth);
}

/* What the profile promises of a text: clean, or empty. */
static void check_text(const char *text)
{
    if (text[0] != '\0' && !text_is_clean_utf8(text, strlen(text)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum pki_reason why = PKI_REASONS;
    struct leaf *leaf = NULL;
    if (name.subject == NULL)
        make_world();
    if (leaf_parse(data, size, &why, &leaf) != IDP_OK)
        return 0;
    leaf->authority = &authority;
    leaf->anchor = &anchor;
    enum pki_reason reason = profile_check_form(leaf);
    if (reason == PKI_REASONS)
        reason = profile_read(leaf);
    if (reason == PKI_REASONS && leaf->name[0] == '\0')
        abort();
    check_text(leaf->uscc);
    check_text(leaf->name);
    check_text(leaf->key_number);
    leaf_release(leaf);
    return 0;
}
