#include "pki/crl/crl_held.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* A number without the zeros before it, as evidence has it. */
static void write_number(const struct crl_number *number, char out[CRL_NUMBER_SIZE])
{
    size_t first = 0;
    while (first < CRL_NUMBER_OCTETS - 1 && number->octets[first] == 0)
        first++;
    for (size_t i = first; i < CRL_NUMBER_OCTETS; i++)
        (void)snprintf(out + 2 * (i - first), 3, "%02X", number->octets[i]);
}

static enum idp_err name_it(struct crl_held *held)
{
    const struct crl_list *list = &held->is.list;
    held->name.this_update = list->this_update;
    held->name.next_update = list->next_update;
    write_number(&list->number, held->name.number);
    return digest(DIGEST_SHA256, held->is.der, held->is.len, held->name.hash);
}

/* What is wrong with the list, whoever signed it; or NULL. */
static const char *objection(const struct crl_list *list)
{
    if (list->version != 2)
        return "version_1";
    /* RFC 5280 section 5.2.3; without one nobody knows which is newer. */
    return list->has_number ? NULL : crl_objection_name(CRL_NO_NUMBER);
}

static enum idp_err read_it(struct crl_held *held, const char **why)
{
    enum crl_fault fault = crl_read(held->is.der, held->is.len, &held->is.list);
    *why = fault != CRL_SOUND ? crl_fault_name(fault) : objection(&held->is.list);
    if (*why != NULL)
        return IDP_REFUSED;
    enum idp_err err = name_it(held);
    return err == IDP_OK ? crl_index_new(&held->is.list, &held->index) : err;
}

static enum idp_err map(int fd, const char **why, struct crl_held *held)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0)
        return IDP_UNAVAILABLE;
    *why = stat.st_size == 0 ? "empty" : stat.st_size > CRL_FILE_MAX ? "too_large" : NULL;
    if (*why != NULL)
        return IDP_REFUSED;
    void *bytes = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return IDP_UNAVAILABLE;
    held->mapped = bytes;
    held->is.der = bytes;
    held->is.len = (size_t)stat.st_size;
    return IDP_OK;
}

enum idp_err crl_held_open(int fd, const char **why, struct crl_held **out)
{
    struct crl_held *held = calloc(1, sizeof(*held));
    *why = NULL;
    if (held == NULL)
        return IDP_FAULT;
    held->references = 1;
    enum idp_err err = map(fd, why, held);
    if (err == IDP_OK)
        err = read_it(held, why);
    if (err == IDP_OK)
        *out = held;
    else
        crl_held_release(held);
    return err;
}

struct crl_held *crl_held_take(struct crl_held *held)
{
    if (held != NULL)
        (void)atomic_fetch_add(&held->references, 1);
    return held;
}

void crl_held_release(struct crl_held *held)
{
    if (held == NULL || atomic_fetch_sub(&held->references, 1) > 1)
        return;
    crl_index_free(held->index);
    if (held->mapped != NULL)
        (void)munmap(held->mapped, held->is.len);
    free(held);
}
