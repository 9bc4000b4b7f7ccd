/* Lists are put together from pieces of hex, of which each test spoils one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pki/crl/crl_read.h"

enum { HEX_MAX = 8192 };

#define ALGORITHM "300a06082a8648ce3d040302"
#define ISSUER "300d310b300906035504030c024341"
#define THIS "170d3236313132323133323030305a"
#define NEXT "170d3236313132323134323030305a"
#define DATE "170d3236303130313030303030305a"
#define NUMBER "300b0603551d140404020200ff"
#define ENTRY "3012020105" DATE

static struct world {
    const char *version, *algorithm, *issuer, *this_update, *next_update;
    const char *entries, *extensions; /* NULL: left out, with their SEQUENCE */
    const char *tail;                 /* inside the signed part, behind the extensions */
    const char *outer, *signature, *behind;
    unsigned char *bytes; /* in a block of exactly their size */
    size_t len;
    struct crl_list list;
} w;

static int set_up(void **state)
{
    (void)state;
    w = (struct world){.version = "020101",
                       .algorithm = ALGORITHM,
                       .issuer = ISSUER,
                       .this_update = THIS,
                       .next_update = NEXT,
                       .entries = ENTRY,
                       .extensions = NUMBER,
                       .tail = "",
                       .outer = ALGORITHM,
                       .signature = "03020000",
                       .behind = ""};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(w.bytes);
    return 0;
}

/* Puts a tag and a length before the hex of some contents. */
static const char *wrap(const char *tag, const char *contents)
{
    static char rings[16][HEX_MAX];
    static unsigned turn;
    char *out = rings[turn++ % 16];
    size_t n = strlen(contents) / 2;
    const char *more = n < 0x80 ? "" : n < 0x100 ? "81" : "82";
    int digits = n < 0x100 ? 2 : 4;
    assert_true(snprintf(out, HEX_MAX, "%s%s%0*zx%s", tag, more, digits, n, contents) < HEX_MAX);
    return out;
}

static const char *join(const char *a, const char *b)
{
    static char rings[16][HEX_MAX];
    static unsigned turn;
    char *out = rings[turn++ % 16];
    assert_true(snprintf(out, HEX_MAX, "%s%s", a, b) < HEX_MAX);
    return out;
}

/* An extension below id-ce with this value. */
static const char *extension(const char *arc, const char *critical, const char *value)
{
    const char *oid = join("0603551d", arc);
    return wrap("30", join(join(oid, critical), wrap("04", value)));
}

#define CRITICAL "0101ff"

static const char *make_hex(void)
{
    char body[HEX_MAX];
    const char *entries = w.entries != NULL ? wrap("30", w.entries) : "";
    const char *extensions = w.extensions != NULL ? wrap("a0", wrap("30", w.extensions)) : "";
    int n = snprintf(body, sizeof(body), "%s%s%s%s%s%s%s%s", w.version, w.algorithm, w.issuer,
                     w.this_update, w.next_update, entries, extensions, w.tail);
    assert_true(n > 0 && (size_t)n < sizeof(body));
    return join(wrap("30", join(join(wrap("30", body), w.outer), w.signature)), w.behind);
}

static enum crl_fault read_hex(const char *hex)
{
    free(w.bytes);
    w.len = strlen(hex) / 2;
    w.bytes = malloc(w.len + (w.len == 0));
    assert_non_null(w.bytes);
    for (size_t i = 0; i < w.len; i++) {
        const char digits[] = {hex[2 * i], hex[2 * i + 1], '\0'};
        w.bytes[i] = (unsigned char)strtoul(digits, NULL, 16);
    }
    return crl_read(w.bytes, w.len, &w.list);
}

static void expect(enum crl_fault fault)
{
    assert_string_equal(crl_fault_name(read_hex(make_hex())), crl_fault_name(fault));
}

static void expect_part(const struct crl_part *part, const char *hex)
{
    char found[HEX_MAX] = "";
    for (size_t i = 0; i < part->len; i++)
        (void)snprintf(found + 2 * i, 3, "%02x", part->at[i]);
    assert_string_equal(found, hex);
}

static struct crl_record entry(size_t index)
{
    struct crl_record record = {.reason = 0};
    struct der entries = w.list.entries;
    for (size_t i = 0; i <= index; i++)
        assert_true(crl_read_entry(&entries, &record));
    return record;
}

/* --- what is read ----------------------------------------------------------------------------- */

static void a_list_says_who_when_and_which_number(void **state)
{
    (void)state;
    unsigned char number[CRL_NUMBER_OCTETS] = {[19] = 0xff};
    expect(CRL_SOUND);
    assert_int_equal(w.list.version, 2);
    expect_part(&w.list.issuer, ISSUER);
    expect_part(&w.list.algorithm, ALGORITHM);
    assert_int_equal(w.list.this_update, 1795353600);
    assert_int_equal(w.list.next_update, 1795353600 + 3600);
    assert_true(w.list.has_number);
    assert_memory_equal(w.list.number.octets, number, sizeof(number));
    assert_false(w.list.is_delta);
    assert_false(w.list.scope.present);
    assert_int_equal(w.list.count, 1);
}

static void an_entry_says_what_is_revoked_and_since_when(void **state)
{
    (void)state;
    expect(CRL_SOUND);
    struct crl_record record = entry(0);
    expect_part(&record.serial, "05");
    assert_int_equal(record.revoked_at, 1767225600);
    assert_int_equal(record.reason, CRL_REASON_UNSAID);
    assert_false(record.has_invalidity);
    assert_null(record.certificate_issuer.at);
}

static void entries_end(void **state)
{
    (void)state;
    struct crl_record record;
    w.entries = ENTRY ENTRY;
    expect(CRL_SOUND);
    struct der entries = w.list.entries;
    assert_true(crl_read_entry(&entries, &record));
    assert_true(crl_read_entry(&entries, &record));
    assert_false(crl_read_entry(&entries, &record));
}

static void an_entry_may_say_why_since_when_and_of_whom(void **state)
{
    (void)state;
    const char *reason = extension("15", "", "0a0106");
    const char *since = extension("18", "", "180f32303236303130313030303030305a");
    const char *of = extension("1d", CRITICAL, "3011a40f" ISSUER);
    w.entries = wrap("30", join("020105" DATE, wrap("30", join(join(reason, since), of))));
    expect(CRL_SOUND);
    struct crl_record record = entry(0);
    assert_int_equal(record.reason, CRL_REASON_ON_HOLD);
    assert_true(record.has_invalidity);
    assert_int_equal(record.invalid_since, 1767225600);
    expect_part(&record.certificate_issuer, "3011a40f" ISSUER);
    assert_true(w.list.names_issuers);
}

static void serials_are_what_was_written(void **state)
{
    static const char *const serials[] = {
        "020100",
        "0201ff",
        "02020080",
        "0202ff7f",
        "02147fffffffffffffffffffffffffffffffffffffff",
        "021500ffffffffffffffffffffffffffffffffffffffff",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(serials) / sizeof(*serials); i++) {
        w.entries = wrap("30", join(serials[i], DATE));
        expect(CRL_SOUND);
        struct crl_record record = entry(0);
        expect_part(&record.serial, serials[i] + 4);
    }
}

static void nobody_revoked_is_written_in_two_ways(void **state)
{
    (void)state;
    w.entries = NULL;
    expect(CRL_SOUND);
    assert_int_equal(w.list.count, 0);
    w.entries = "";
    expect(CRL_SOUND);
    assert_int_equal(w.list.count, 0);
}

static void a_delta_names_its_base(void **state)
{
    (void)state;
    w.extensions = join(NUMBER, extension("1b", CRITICAL, "02020080"));
    expect(CRL_SOUND);
    assert_true(w.list.is_delta);
    assert_int_equal(w.list.base.octets[CRL_NUMBER_OCTETS - 1], 0x80);
}

static void twenty_octets_are_a_number(void **state)
{
    unsigned char number[CRL_NUMBER_OCTETS];
    (void)state;
    memset(number, 0xff, sizeof(number));
    w.extensions = extension("14", "", "021500ffffffffffffffffffffffffffffffffffffffff");
    expect(CRL_SOUND);
    assert_memory_equal(w.list.number.octets, number, sizeof(number));
}

static void the_issuers_key_is_named(void **state)
{
    (void)state;
    w.extensions = join(NUMBER, extension("23", "", "30058003aabbcc"));
    expect(CRL_SOUND);
    expect_part(&w.list.authority_key, "30058003aabbcc");
    expect_part(&w.list.key_identifier, "aabbcc");
}

static void where_deltas_are_is_reported(void **state)
{
    (void)state;
    const char *points = "300f300da00ba009860768"
                         "7474703a2f2f";
    w.extensions = join(NUMBER, extension("2e", "", points));
    expect(CRL_SOUND);
    expect_part(&w.list.freshest, points);
}

static void the_scope_is_reported(void **state)
{
    (void)state;
    w.extensions = join(NUMBER, extension("1c", CRITICAL,
                                          "3017a00ba009860768"
                                          "7474703a2f2f8101ff83020640"
                                          "8401ff"));
    expect(CRL_SOUND);
    assert_true(w.list.scope.present);
    expect_part(&w.list.scope.distribution_point, "a0098607687474703a2f2f");
    assert_true(w.list.scope.only_user_certificates);
    assert_false(w.list.scope.only_authorities);
    assert_true(w.list.scope.some_reasons);
    assert_int_equal(w.list.scope.reasons, 1 << 1);
    assert_true(w.list.scope.indirect);
    assert_false(w.list.scope.only_attribute_certificates);
}

static void other_scopes_are_reported(void **state)
{
    (void)state;
    w.extensions = join(NUMBER, extension("1c", CRITICAL, "30038201ff"));
    expect(CRL_SOUND);
    assert_true(w.list.scope.only_authorities);
    w.extensions = join(NUMBER, extension("1c", CRITICAL, "30038501ff"));
    expect(CRL_SOUND);
    assert_true(w.list.scope.only_attribute_certificates);
    w.extensions = join(NUMBER, extension("1c", CRITICAL, "3003810100"));
    expect(CRL_SOUND);
    assert_false(w.list.scope.only_user_certificates);
    w.extensions = join(NUMBER, extension("1c", CRITICAL, "30058303077f80"));
    expect(CRL_SOUND);
    assert_int_equal(w.list.scope.reasons, 0x1fe);
}

static void version_one_is_a_list_without_extensions(void **state)
{
    (void)state;
    w.version = "";
    w.extensions = NULL;
    expect(CRL_SOUND);
    assert_int_equal(w.list.version, 1);
    assert_false(w.list.has_number);
}

static void unknown_extensions_that_are_not_critical_are_passed_over(void **state)
{
    (void)state;
    w.extensions = join(NUMBER, extension("63", "", "ffff"));
    w.entries = wrap("30", join("020105" DATE, wrap("30", extension("63", "010100", "01"))));
    expect(CRL_SOUND);
}

/* --- what is refused -------------------------------------------------------------------------- */

struct fault {
    const char *piece;
    enum crl_fault fault;
};

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static void other_versions_are_refused(void **state)
{
    static const char *const versions[] = {"020100", "020102", "02020001", "0200"};
    (void)state;
    for (size_t i = 0; i < COUNT(versions); i++) {
        w.version = versions[i];
        expect(CRL_VERSION);
    }
}

static void version_one_has_no_extensions(void **state)
{
    (void)state;
    w.version = "";
    expect(CRL_VERSION);
    w.extensions = NULL;
    w.entries = wrap("30", join("020105" DATE, wrap("30", extension("15", "", "0a0101"))));
    expect(CRL_VERSION);
}

static void the_algorithm_is_the_same_inside_and_outside(void **state)
{
    (void)state;
    w.outer = "300a06082a8648ce3d040303";
    expect(CRL_ALGORITHMS_DIFFER);
    w.outer = "300c06082a8648ce3d0403020500";
    expect(CRL_ALGORITHMS_DIFFER);
}

static void an_issuer_has_a_name(void **state)
{
    static const char *const issuers[] = {"3000", "310b300906035504030c024341", "300331013000"};
    (void)state;
    for (size_t i = 0; i < COUNT(issuers); i++) {
        w.issuer = issuers[i];
        expect(CRL_ISSUER);
    }
}

static void a_list_without_next_update_is_refused(void **state)
{
    (void)state;
    w.next_update = "";
    expect(CRL_NO_NEXT_UPDATE);
    w.entries = NULL;
    w.extensions = NULL;
    expect(CRL_NO_NEXT_UPDATE);
}

static void dates_that_cannot_be_read_are_refused(void **state)
{
    static const char *const dates[] = {
        "170b323631313232313332305a",             /* no seconds */
        "170d3236313332323133323030305a",         /* month 13 */
        "170d3236303232393133323030305a",         /* 29 February 2026 */
        "170d3236303030313133323030305a",         /* month 0 */
        "170d3236303130303133323030305a",         /* day 0 */
        "170d3236313132323234323030305a",         /* hour 24 */
        "170d3236313132323133363030305a",         /* minute 60 */
        "170d3236313132323133323036305a",         /* second 60 */
        "170d32363131323231333230303030",         /* no Z */
        "17113236313132323133323030302b30383030", /* not UTC */
        "181132303236313132323133323030302e355a", /* a part of a second */
        "180d3236313132323133323030305a",         /* two digits of the year */
        "170f32303236313132323133323030305a",
        "170d32362d3132323133323030305a",
        "1700",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(dates); i++) {
        w.this_update = dates[i];
        expect(CRL_DATE);
    }
}

static void both_kinds_of_dates_are_read(void **state)
{
    static const struct {
        const char *hex;
        int64_t at;
    } dates[] = {
        {"170d3530303130313030303030305a", -631152000},     /* 1950 */
        {"170d3439313233313233353935395a", 2524607999},     /* 2049 */
        {"180f32303530303130313030303030305a", 2524608000}, /* 2050 */
        {"180f32303030303232393132303030305a", 951825600},  /* 29 February 2000 */
        {"180f31393730303130313030303030305a", 0},
        {"180f39393939313233313233353935395a", 253402300799},
    };
    (void)state;
    w.next_update = "180f39393939313233313233353935395a";
    for (size_t i = 0; i < COUNT(dates); i++) {
        w.this_update = dates[i].hex;
        expect(CRL_SOUND);
        assert_true(w.list.this_update == dates[i].at);
    }
}

static void the_next_update_is_not_before_this(void **state)
{
    (void)state;
    w.this_update = NEXT;
    expect(CRL_SOUND);
    w.next_update = THIS;
    expect(CRL_DATE);
}

static void what_is_known_critical_or_not_has_to_be_readable(void **state)
{
    const struct {
        const char *arc, *value;
        enum crl_fault fault;
    } faults[] = {
        {"14", "0201ff", CRL_NUMBER}, /* negative */
        {"14", "0200", CRL_NUMBER},
        {"14", "02020005", CRL_NUMBER}, /* not the shortest form */
        {"14", "0a0105", CRL_NUMBER},
        {"14", "0201050500", CRL_NUMBER},
        {"14", "02157f00000000000000000000000000000000000000ff", CRL_NUMBER},
        {"14", "021600ff00000000000000000000000000000000000000ff", CRL_NUMBER},
        {"1b", "0201ff", CRL_NUMBER},
        {"23", "0500", CRL_EXTENSION_SHAPE},
        {"23", "30028005", CRL_EXTENSION_SHAPE},
        {"2e", "3000", CRL_EXTENSION_SHAPE},
        {"2e", "0500", CRL_EXTENSION_SHAPE},
        {"1c", "3000", CRL_SCOPE},             /* says nothing */
        {"1c", "30068101ff8201ff", CRL_SCOPE}, /* users only, authorities only */
        {"1c", "30068101ff8501ff", CRL_SCOPE},
        {"1c", "30068201ff8101ff", CRL_SCOPE}, /* in the wrong order */
        {"1c", "30068401ff8401ff", CRL_SCOPE}, /* twice */
        {"1c", "3003810101", CRL_SCOPE},       /* no BOOLEAN */
        {"1c", "30028100", CRL_SCOPE},
        {"1c", "30038601ff", CRL_SCOPE}, /* unknown */
        {"1c", "30028300", CRL_SCOPE},
        {"1c", "300483020880", CRL_SCOPE},     /* eight unused bits */
        {"1c", "30068304000000ff", CRL_SCOPE}, /* too many reasons */
        {"1c", "3002a000", CRL_SCOPE},
        {"1c", "3004a002a000", CRL_SCOPE},
        {"1c", "3005a003820141", CRL_SCOPE},
        {"1c", "3101ff", CRL_SCOPE},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(faults); i++) {
        const char *bad = extension(faults[i].arc, "", faults[i].value);
        w.extensions = strcmp(faults[i].arc, "14") == 0 ? bad : join(NUMBER, bad);
        expect(faults[i].fault);
    }
}

static void a_critical_extension_nobody_knows_refuses_the_list(void **state)
{
    (void)state;
    w.extensions = join(NUMBER, extension("63", CRITICAL, "0500"));
    expect(CRL_EXTENSION_UNKNOWN);
    w.extensions = join(NUMBER, "300f06082b0601050507010a0101ff0400");
    expect(CRL_EXTENSION_UNKNOWN);
}

static void an_extension_stands_once(void **state)
{
    (void)state;
    w.extensions = NUMBER NUMBER;
    expect(CRL_EXTENSION_TWICE);
    w.extensions = join(join(extension("63", "", "00"), NUMBER), extension("63", "", "01"));
    expect(CRL_EXTENSION_TWICE);
}

static void extensions_have_their_shape(void **state)
{
    static const char *const shapes[] = {
        "",                             /* none, with their SEQUENCE */
        "3000",                         /* nothing in it */
        "30050603551d14",               /* no value */
        "300a0603551d1404030201050500", /* something behind the value: cut short */
        "300c0603551d14040302010505000500",
        "300b0603551d140101010403020105", /* critical is 1 */
        "300a0603551d140100040302010a",
        "300406000400",
        "0500",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(shapes); i++) {
        w.extensions = shapes[i];
        expect(CRL_EXTENSION_SHAPE);
    }
}

static void extensions_are_bounded(void **state)
{
    char arc[3];
    (void)state;
    w.extensions = "";
    for (int i = 0; i <= 32; i++) {
        (void)snprintf(arc, sizeof(arc), "%02x", 0x40 + i);
        w.extensions = join(w.extensions, extension(arc, "", "00"));
        if (i < 32)
            expect(CRL_SOUND);
    }
    expect(CRL_EXTENSION_SHAPE);
}

static void entries_have_their_shape(void **state)
{
    static const struct fault faults[] = {
        {"0500", CRL_ENTRY_SHAPE},
        {"3013020105" DATE, CRL_ENTRY_SHAPE}, /* cut */
        {"3003020105", CRL_ENTRY_DATE},
        {"30050201050500", CRL_ENTRY_DATE},
        {"3014020105" DATE "0500", CRL_ENTRY_EXTENSION_SHAPE},
        {"3014020105" DATE "3000", CRL_ENTRY_EXTENSION_SHAPE},
        {"3016020105" DATE "30000500", CRL_ENTRY_SHAPE},
        {"300f" DATE, CRL_ENTRY_SERIAL},
        {"30120a0105" DATE, CRL_ENTRY_SERIAL},
        {"30110200" DATE, CRL_ENTRY_SERIAL},
        {"301302020005" DATE, CRL_ENTRY_SERIAL},
        {"30130202ff80" DATE, CRL_ENTRY_SERIAL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(faults); i++) {
        w.entries = faults[i].piece;
        expect(faults[i].fault);
        w.entries = join(ENTRY, faults[i].piece);
        expect(faults[i].fault);
    }
}

static void a_serial_is_bounded(void **state)
{
    char contents[2 * 65 + 1];
    (void)state;
    memset(contents, '1', sizeof(contents) - 1);
    contents[2 * 65] = '\0';
    w.entries = wrap("30", join(wrap("02", contents), DATE));
    expect(CRL_ENTRY_SERIAL);
    contents[2 * 64] = '\0';
    w.entries = wrap("30", join(wrap("02", contents), DATE));
    expect(CRL_SOUND);
}

static void what_an_entry_says_has_to_be_readable(void **state)
{
    const struct {
        const char *arc, *critical, *value;
        enum crl_fault fault;
    } faults[] = {
        {"15", "", "0a0107", CRL_ENTRY_REASON}, /* not used */
        {"15", "", "0a010b", CRL_ENTRY_REASON},
        {"15", "", "0a0101ff", CRL_ENTRY_REASON},
        {"15", "", "0201ff", CRL_ENTRY_REASON},
        {"15", "", "0a020001", CRL_ENTRY_REASON},
        {"18", "", DATE, CRL_ENTRY_DATE},
        {"18", "", "180132", CRL_ENTRY_DATE},
        {"1d", CRITICAL, "3000", CRL_ENTRY_EXTENSION_SHAPE},
        {"1d", CRITICAL, "3002a405", CRL_ENTRY_EXTENSION_SHAPE},
        {"63", CRITICAL, "0500", CRL_ENTRY_EXTENSION_UNKNOWN},
        {"17", CRITICAL, "06022a03", CRL_ENTRY_EXTENSION_UNKNOWN}, /* holdInstructionCode */
    };
    (void)state;
    for (size_t i = 0; i < COUNT(faults); i++) {
        const char *bad = extension(faults[i].arc, faults[i].critical, faults[i].value);
        w.entries = wrap("30", join("020105" DATE, wrap("30", bad)));
        expect(faults[i].fault);
    }
}

static void an_entrys_extension_stands_once(void **state)
{
    (void)state;
    const char *reason = extension("15", "", "0a0101");
    w.entries = wrap("30", join("020105" DATE, wrap("30", join(reason, reason))));
    expect(CRL_ENTRY_EXTENSION_TWICE);
}

static void nothing_stands_behind_a_list(void **state)
{
    (void)state;
    w.behind = "00";
    expect(CRL_SHAPE);
    w.behind = "";
    w.tail = "0500";
    expect(CRL_SHAPE);
    w.tail = "a0020500";
    expect(CRL_SHAPE);
    w.tail = "";
    w.signature = "030200000500";
    expect(CRL_SHAPE);
}

static void a_list_is_signed(void **state)
{
    (void)state;
    w.signature = "";
    expect(CRL_SHAPE);
    w.signature = "04020000";
    expect(CRL_SHAPE);
}

static void every_cut_is_noticed(void **state)
{
    char whole[HEX_MAX];
    (void)state;
    w.extensions = join(NUMBER, extension("1c", CRITICAL, "30038101ff"));
    (void)snprintf(whole, sizeof(whole), "%s", make_hex());
    for (size_t n = strlen(whole) - 2; n > 0; n -= 2) {
        whole[n] = '\0';
        assert_string_equal(crl_fault_name(read_hex(whole)), "shape");
    }
}

/* Whatever octet is changed, nothing outside of the block is read (under ASan), and what is still
 * a list still has the entries that it counts. */
static void every_changed_octet_is_survived(void **state)
{
    struct crl_record record;
    (void)state;
    w.entries =
        join(ENTRY, wrap("30", join("020105" DATE, wrap("30", extension("15", "", "0a0101")))));
    w.extensions = join(NUMBER, extension("1c", CRITICAL, "30038101ff"));
    expect(CRL_SOUND);
    for (size_t i = 0; i < w.len; i++)
        for (unsigned flip = 1; flip < 256; flip++) {
            w.bytes[i] ^= (unsigned char)flip;
            size_t count = 0;
            if (crl_read(w.bytes, w.len, &w.list) == CRL_SOUND) {
                for (struct der entries = w.list.entries; crl_read_entry(&entries, &record);)
                    count++;
                assert_int_equal(count, w.list.count);
            }
            w.bytes[i] ^= (unsigned char)flip;
        }
}

static void faults_have_names_of_their_own(void **state)
{
    (void)state;
    for (int a = 0; a < CRL_FAULTS; a++)
        for (int b = 0; b < a; b++)
            assert_string_not_equal(crl_fault_name((enum crl_fault)a),
                                    crl_fault_name((enum crl_fault)b));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(a_list_says_who_when_and_which_number),
        TEST(an_entry_says_what_is_revoked_and_since_when),
        TEST(entries_end),
        TEST(an_entry_may_say_why_since_when_and_of_whom),
        TEST(serials_are_what_was_written),
        TEST(nobody_revoked_is_written_in_two_ways),
        TEST(a_delta_names_its_base),
        TEST(twenty_octets_are_a_number),
        TEST(the_issuers_key_is_named),
        TEST(where_deltas_are_is_reported),
        TEST(the_scope_is_reported),
        TEST(other_scopes_are_reported),
        TEST(version_one_is_a_list_without_extensions),
        TEST(unknown_extensions_that_are_not_critical_are_passed_over),
        TEST(other_versions_are_refused),
        TEST(version_one_has_no_extensions),
        TEST(the_algorithm_is_the_same_inside_and_outside),
        TEST(an_issuer_has_a_name),
        TEST(a_list_without_next_update_is_refused),
        TEST(dates_that_cannot_be_read_are_refused),
        TEST(both_kinds_of_dates_are_read),
        TEST(the_next_update_is_not_before_this),
        TEST(what_is_known_critical_or_not_has_to_be_readable),
        TEST(a_critical_extension_nobody_knows_refuses_the_list),
        TEST(an_extension_stands_once),
        TEST(extensions_have_their_shape),
        TEST(extensions_are_bounded),
        TEST(entries_have_their_shape),
        TEST(a_serial_is_bounded),
        TEST(what_an_entry_says_has_to_be_readable),
        TEST(an_entrys_extension_stands_once),
        TEST(nothing_stands_behind_a_list),
        TEST(a_list_is_signed),
        TEST(every_cut_is_noticed),
        TEST(every_changed_octet_is_survived),
        TEST(faults_have_names_of_their_own),
    };
    return cmocka_run_group_tests_name("pki/crl_read", tests, NULL, NULL);
}
