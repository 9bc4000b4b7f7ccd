#!/usr/bin/env bash
# Everything that reads the code without running it. Prints what is wrong, and exits 1 then.
# shellcheck disable=SC2317 # the functions are called by name through step
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

bad=0
step() { # NAME COMMAND...
    local name=$1 began=$SECONDS
    shift
    if "$@" >build/logs/lint.out 2>&1; then
        printf '  ok   %s (%d s)\n' "$name" $((SECONDS - began))
    else
        printf '  FAIL %s\n' "$name"
        tail -n 60 build/logs/lint.out
        bad=1
    fi
}
mkdir -p build/logs build/lint

# assistant/fuzz/target.c is compiled once for each function that its FUZZ names, never by itself
mapfile -t sources < <(git ls-files '*.c' | grep -v '^clients/assistant/fuzz/target.c$')
mapfile -t all < <(git ls-files '*.c' '*.h')
mapfile -t products < <(git ls-files '*.c' | grep -Ev '/tests/|/fuzz/|doubles/|conformance-tests/bench/')
mapfile -t headers < <(git ls-files '*.h')
mapfile -t scripts < <(git ls-files '*.sh' '.ci/run')

flags="-std=c17 -D_POSIX_C_SOURCE=200809L -Iidp -Iclients $(pkg-config --cflags p11-kit-1 libpq)"

# A file that was found clean is not read again until it, a header or the rules change.
tidy() {
    local stamp
    stamp=$(cat .clang-tidy "${headers[@]}" | sha256sum | cut -c1-16)
    # shellcheck disable=SC2016 # the inner shell expands
    printf '%s\n' "${products[@]}" | xargs -P 2 -I{} bash -c '
        seen=build/lint/$(cat "$1" | sha256sum | cut -c1-32)-$2.tidy
        [ -e "$seen" ] && exit 0
        clang-tidy --quiet "$1" -- $3 2>/dev/null && touch "$seen"' _ {} "$stamp" "$flags"
}
analyze() {
    local stamp
    stamp=$(sha256sum "${headers[@]}" | sha256sum | cut -c1-16)
    # gcc 12 loses a pointer that memory_shard.c keeps in an array of heaps, and calls it a leak.
    # shellcheck disable=SC2016
    printf '%s\n' "${products[@]}" | grep -v '^idp/store/memory_shard.c$' | xargs -P 2 -I{} bash -c '
        seen=build/lint/$(cat "$1" | sha256sum | cut -c1-32)-$2.analyzed
        [ -e "$seen" ] && exit 0
        gcc $3 -O2 -fanalyzer -Werror -c "$1" -o /dev/null && touch "$seen"' _ {} "$stamp" "$flags"
}
clang_build() {
    # shellcheck disable=SC2016
    printf '%s\n' "${sources[@]}" | xargs -P 2 -I{} bash -c '
        clang $2 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
            -Wmissing-prototypes -Wcast-qual -Wformat=2 -Wundef -Wvla -Wswitch-enum -Werror \
            -DTEST_LIBRARIES=\"x\" -DTEST_PROGRAM=\"x\" -fsyntax-only "$1"' _ {} "$flags"
}
prettier() { idp/web/node_modules/.bin/prettier --check demo keys scripts 'conformance-tests/**/*.mjs'; }
names_nothing_local() { # SECURITY of the project itself: no path of a machine, no registry's host
    ! git grep -nIE '/(root|home)/[a-z]|registry\.npmjs|/work/' -- ':!scripts/lint.sh' ':!idp/web/package-lock.json'
}

step 'clang-format' clang-format -n --Werror "${all[@]}"
step 'layers' idp/tests/check_layers.sh
step 'clang, all warnings' clang_build
step 'clang-tidy' tidy
step 'gcc -fanalyzer' analyze
step 'shellcheck' shellcheck "${scripts[@]}"
step 'prettier' prettier
step 'pages: prettier, eslint, vue-tsc' npm --prefix idp/web run --silent lint
step 'nothing of one machine' names_nothing_local
exit $bad
