#!/usr/bin/env bash
# Installs the packages of packages.txt that are missing (Debian 12; root or sudo). Says nothing
# and takes no time when all are there.
#
#   scripts/install-packages.sh            install what is missing
#   scripts/install-packages.sh --missing  only print what is missing
set -euo pipefail

list="$(dirname "$0")/../packages.txt"

fail() {
    printf 'install-packages: %s\n' "$1" >&2
    exit 1
}

# major COMMAND: the first number in what `COMMAND --version` (or `version`) prints.
major() {
    local text
    text=$("$1" --version 2>/dev/null || "$1" version 2>/dev/null) || return 0
    [[ $text =~ ([0-9]+)\. ]] && printf '%s' "${BASH_REMATCH[1]}"
}

# provided COMMAND LOWEST: the command is there, in that major version or later.
provided() {
    [[ -n $1 ]] && command -v "$1" >/dev/null || return 1
    [[ -z $2 || $(major "$1") -ge $2 ]]
}

wanted=()
while read -r package command lowest _; do
    case $package in '' | '#'*) continue ;; esac
    provided "$command" "$lowest" || wanted+=("$package")
done <"$list"

# One call for all: dpkg-query also exits 1 when it does not know a name, which is an answer.
installed=" $(dpkg-query -W -f '${db:Status-Status}:${Package} ' "${wanted[@]}" 2>/dev/null || true)"
missing=()
for package in "${wanted[@]}"; do
    [[ $installed == *" installed:$package "* ]] || missing+=("$package")
done

if [[ ${1:-} == --missing ]]; then
    ((${#missing[@]} == 0)) || printf '%s\n' "${missing[@]}"
    exit 0
fi
((${#missing[@]} == 0)) && exit 0

# Debian's npm conflicts with a node that comes from elsewhere and brings its own.
if [[ " ${missing[*]} " == *' npm '* || " ${missing[*]} " == *' nodejs '* ]]; then
    version=$(dpkg-query -W -f '${Version}' nodejs 2>/dev/null || true)
    if [[ $version == *nodesource* ]] || { [[ -z $version ]] && command -v node >/dev/null; }; then
        fail "the node of this machine is not Debian's: install node 18 or later with its npm"
    fi
fi

as_root=()
if ((EUID != 0)); then
    command -v sudo >/dev/null || fail "run as root to install: ${missing[*]}"
    as_root=(sudo)
fi
printf 'Installing %d Debian packages: %s\n' "${#missing[@]}" "${missing[*]}"
apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q)
"${as_root[@]}" "${apt[@]}" update >/dev/null || fail 'apt-get update failed'
"${as_root[@]}" "${apt[@]}" install -y --no-install-recommends "${missing[@]}" ||
    fail "apt-get could not install: ${missing[*]}"
