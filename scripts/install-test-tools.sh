#!/usr/bin/env bash
# Installs what the tests need of the machine (Debian, as root). Quick when all is there.
set -euo pipefail
packages=(fuse3 rsync git sqlite3 attr acl tar make gcc libc6-dev chromium libacl1-dev fio stress-ng python3 vim-tiny libglib2.0-bin libfuse2 perl util-linux)
missing=()
for package in "${packages[@]}"; do
  dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
