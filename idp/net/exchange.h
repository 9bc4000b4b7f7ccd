/*
 * One request on its way through libcurl: where it goes, what is sent, what has come back so far.
 * For this room only.
 */
#pragma once

#include "net/fetch.h"
#include "net/target.h"

struct net_exchange {
    const struct net_request *request;
    struct net_target target;
    struct curl_slist *headers, *pins;
    bool full, no_memory, unwritable;
    unsigned char *body;
    size_t len, room;
    size_t headers_len; /* received, with what comes behind the body */
};

/*
 * Takes the request's address apart, resolves its host once, and refuses it when it is not allowed
 * or any of its addresses is not of the public Internet. Nothing has to be cleared after a failure.
 */
enum idp_err net_exchange_aim(struct net *net, const struct net_request *request,
                              unsigned deadline_ms, struct net_exchange *out);

/* Tells the handle all that it needs to send it. Returns IDP_FAULT when there is no memory. */
enum idp_err net_exchange_bind(struct net_exchange *exchange, struct net *net, CURL *handle,
                               unsigned deadline_ms);

/* What came of it: the errors of net_fetch(), and the answer, which is the arena's. */
enum idp_err net_exchange_outcome(const struct net_exchange *exchange, CURL *handle, CURLcode code,
                                  struct arena *arena, struct net_answer *out);

/* Frees what it holds, after the handle was reset or cleaned up. */
void net_exchange_clear(struct net_exchange *exchange);
