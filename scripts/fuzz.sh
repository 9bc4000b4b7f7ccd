#!/usr/bin/env bash
# libFuzzer on each target for so many seconds, from its kept corpus. A find stands in
# build/fuzz/<target>/ and makes this fail; copy it into its corpus when it is mended.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
mode='-O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all'
make --no-print-directory -j2 FLAVOUR=fuzz CC=clang MODE="$mode" MODE_LINK= fuzz-targets >/dev/null
for program in build/fuzz/targets/*; do
    target=$(basename "$program")
    mkdir -p "build/fuzz/$target/corpus"
    kept=idp/fuzz/corpus/$target
    [[ -d $kept ]] || kept=$(compgen -G "clients/*/fuzz/corpus/$target")
    printf '  %s\n' "$target"
    "$program" -max_total_time="$seconds" -max_len=65536 -verbosity=0 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/$target/" "build/fuzz/$target/corpus" \
        "$kept" 2>&1 | grep -E 'number_of_executed|SUMMARY|ERROR' || true
    if compgen -G "build/fuzz/$target/crash-*" >/dev/null; then
        echo "  FAIL $target: see build/fuzz/$target/"
        exit 1
    fi
done
