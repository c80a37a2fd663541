#!/usr/bin/env bash
# debian.sh PACKAGE…: installs those that are missing. RUNLEVEL=1: no server is started by that.
set -euo pipefail
missing=()
for package in "$@"; do
  dpkg-query -W -f='${Status}' "$package" 2> /dev/null | grep -q 'ok installed' \
    || missing+=("$package")
done
if ((${#missing[@]})); then
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
  apt-get update
  apt-get install -y --no-install-recommends "${missing[@]}"
fi
