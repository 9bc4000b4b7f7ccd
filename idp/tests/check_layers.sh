#!/bin/sh
# Fails when a file includes a header of its own or a higher layer from another folder, when a
# folder below the top includes a header of idp/ itself, or when a library's header is included
# outside its room. Layers, low to high; folders on one line may not include each other.
set -eu
cd "$(dirname "$0")/.."
# shellcheck disable=SC2016 # awk expands
find . -name '*.[ch]' -not -path './tests/*' -not -path './fuzz/*' -not -path './web/*' -print |
    sort | xargs awk '
BEGIN {
    lines = "base|store net|http jose pki notify|enterprise client evidence|access|oauth portal console operate"
    count = split(lines, line, "|")
    for (n in line) { k = split(line[n], f, " "); for (i = 1; i <= k; i++) level[f[i]] = n + 0 }
    top = count
    split("microhttpd.h gnutls/ sqlite3.h libpq-fe.h hiredis curl/ openssl/x509 openssl/ocsp.h", library, " ")
    home["microhttpd.h"] = home["gnutls/"] = "http"; home["sqlite3.h"] = home["libpq-fe.h"] = home["hiredis"] = "store"
    home["curl/"] = "net"; home["openssl/x509"] = home["openssl/ocsp.h"] = "pki jose"
}
{
    from = FILENAME; sub(/^\.\//, "", from); sub(/\/.*/, "", from)
    if (from !~ /\./ && !(from in level)) { print FILENAME ": folder has no layer"; bad = 1; nextfile }
}
/^#include </ {
    for (i in library)
        if (index($2, library[i]) && from !~ /\./ && index(" " home[library[i]] " ", " " from " ") == 0) {
            print FILENAME ":" FNR ": " $2 " belongs to " home[library[i]] "/ only"; bad = 1
        }
}
/^#include "/ {
    split($2, q, "\""); to = q[2]
    if (from ~ /\./) next                # main.c, routes.c and their like see all
    if (to !~ /\//) {
        if (level[from] < top) { print FILENAME ":" FNR ": only the top may include " to; bad = 1 }
        next
    }
    sub(/\/.*/, "", to)
    if (from == to) next
    if (!(to in level) || level[to] >= level[from]) {
        print FILENAME ":" FNR ": " from "/ must not include " to "/"; bad = 1
    }
}
END { exit bad }'
