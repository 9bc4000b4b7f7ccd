/* What the whole program shares: filled at start, constant while serving, save where noted. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "access/access.h"
#include "access/outbox.h"
#include "access/watched.h"
#include "config.h"
#include "retention.h"

struct client_registry;
struct crl_renew;
struct crls;
struct generation_watch;
struct http_files;
struct http_fixed;
struct http_server;
struct http_slot;
struct kept;
struct kv;
struct mailer;
struct master_key;
struct net;
struct pki;
struct purpose_keys;
struct refusals;
struct route;
struct seen;
struct signer;
struct sql;
struct trust;
struct watch;

struct app {
    struct config config;
    struct access access; /* for access/, with the stores and keys below */
    struct sql *db;
    struct kv *kv;
    struct net *net;
    struct mailer *mailer; /* NULL: the settings have no mail */
    struct crls *crls;     /* lists of revoked certificates */
    struct crl_renew *lists;
    struct pki *pki;
    struct trust *trust_file;   /* as it was read at the start, until it is put to use */
    int64_t trust_loading;      /* of the list in use; of the thread that watches the generation */
    _Atomic bool trust_damaged; /* the list that counts cannot be used: the one before still is */
    struct master_key *master;
    struct purpose_keys *keys;
    struct key_policy key_policy; /* what the settings say about signing keys */
    struct signer *signer;
    struct client_registry *clients;
    struct kept *kept; /* evidence that is there already; NULL: none is known */
    struct seen *seen; /* certificates whose rows are written already; NULL: none is known */
    struct refusals *refusals; /* of locks; NULL: nobody counts them */
    struct http_files *pages, *packages;
    char cache_control[48]; /* of the two documents below, which borrow it */
    struct http_fixed *discovery;
    struct http_slot *jwks, *jwks_stale; /* the second for when nobody may keep it */
    char *jwks_text;                     /* the document in them; of the thread that swaps */
    struct generation_watch *watch;
    struct watch *lock_watch;   /* certificates that are asked about ahead of time, and again */
    struct watched watched;     /* of its job */
    struct outbox_board outbox; /* as this node saw it last */
    struct retention retention; /* of its job */
    _Atomic bool left_behind; /* the database was changed beyond what this program can work with */
    struct http_server *server;  /* what clients and browsers call */
    struct http_server *operate; /* what operators call; NULL: the settings want none */
    char csp[1024];              /* of the pages */
    atomic_bool draining;        /* the program is about to end */
    const struct route *const *routes;
};
