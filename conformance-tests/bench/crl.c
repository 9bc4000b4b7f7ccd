/*
 * Measures what a large list of revoked certificates costs. A child makes the list and puts it on a
 * shelf; then, as a node does at its start, the list is mapped from its file, verified and indexed,
 * and each entry is looked up, in no order, and as many serials that are not listed.
 *
 *     bench-crl RSA|P-256|SM2 ENTRIES
 *
 * Prints one line of JSON: how long loading took, the private memory that it took (the mapped file
 * is not in it), and what a look-up takes, of what is listed and of what is not.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bare.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "pki/crl/crl_files.h"
#include "pki/crl/crl_read.h"
#include "pki/crl/crls.h"
#include "pki/trust/trust.h"
#include "tests/help.h"
#include "tests/pki/crl_make.h"
#include "tests/pki_region.h"

enum { SERIAL = 16 };

struct world {
    struct region_authority authority;
    struct trust *trust;
    char *folder;
    size_t entries;
    unsigned char issuer[DIGEST_SIZE];
    const unsigned char **serials;
};

static void need(bool good, const char *what)
{
    if (good)
        return;
    (void)fprintf(stderr, "bench-crl: %s\n", what);
    exit(EXIT_FAILURE);
}

static void make_world(struct world *world, const char *kind, size_t entries)
{
    char *why = NULL;
    unsigned size = DIGEST_SIZE;
    region_authority_make(&world->authority, "one", kind);
    json_t *entry = region_entry(&world->authority);
    json_t *urls = json_pack("[{s:s}]", "url", "http://127.0.0.1:9/full.crl");
    need(json_object_set_new(json_object_get(entry, "revocation"), "crl", urls) == 0, "entry");
    json_t *list = region_trust_list((json_t *[]){entry, NULL});
    char *text = json_dumps(list, 0);
    need(trust_parse("list", text, strlen(text), &why, &world->trust) == IDP_OK, "trust list");
    free(text);
    json_decref(list);
    need(X509_digest(world->authority.certificate, EVP_sha256(), world->issuer, &size) == 1,
         "hash");
    world->folder = help_temp_folder();
    world->entries = entries;
}

static struct crls *open_shelf(const struct world *world)
{
    struct crls *crls = NULL;
    need(crls_new(world->folder, &crls) == IDP_OK, "shelf");
    need(crls_follow(crls, world->trust) == IDP_OK, "trust list");
    return crls;
}

/* In a process of its own, since the list is made in memory. */
static void put_list(const struct world *world)
{
    size_t len = 0;
    struct crl_draft draft;
    const struct crl_making how = {
        .issuer = world->authority.certificate,
        .key = world->authority.key,
        .this_update = REGION_NOW,
        .next_update = REGION_NOW + REGION_DAY,
        .number = "01",
        .random = world->entries,
    };
    unsigned char *der = crl_make(&how, &len);
    struct crls *crls = open_shelf(world);
    need(crls_draft(crls, &draft) == IDP_OK, "draft");
    for (size_t done = 0; done < len;) {
        ssize_t n = write(draft.fd, der + done, len - done);
        need(n > 0, "no room on the disk");
        done += (size_t)n;
    }
    struct crls_result result = crls_offer(crls, &draft, "one", REGION_NOW);
    crl_draft_end(&draft);
    need(result.outcome == CRLS_TAKEN, result.why != NULL ? result.why : "list");
}

static void put_list_by_child(const struct world *world)
{
    int status = 0;
    pid_t child = fork();
    need(child >= 0, "fork");
    if (child == 0) {
        put_list(world);
        _exit(EXIT_SUCCESS);
    }
    need(waitpid(child, &status, 0) == child && status == 0, "the list could not be made");
}

/* Memory of this process that is in no file, in KiB. */
static long private_kib(void)
{
    char line[256];
    long kib = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, "RssAnon:", 8) == 0)
            kib = strtol(line + 8, NULL, 10);
    if (file != NULL)
        (void)fclose(file);
    need(kib >= 0, "/proc/self/status");
    return kib;
}

/* The serials in the file, in no order. */
static void gather_serials(struct world *world)
{
    struct stat stats;
    struct crl_list list;
    struct crl_record record;
    size_t n = 0;
    int fd = crl_file_open(world->folder, world->issuer, CRL_FILE_FULL);
    need(fd >= 0 && fstat(fd, &stats) == 0, "file");
    const unsigned char *der = mmap(NULL, (size_t)stats.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    need(der != MAP_FAILED && crl_read(der, (size_t)stats.st_size, &list) == CRL_SOUND, "list");
    world->serials = calloc(world->entries, sizeof(*world->serials));
    need(world->serials != NULL, "memory");
    for (struct der entries = list.entries; crl_read_entry(&entries, &record);)
        world->serials[n++] = record.serial.at;
    for (size_t i = 0; i < n; i++) {
        size_t other = (size_t)(((uint64_t)i * 2654435761U) % n);
        const unsigned char *carried = world->serials[i];
        world->serials[i] = world->serials[other];
        world->serials[other] = carried;
    }
    (void)close(fd);
}

/* Nanoseconds of CPU for each of the serials, with one bit changed when they are not to be found.
 */
static double look_up(const struct world *world, struct crls *crls, bool listed)
{
    unsigned char serial[SERIAL];
    struct crl_finding finding;
    size_t wrong = 0;
    int64_t begun = bare_cpu_ns();
    for (size_t i = 0; i < world->entries; i++) {
        memcpy(serial, world->serials[i], SERIAL);
        serial[SERIAL - 1] ^= !listed;
        crls_find(crls, world->issuer, serial, SERIAL, &finding);
        wrong += (finding.entry == CRL_LISTED) != listed;
    }
    double ns = (double)(bare_cpu_ns() - begun);
    need(wrong == 0, "a look-up went wrong");
    return ns / (double)world->entries;
}

int main(int argc, char *argv[])
{
    struct world world;
    int64_t entries = 0;
    if (argc != 3 || !text_to_number(argv[2], 1, 2000000, &entries)) {
        (void)fprintf(stderr, "usage: bench-crl RSA|P-256|SM2 ENTRIES\n");
        return EXIT_FAILURE;
    }
    log_set_level(LOG_ERROR);
    make_world(&world, argv[1], (size_t)entries);
    put_list_by_child(&world);
    long before_kib = private_kib();
    int64_t begun = clock_ticks_us();
    struct crls *crls = open_shelf(&world);
    double load_ms = (double)(clock_ticks_us() - begun) / 1000;
    long taken_kib = private_kib() - before_kib;
    gather_serials(&world);
    double found_ns = look_up(&world, crls, true);
    double absent_ns = look_up(&world, crls, false);
    (void)printf("{\"load_ms\": %.1f, \"private_kib\": %ld, \"found_ns\": %.0f, "
                 "\"absent_ns\": %.0f}\n",
                 load_ms, taken_kib, found_ns, absent_ns);
    crls_free(crls);
    help_remove_folder(world.folder);
    return EXIT_SUCCESS;
}
