/* Lists are fetched from a real server on loopback; only the clock is the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "net/net.h"
#include "pki/crl/crl_renew.h"
#include "pki/crl/crls.h"
#include "pki/pki.h"
#include "pki/trust/trust.h"
#include "store/kv.h"
#include "store/memory.h"
#include "tests/help.h"
#include "tests/net/http_peer.h"
#include "tests/pki/crl_make.h"
#include "tests/pki_region.h"

enum { NOW = REGION_NOW, HOUR = 3600, DAY = 86400, FULL = 0, DELTA = 1, ROOT = 2, PAGES = 3 };

#define MINE "0abc"

static struct region_authority slow, quick; /* two authorities */

/* What the server has at an address. */
struct page {
    const char *path;
    unsigned char *body;
    size_t len;
    char etag[16]; /* "": none */
    bool gone;     /* answers 404 */
    atomic_int asked, spared;
};

static bool answer(int fd, const char *request, int nth);
static struct http_peer server = {.answer = answer};

static struct world {
    char *folder;
    struct net *net;
    struct kv *kv;
    struct crls *crls;
    struct pki *pki;
    struct crl_renew *renew;
    bool hold; /* "/slow.crl" does not answer */
    bool held; /* somebody waits for it */
    struct page pages[PAGES];
} w;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what the server looks at */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

/* --- the server --------------------------------------------------------------------------------
 */

static void say_list(int fd, const struct page *page)
{
    char head[256];
    int n = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n%s%s%s\r\n",
                     page->len, page->etag[0] != '\0' ? "ETag: " : "", page->etag,
                     page->etag[0] != '\0' ? "\r\n" : "");
    (void)send(fd, head, (size_t)n, MSG_NOSIGNAL);
    (void)send(fd, page->body, page->len, MSG_NOSIGNAL);
}

static void say_page(int fd, struct page *page, const char *request)
{
    const char *asks = strstr(request, "If-None-Match: ");
    page->asked++;
    if (page->gone || page->body == NULL) {
        http_peer_say(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    } else if (asks != NULL && page->etag[0] != '\0' &&
               strncmp(asks + 15, page->etag, strlen(page->etag)) == 0) {
        page->spared++;
        http_peer_say(fd, "HTTP/1.1 304 Not Modified\r\n\r\n");
    } else {
        say_list(fd, page);
    }
}

static void wait_slowly(void)
{
    w.held = true;
    (void)pthread_cond_broadcast(&changed);
    while (w.hold)
        (void)pthread_cond_wait(&changed, &lock);
    w.held = false;
}

static bool answer(int fd, const char *request, int nth)
{
    const char *path = strchr(request, ' ') + 1;
    (void)nth;
    (void)pthread_mutex_lock(&lock);
    if (strncmp(path, "/slow.crl ", 10) == 0)
        wait_slowly();
    for (size_t i = 0; i < PAGES; i++)
        if (strncmp(path, w.pages[i].path, strlen(w.pages[i].path)) == 0)
            say_page(fd, &w.pages[i], request);
    (void)pthread_mutex_unlock(&lock);
    return false;
}

/* --- the world ---------------------------------------------------------------------------------
 */

static int make_all(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR + 1);
    region_authority_make(&slow, "slow", "P-256");
    region_authority_make(&quick, "quick", "P-256");
    http_peer_start(&server);
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    http_peer_stop(&server);
    region_authority_clear(&slow);
    region_authority_clear(&quick);
    return 0;
}

static json_t *url_of(const char *path)
{
    char url[128];
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", server.port, path);
    return json_pack("{s:s}", "url", url);
}

static json_t *entry_of(const struct region_authority *authority, const char *const *paths)
{
    json_t *entry = region_entry(authority);
    json_t *urls = json_array();
    char *pem = region_pem(authority->root);
    for (; *paths != NULL; paths++)
        assert_int_equal(json_array_append_new(urls, url_of(*paths)), 0);
    assert_int_equal(json_object_set_new(json_object_get(entry, "revocation"), "crl", urls), 0);
    assert_int_equal(json_object_set_new(entry, "roots", json_pack("[s]", pem)), 0);
    free(pem);
    return entry;
}

static struct trust *make_trust(json_t *const *entries)
{
    char *why = NULL;
    struct trust *trust = NULL;
    json_t *list = region_trust_list(entries);
    char *text = json_dumps(list, 0);
    assert_int_equal(trust_parse("list", text, strlen(text), &why, &trust), IDP_OK);
    free(text);
    json_decref(list);
    return trust;
}

static struct trust *usual_trust(void)
{
    static const char *const paths[] = {"/full.crl", "/delta.crl", "/root.crl", NULL};
    json_t *entries[] = {entry_of(&quick, paths), NULL};
    return make_trust(entries);
}

static void start(struct trust *trust)
{
    struct pki_settings settings = {.trust = trust, .kv = w.kv};
    assert_int_equal(crls_new(w.folder, &w.crls), IDP_OK);
    settings.lists = pki_lists_of(w.crls);
    assert_int_equal(pki_new(&settings, &w.pki), IDP_OK);
    w.renew = crl_renew_new(w.net, w.crls);
    assert_non_null(w.renew);
}

static void stop(void)
{
    crl_renew_free(w.renew);
    pki_free(w.pki);
    crls_free(w.crls);
}

static int set_up(void **state)
{
    static const char *const nobody[] = {NULL};
    (void)state;
    (void)pthread_mutex_lock(&lock);
    memset(&w, 0, sizeof(w));
    w.pages[FULL].path = "/full.crl ";
    w.pages[DELTA].path = "/delta.crl ";
    w.pages[ROOT].path = "/root.crl ";
    (void)pthread_mutex_unlock(&lock);
    w.folder = help_temp_folder();
    assert_int_equal(net_new(nobody, &w.net), IDP_OK);
    assert_int_equal(kv_memory_open(NULL, NULL, &w.kv), IDP_OK);
    start(usual_trust());
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stop();
    kv_close(w.kv);
    net_free(w.net);
    help_remove_folder(w.folder);
    free(w.folder);
    (void)pthread_mutex_lock(&lock);
    for (size_t i = 0; i < PAGES; i++)
        free(w.pages[i].body);
    (void)pthread_mutex_unlock(&lock);
    return 0;
}

/* Puts a list on the server. */
static void publish(int page, const struct crl_making *how)
{
    size_t len = 0;
    unsigned char *der = crl_make(how, &len);
    (void)pthread_mutex_lock(&lock);
    free(w.pages[page].body);
    w.pages[page].body = der;
    w.pages[page].len = len;
    (void)pthread_mutex_unlock(&lock);
}

static struct crl_making list(const char *number, int64_t now, int64_t life)
{
    static const struct crl_making_entry entries[] = {{.serial = MINE, .reason = 1}, {NULL, 0, 0}};
    return (struct crl_making){.issuer = quick.certificate,
                               .key = quick.key,
                               .this_update = now,
                               .next_update = now + life,
                               .number = number,
                               .entries = entries};
}

static void publish_full(const char *number, int64_t now, int64_t life)
{
    const struct crl_making how = list(number, now, life);
    publish(FULL, &how);
}

/* As the job does, until nothing is due any more; returns how many were fetched. */
static int run(int64_t now)
{
    int n = 0;
    bool fetched = true;
    while (fetched) {
        assert_int_equal(crl_renew_run(w.renew, w.pki, now, &fetched), IDP_OK);
        n += fetched;
        assert_true(n < 20);
    }
    return n;
}

static struct crl_finding find(void)
{
    static const unsigned char serial[] = {0x0a, 0xbc};
    unsigned char hash[DIGEST_SIZE];
    unsigned size = DIGEST_SIZE;
    struct crl_finding finding;
    assert_int_equal(X509_digest(quick.certificate, EVP_sha256(), hash, &size), 1);
    crls_find(w.crls, hash, serial, sizeof(serial), &finding);
    return finding;
}

static struct crl_source_figure figure(int page)
{
    struct crl_source_figure figures[PAGES];
    assert_int_equal(crl_renew_figures(w.renew, "quick", figures, PAGES), PAGES);
    return figures[page];
}

/* --- fetching ----------------------------------------------------------------------------------
 */

static void what_the_addresses_have_is_put_on_the_shelf(void **state)
{
    char serial[CRL_MAKE_SERIAL_SIZE];
    unsigned char hash[DIGEST_SIZE];
    unsigned size = DIGEST_SIZE;
    (void)state;
    crl_make_serial(quick.certificate, serial);
    const struct crl_making_entry entries[] = {{.serial = serial}, {.serial = NULL}};
    struct crl_making full = list("10", NOW, DAY);
    full.entries = NULL;
    struct crl_making delta = list("11", NOW, HOUR);
    delta.base = "10";
    struct crl_making root = list("01", NOW, DAY);
    root.issuer = quick.root;
    root.key = quick.root_key;
    root.entries = entries;
    publish(FULL, &full);
    publish(DELTA, &delta);
    publish(ROOT, &root);
    assert_int_equal(run(NOW), 3);
    assert_int_equal(find().entry, CRL_LISTED);
    assert_string_equal(find().full.number, "10");
    assert_string_equal(find().delta.number, "11");
    assert_int_equal(X509_digest(quick.certificate, EVP_sha256(), hash, &size), 1);
    assert_true(crls_anchor_revoked(w.crls, hash));
    assert_int_equal(figure(FULL).fetched, 1);
    assert_int_equal(figure(FULL).last_success, NOW);
    assert_int_equal(run(NOW + 1), 0);
}

static void a_delta_that_came_before_its_full_list_comes_again_soon(void **state)
{
    (void)state;
    struct crl_making delta = list("11", NOW, HOUR);
    delta.base = "10";
    publish(DELTA, &delta);
    (void)run(NOW);
    assert_false(find().present);
    publish_full("10", NOW, DAY);
    (void)run(NOW + CRL_SOON_S);
    assert_string_equal(find().full.number, "10");
    assert_string_equal(find().delta.number, "11");
}

static void a_list_is_renewed_before_it_ends(void **state)
{
    (void)state;
    publish_full("10", NOW, HOUR);
    (void)run(NOW);
    publish_full("11", NOW + 10, HOUR);
    int asked = w.pages[FULL].asked;
    (void)run(NOW + HOUR * 3 / 4 - 1);
    assert_int_equal(w.pages[FULL].asked, asked);
    (void)run(NOW + HOUR * 9 / 10);
    assert_string_equal(find().full.number, "11");
}

static void a_list_is_looked_for_twice_in_its_greatest_age(void **state)
{
    (void)state;
    publish_full("10", NOW, 30 * DAY);
    (void)run(NOW);
    publish_full("11", NOW + 10, 30 * DAY);
    (void)run(NOW + DAY / 2);
    assert_string_equal(find().full.number, "11");
}

static void times_to_fetch_follow_signed_dates(void **state)
{
    static const struct {
        int64_t now, life, expected; /* since thisUpdate */
        int max_age_s;
        double spread;
    } times[] = {
        {0, 1000, 750, DAY, 0},         {0, 1000, 900, DAY, 1},     {0, 1000, 825, DAY, 0.5},
        {0, 1000, 250, 500, 0.5},       {800, 1000, 850, DAY, 0.5}, {990, 1000, 1020, DAY, 0.5},
        {1000, 1000, 1300, DAY, 0},     {5000, 1000, 5300, DAY, 1}, {5000, 1000, 5030, 60, 1},
        {90000, 100000, 90600, DAY, 0}, {0, 0, 300, DAY, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++)
        assert_int_equal(crl_renew_when(NOW + times[i].now, NOW, NOW + times[i].life,
                                        times[i].max_age_s, times[i].spread),
                         NOW + times[i].expected);
}

static void what_has_not_changed_is_not_sent_again(void **state)
{
    (void)state;
    publish_full("10", NOW, DAY);
    (void)snprintf(w.pages[FULL].etag, sizeof(w.pages[FULL].etag), "\"one\"");
    (void)run(NOW);
    (void)run(NOW + DAY / 2);
    assert_int_equal(w.pages[FULL].spared, 1);
    assert_int_equal(figure(FULL).unchanged, 1);
    assert_int_equal(figure(FULL).last_success, NOW + DAY / 2);
    assert_true(find().present);
}

/* PKI.md section 6, 13: HTTP never makes a list live longer. */
static void a_server_that_says_unchanged_is_not_believed_past_the_end(void **state)
{
    (void)state;
    publish_full("10", NOW, HOUR);
    (void)snprintf(w.pages[FULL].etag, sizeof(w.pages[FULL].etag), "\"one\"");
    (void)run(NOW);
    publish_full("11", NOW + 10, DAY); /* with the same ETag */
    (void)run(NOW + HOUR - 1);
    assert_string_equal(find().full.number, "10");
    (void)run(NOW + HOUR + 30);
    assert_string_equal(find().full.number, "11");
}

/* --- failures ----------------------------------------------------------------------------------
 */

static void a_failure_is_tried_again_ever_more_slowly(void **state)
{
    int64_t now = NOW;
    int64_t pause = CRL_RETRY_S;
    (void)state;
    w.pages[FULL].gone = true;
    for (unsigned i = 1; i <= 9; i++) {
        (void)run(now);
        assert_int_equal(w.pages[FULL].asked, i);
        assert_int_equal(figure(FULL).failing, i);
        (void)run(now + pause / 2 - 1);
        assert_int_equal(w.pages[FULL].asked, i);
        now += pause;
        pause = 2 * pause < CRL_RETRY_MAX_S ? 2 * pause : CRL_RETRY_MAX_S;
    }
    w.pages[FULL].gone = false;
    publish_full("10", NOW, DAY);
    (void)run(now);
    assert_true(find().present);
    assert_int_equal(figure(FULL).failing, 0);
    assert_int_equal(figure(FULL).failed, 9);
}

static void what_is_refused_is_a_failure(void **state)
{
    (void)state;
    struct crl_making how = list("10", NOW, DAY);
    how.spoil = true;
    publish(FULL, &how);
    (void)run(NOW);
    assert_false(find().present);
    assert_int_equal(figure(FULL).failing, 1);
    assert_int_equal(figure(FULL).last_success, 0);
}

static void an_older_list_of_a_mirror_changes_nothing(void **state)
{
    (void)state;
    publish_full("10", NOW, HOUR);
    (void)run(NOW);
    publish_full("0f", NOW - HOUR, DAY);
    (void)run(NOW + HOUR);
    assert_string_equal(find().full.number, "10");
    assert_int_equal(figure(FULL).failing, 1);
}

static void *run_once(void *with)
{
    bool fetched = false;
    (void)with;
    (void)crl_renew_run(w.renew, w.pki, NOW, &fetched);
    return NULL;
}

static void a_slow_authority_keeps_no_other_waiting(void **state)
{
    static const char *const slow_paths[] = {"/slow.crl", "/slow.crl?2", NULL};
    static const char *const quick_paths[] = {"/full.crl", NULL};
    pthread_t thread;
    (void)state;
    stop();
    json_t *entries[] = {entry_of(&slow, slow_paths), entry_of(&quick, quick_paths), NULL};
    w.hold = true;
    start(make_trust(entries));
    publish_full("10", NOW, DAY);
    assert_int_equal(pthread_create(&thread, NULL, run_once, NULL), 0);
    (void)pthread_mutex_lock(&lock);
    while (!w.held)
        (void)pthread_cond_wait(&changed, &lock);
    (void)pthread_mutex_unlock(&lock);
    assert_int_equal(run(NOW), 1); /* the other authority's, and none more of this one */
    assert_true(find().present);
    (void)pthread_mutex_lock(&lock);
    w.hold = false;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&lock);
    (void)pthread_join(thread, NULL);
    assert_int_equal(run(NOW), 1);
}

/* --- over a restart ----------------------------------------------------------------------------
 */

static void a_restart_fetches_nothing_before_its_time(void **state)
{
    (void)state;
    publish_full("10", NOW, DAY);
    w.pages[DELTA].gone = w.pages[ROOT].gone = true;
    (void)snprintf(w.pages[FULL].etag, sizeof(w.pages[FULL].etag), "\"one\"");
    (void)run(NOW);
    assert_int_equal(w.pages[FULL].asked, 1);
    stop();
    start(usual_trust());
    assert_true(find().present);
    (void)run(NOW + 60);
    assert_int_equal(w.pages[FULL].asked, 1);
    assert_int_equal(figure(FULL).last_success, NOW);
    (void)run(NOW + DAY / 2);
    assert_int_equal(w.pages[FULL].spared, 1); /* the server recognises what we have */
}

static void a_lost_list_is_fetched_at_once(void **state)
{
    char command[600];
    (void)state;
    publish_full("10", NOW, DAY);
    (void)run(NOW);
    stop();
    (void)snprintf(command, sizeof(command), "rm %s/*.full.crl", w.folder);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a folder of our own */
    start(usual_trust());
    (void)run(NOW + 1);
    assert_int_equal(w.pages[FULL].asked, 2);
    assert_true(find().present);
}

/* --- another trust list ------------------------------------------------------------------------
 */

static void sources_follow_the_trust_list(void **state)
{
    static const char *const only_root[] = {"/root.crl", NULL};
    struct crl_source_figure figures[PAGES];
    (void)state;
    publish_full("10", NOW, HOUR);
    (void)run(NOW);
    json_t *entries[] = {entry_of(&quick, only_root), NULL};
    assert_int_equal(pki_exchange(w.pki, make_trust(entries)), IDP_OK);
    int asked = w.pages[FULL].asked;
    (void)run(NOW + HOUR);
    assert_int_equal(w.pages[FULL].asked, asked);
    assert_int_equal(crl_renew_figures(w.renew, "quick", figures, PAGES), 1);
    assert_int_equal(pki_exchange(w.pki, usual_trust()), IDP_OK);
    (void)run(NOW + HOUR + 1);
    assert_int_equal(w.pages[FULL].asked, asked + 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(what_the_addresses_have_is_put_on_the_shelf),
        TEST(a_delta_that_came_before_its_full_list_comes_again_soon),
        TEST(a_list_is_renewed_before_it_ends),
        TEST(a_list_is_looked_for_twice_in_its_greatest_age),
        TEST(times_to_fetch_follow_signed_dates),
        TEST(what_has_not_changed_is_not_sent_again),
        TEST(a_server_that_says_unchanged_is_not_believed_past_the_end),
        TEST(a_failure_is_tried_again_ever_more_slowly),
        TEST(what_is_refused_is_a_failure),
        TEST(an_older_list_of_a_mirror_changes_nothing),
        TEST(a_slow_authority_keeps_no_other_waiting),
        TEST(a_restart_fetches_nothing_before_its_time),
        TEST(a_lost_list_is_fetched_at_once),
        TEST(sources_follow_the_trust_list),
    };
    return cmocka_run_group_tests_name("pki/crl_renew", tests, make_all, free_all);
}
