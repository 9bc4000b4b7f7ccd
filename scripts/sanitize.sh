#!/usr/bin/env bash
# The unit tests under AddressSanitizer and UndefinedBehaviorSanitizer (gcc and clang), the rooms
# with threads under ThreadSanitizer, and the end-to-end protocol tests against a provider that is
# built with ASan + UBSan. Exits 1 when anything is found.
set -euo pipefail
cd "$(dirname "$0")/.."

asan='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer'
tsan='-O1 -g -fsanitize=thread -fno-omit-frame-pointer'
threaded='store net notify top http jose access client pki portal oauth'

# RLIMIT_NOFILE is raised by the server; leaks are looked for, libraries' own included.
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1

build() { # FLAVOUR CC MODE TARGET...
    local flavour=$1 cc=$2 mode=$3
    shift 3
    mkdir -p build/logs
    make --no-print-directory -j2 FLAVOUR="$flavour" CC="$cc" MODE="$mode" MODE_LINK= "$@" \
        >"build/logs/$flavour.log" 2>&1 || {
        tail -n 40 "build/logs/$flavour.log"
        exit 1
    }
}

echo 'ASan + UBSan, gcc'
build asan-gcc gcc "$asan" build/asan-gcc/tests.list
node scripts/run-tests.mjs --unit-only --list build/asan-gcc/tests.list

echo 'ASan + UBSan, clang'
build asan-clang clang "$asan" build/asan-clang/tests.list
node scripts/run-tests.mjs --unit-only --list build/asan-clang/tests.list

echo 'TSan, gcc'
build tsan gcc "$tsan" build/tsan/tests.list
pattern=$(printf '%s' "$threaded" | tr ' ' '|')
grep -E "/tests/($pattern)/|clients/(rp|platform|assistant)/tests/" build/tsan/tests.list >build/tsan/threaded.list
node scripts/run-tests.mjs --unit-only --list build/tsan/threaded.list

if compgen -G 'conformance-tests/protocol*.test.mjs' >/dev/null; then
    echo 'end to end, provider under ASan + UBSan'
    make --no-print-directory ready conformance-tests/node_modules >/dev/null
    build asan-gcc gcc "$asan" build/asan-gcc/bin/tamga-idp
    TAMGA_IDP=build/asan-gcc/bin/tamga-idp node --experimental-global-webcrypto --test \
        conformance-tests/protocol*.test.mjs
fi
