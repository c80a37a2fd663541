#!/usr/bin/env bash
# The servers that the suites of this folder start, from Debian. RUNLEVEL=1: none is started now.
set -euo pipefail
packages=(nginx-light libnginx-mod-nchan redis-server iproute2 openssl
  python3-starlette python3-uvicorn)
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
