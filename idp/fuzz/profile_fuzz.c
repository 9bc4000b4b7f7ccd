/*
 * Feeds any bytes as a lock's certificate: to the parser, and, where it parses, to profiles that
 * between them use every kind of place and rule, as if their authorities had issued it; then to the
 * search for its issuer, by an anchor of the very name that stands in it.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "pki/lock/leaf.h"
#include "pki/lock/profile.h"
#include "pki/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ALL_TYPES = PLACE_PRINTABLE | PLACE_UTF8 | PLACE_IA5 | PLACE_BMP };

static struct place name = {.split = "@", .field = 1, .of = 4};
static struct place plain_name = {.types = ALL_TYPES};
static struct place uscc = {.types = PLACE_PRINTABLE | PLACE_UTF8 | PLACE_IA5, .bare = true};
static struct place in_turn[] = {{.types = PLACE_PRINTABLE},
                                 {.types = ALL_TYPES, .prefix = "N", .choice = true},
                                 {.prefix = "NTRCN-"}};
static struct place person = {.types = PLACE_PRINTABLE | PLACE_UTF8, .choice = true};
static struct place other_person = {.types = ALL_TYPES, .choice = true, .except = "N"};
static struct place key_number = {.prefix = "KEY:"};
static struct place medium_number = {.types = ALL_TYPES, .bare = true, .except = "KEY:"};
static struct rule by_policy[2], by_subject[1], personal[1], region[2];
static const ASN1_OBJECT *usages[1];
static const ASN1_OBJECT *policies[1];
static unsigned char issuer[DIGEST_SIZE];

static struct authority_rules strict = {
    .uscc = {.list = &uscc, .count = 1},
    .name = {.list = &name, .count = 1},
    .key_number = {.list = &key_number, .count = 1},
    .person = {.list = &person, .count = 1},
    .enterprise = {.list = by_policy, .count = 2},
    .personal = {.list = personal, .count = 1},
    .extended_key_usage = {.list = usages, .count = 1, .absent = true},
    .policies = {.list = policies, .count = 1},
    .strict = true,
    .limits = {.rsa_bits = 2048, .keys = 7, .max_days = 1900},
};
static struct authority_rules lenient = {
    .uscc = {.list = in_turn, .count = 3},
    .name = {.list = &plain_name, .count = 1},
    .medium_number = {.list = &medium_number, .count = 1},
    .person = {.list = &other_person, .count = 1},
    .person_allowed = true,
    .enterprise = {.list = by_subject, .count = 1},
    .region = {.list = region, .count = 2},
    .extended_key_usage = {.list = usages, .count = 1, .absent = true},
    .limits = {.rsa_bits = 1024, .keys = 7, .max_days = 36600},
};
static const struct authority authorities[] = {{.id = "strict", .rules = &strict},
                                               {.id = "lenient", .rules = &lenient}};
static const struct anchor anchor;

static void make_world(void)
{
    name.subject = plain_name.subject = OBJ_txt2obj("2.5.4.3", 1);
    key_number.subject = OBJ_txt2obj("2.5.4.5", 1);
    uscc.extension = in_turn[0].extension = OBJ_txt2obj("1.2.156.10260.4.1.4", 1);
    person.extension = OBJ_txt2obj("1.2.156.10260.4.1.1", 1);
    in_turn[1].extension = other_person.extension = person.extension;
    in_turn[2].subject = OBJ_txt2obj("2.5.4.97", 1);
    medium_number.extension = OBJ_txt2obj("1.3.6.1.4.1.32473.1.3", 1);
    by_policy[0].policy = policies[0] = OBJ_txt2obj("1.3.6.1.4.1.32473.1.1.1", 1);
    by_policy[1].lacks = person;
    by_subject[0].has = plain_name;
    personal[0].subject = OBJ_txt2obj("2.5.4.11", 1);
    personal[0].starts = "Individual-";
    region[0].issuer = issuer;
    region[1].has = plain_name;
    usages[0] = OBJ_nid2obj(NID_client_auth);
}

/* What the profile promises of a text: clean, or empty. */
static void check_text(const char *text)
{
    if (text[0] != '\0' && !text_is_clean_utf8(text, strlen(text)))
        abort();
}

static void check_profile(struct leaf *leaf, const struct authority *authority)
{
    leaf->authority = authority;
    leaf->anchor = &anchor;
    enum pki_reason reason = profile_read(leaf);
    if (reason == PKI_REASONS && leaf->name[0] == '\0')
        abort();
    if (reason == PKI_REASONS && leaf->names_person && !authority->rules->person_allowed)
        abort();
    if ((reason == PKI_PROFILE) != (leaf->field != NULL))
        abort();
    check_text(leaf->uscc);
    check_text(leaf->name);
    check_text(leaf->key_number);
    check_text(leaf->medium_number);
    leaf->field = NULL;
}

/* An anchor that has the name of the certificate's issuer, and no key to verify with. */
static void check_search(struct leaf *leaf, enum pki_reason form)
{
    static struct authority_rules rules;
    const struct authority authority = {.id = "search", .rules = &rules};
    const struct trust trust = {.authorities = &authority, .count = 1};
    const struct path_rules path = {.depth = 1, .level = 2};
    X509 *certificate = X509_new();
    if (certificate == NULL ||
        X509_set_subject_name(certificate, X509_get_issuer_name(leaf->certificate)) != 1)
        abort();
    struct anchor named = {.certificate = certificate,
                           .store = path_store_make(certificate, &path)};
    rules = strict;
    rules.anchors = (struct anchors){.list = &named, .count = 1};
    if (leaf_judge(leaf, &trust) != IDP_OK || leaf->path_is_good || leaf->verdict == PKI_REASONS)
        abort();
    if (form != PKI_REASONS && leaf->verdict != form)
        abort();
    X509_STORE_free(named.store);
    X509_free(certificate);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum pki_reason why = PKI_REASONS;
    struct leaf *leaf = NULL;
    if (name.subject == NULL)
        make_world();
    if (leaf_parse(data, size, &why, &leaf) != IDP_OK) {
        if (why > PKI_KEY_OVERSIZED)
            abort();
        return 0;
    }
    enum pki_reason form = profile_check_form(leaf);
    for (size_t i = 0; form == PKI_REASONS && i < 2; i++)
        check_profile(leaf, &authorities[i]);
    check_search(leaf, form);
    leaf_release(leaf);
    return 0;
}
