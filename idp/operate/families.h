/* What /metrics tells, a file for each matter. All of them only read what was counted. */
#pragma once

struct exposition;
struct request;

/* Requests, connections, lanes. */
void families_of_server(struct exposition *e, struct request *rq);

/* The two stores. */
void families_of_stores(struct exposition *e, struct request *rq);

/* The certification authorities and the addresses of their status services. */
void families_of_authorities(struct exposition *e, struct request *rq);

/* Lists of revoked certificates, and where they are fetched. */
void families_of_lists(struct exposition *e, struct request *rq);

/* Refused locks, signing keys, and when keys and certificates end. */
void families_of_trust(struct exposition *e, struct request *rq);

/* What waits to be done outside the database, and what was given up. */
void families_of_outbox(struct exposition *e, struct request *rq);

/* The program and its process. */
void families_of_process(struct exposition *e, struct request *rq);
