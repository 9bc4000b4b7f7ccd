#include "evidence/objects.h"

#include "base/base64.h"
#include "store/sql.h"

enum idp_err evidence_object_read(struct sql *db, struct arena *arena,
                                  const unsigned char hash[DIGEST_SIZE],
                                  const unsigned char **bytes, size_t *len)
{
    char text[BASE64URL_LEN(DIGEST_SIZE) + 1];
    struct sql_rows rows;
    base64url_encode(hash, DIGEST_SIZE, text);
    const struct sql_value value = sql_text(text);
    const struct sql_call call = {
        .text = "SELECT bytes FROM evidence_objects WHERE hash = $1", .params = &value, .count = 1};
    enum idp_err err = sql_read_one(db, arena, &call, &rows);
    if (err != IDP_OK)
        return err;
    const struct sql_value *object = sql_cell(&rows, 0, 0);
    if (object == NULL)
        return IDP_FAULT;
    *bytes = object->bytes;
    *len = object->len;
    return IDP_OK;
}
