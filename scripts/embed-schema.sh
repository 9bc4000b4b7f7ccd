#!/bin/sh
# Writes a C file with SQL scripts as bytes to standard output; see idp/store/schema_scripts.h.
# Their names are NNNN-name.sql, numbered from 0001 without a gap. Each has a line that says which
# program, by its schema version, can still work with the database after it: "-- oldest program: 1".
#
#   scripts/embed-schema.sh schema/*.sql >schema_scripts.c
set -eu

fail() {
    printf 'embed-schema: %s\n' "$1" >&2
    exit 1
}

# The schema version of the oldest program that can work with what the script makes.
oldest_program() { # SCRIPT NUMBER
    found=$(sed -n 's/^-- oldest program: \([1-9][0-9]*\)$/\1/p' "$1")
    case $found in
    '' | *[!0-9]*) fail "$1: expected one line \"-- oldest program: N\"" ;;
    esac
    [ "$found" -le "$2" ] || fail "$1: no program of version $found is there yet"
    echo "$found"
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
    oldest=$(oldest_program "$script" $n)
    hash=$(sha256sum "$script" | cut -d' ' -f1)
    printf '    {%d, %d, "%s", "%s", (const char *)script_%d},\n' \
        $n "$oldest" "$(basename "$script" .sql)" "$hash" $n
done
printf '    {0, 0, NULL, NULL, NULL},\n};\n'
