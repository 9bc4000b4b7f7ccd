#!/bin/sh
# Fails when something secret is compared by a function that takes longer the more of it is right
# (docs/security.md row 22): text_same_secret() takes as long for every answer. What is secret is told
# by its name, so a secret has to be called one; arguments are looked at, and members of structs.
set -eu
cd "$(dirname "$0")/../.."
names='secret|tag|mac|made|token|verifier|password|challenge|nonce|state|pin|signature'
compare='\b(strn?(case)?cmp|memcmp|bcmp)\('
found=$(grep -rnE --include='*.c' "${compare}[^;]*\b($names)\b *[,)+]" idp clients |
    grep -vE '/(tests|fuzz)/' || true)
if [ -n "$found" ]; then
    echo "$found"
    echo 'compared in a time that tells: use text_same_secret()'
    exit 1
fi
