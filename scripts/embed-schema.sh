#!/bin/sh
# Writes a C file with SQL scripts as bytes to standard output; see idp/store/schema_scripts.h.
# Their names are NNNN-name.sql, numbered from 0001 without a gap.
#
#   scripts/embed-schema.sh schema/*.sql >schema_scripts.c
set -eu

fail() {
    printf 'embed-schema: %s\n' "$1" >&2
    exit 1
}

echo '/* Made by scripts/embed-schema.sh from schema/. */'
echo '#include "store/schema_scripts.h"'
echo
echo '#include <stddef.h>'

n=0
for script; do
    n=$((n + 1))
    [ "$(basename "$script" | cut -d- -f1)" = "$(printf '%04d' $n)" ] ||
        fail "$script: expected number $(printf '%04d' $n)"
    printf '\nstatic const unsigned char script_%d[] = {\n' $n
    od -An -v -tu1 "$script" | awk '{ gsub(/ +/, " "); gsub(/[0-9]+/, "&,"); print }'
    echo ' 0};'
done

printf '\nconst struct schema_script schema_scripts[] = {\n'
n=0
for script; do
    n=$((n + 1))
    printf '    {%d, "%s", (const char *)script_%d},\n' $n "$(basename "$script" .sql)" $n
done
printf '    {0, NULL, NULL},\n};\n'
