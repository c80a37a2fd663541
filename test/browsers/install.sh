#!/usr/bin/env bash
# The browsers that browsers.mjs starts, from Debian.
set -euo pipefail
packages=(chromium-headless-shell firefox-esr)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2> /dev/null | grep -q 'ok installed' \
    || missing+=("$package")
done
if ((${#missing[@]})); then
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
  apt-get update
  apt-get install -y --no-install-recommends "${missing[@]}"
fi
