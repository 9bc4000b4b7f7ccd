#!/usr/bin/env bash
# Makes the assistant's Debian package from build/bin/tamga-assistant, and packages.json with what
# the portal's download page shows. `make package` builds the program first.
#
#   scripts/package-assistant.sh [FOLDER]     default: build/packages
#
# ORIGIN is the identity provider whose pages may use the lock, PORTAL the address that the desktop
# entry opens; both are those of the demo when not set.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=${1:-build/packages}
origin=${ORIGIN:-http://127.0.0.1:8080}
portal=${PORTAL:-$origin/}
program=build/bin/tamga-assistant
source=clients/assistant

fail() {
    printf 'package-assistant: %s\n' "$1" >&2
    exit 1
}

[[ -x $program ]] || fail "$program is missing: run make package"
[[ $origin =~ ^https?://[]a-z0-9.:[-]+$ ]] || fail "ORIGIN: expected an origin such as https://idp.example"
[[ $portal =~ ^https?://[^\"\\[:space:]]+$ ]] || fail "PORTAL: expected an address such as https://idp.example/"

version=$(sed -nE 's/^#define ASSISTANT_VERSION "([0-9.]+)"$/\1/p' $source/version.h)
[[ -n $version ]] || fail "$source/version.h: expected ASSISTANT_VERSION"
architecture=$(dpkg --print-architecture)
triplet=$(gcc -print-multiarch)
name=tamga-assistant_${version}_$architecture.deb

# The same sources give the same package.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct -- $source 2>/dev/null || true)}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-0}

# dependencies: the packages that own the libraries the program is linked with.
dependencies() {
    local library
    objdump -p "$program" | awk '$1 == "NEEDED" { print $2 }' | while read -r library; do
        dpkg-query -S "*/$triplet/$library" | sed -nE '1s/:.*//p'
    done | sort -u | paste -sd, | sed 's/,/, /g'
}

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 0755 "$root"
umask 022

units=$root/usr/lib/systemd/user
doc=$root/usr/share/doc/tamga-assistant
install -D -s "$program" "$root/usr/bin/tamga-assistant"
install -D -m 0644 $source/package/tamga-assistant.service -t "$units"
install -d "$units/graphical-session.target.wants"
ln -s ../tamga-assistant.service "$units/graphical-session.target.wants/tamga-assistant.service"
install -D -m 0644 $source/package/tamga-assistant.desktop -t "$root/usr/share/applications"
install -D -m 0644 $source/package/copyright $source/README.md -t "$doc"

install -d "$root/etc/tamga" "$root/DEBIAN"
development=false
[[ $origin == http://* ]] && development=true
cat >"$root/etc/tamga/assistant.json" <<END
{
  "listen": 17681,
  "origins": ["$origin"],
  "portal": "$portal",
  "development": $development,
  "pin": "prompt",
  "drivers": [{ "kind": "pkcs11", "library": "/usr/lib/$triplet/p11-kit-proxy.so" }]
}
END
if "$program" list --settings "$root/etc/tamga/assistant.json" 2>&1 >/dev/null | grep ': expected '; then
    fail "the package's own settings are refused"
fi

echo /etc/tamga/assistant.json >"$root/DEBIAN/conffiles"
cat >"$root/DEBIAN/control" <<END
Package: tamga-assistant
Version: $version
Architecture: $architecture
Maintainer: Tamga maintainers <maintainers@tamga.example>
Installed-Size: $(du -sk --apparent-size "$root/usr" | cut -f1)
Depends: $(dependencies)
Recommends: pinentry-gnome3 | pinentry-qt | pinentry-gtk2, xdg-utils, libp11-kit0
Section: web
Priority: optional
Description: signs in to trading platforms with a CA lock
 The local program that reads the USB key of a certification authority and
 signs for the pages of one identity provider, after the PIN was typed.
 Keys are reached through PKCS#11 and through SKF (GM/T 0016).
END

mkdir -p "$folder"
dpkg-deb --root-owner-group -Zxz --build "$root" "$folder/$name" >/dev/null
cat >"$folder/packages.json" <<END
{
  "packages": [
    {
      "system": "debian",
      "file": "$name",
      "uri": "/download/$name",
      "version": "$version",
      "size": $(stat -c %s "$folder/$name"),
      "sha256": "$(sha256sum "$folder/$name" | cut -d' ' -f1)"
    }
  ]
}
END
printf '%s\n' "$folder/$name"
