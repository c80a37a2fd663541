#!/usr/bin/env bash
# The servers that the suites of this folder start, from Debian.
exec bash "$(dirname "$0")/../debian.sh" nginx-light libnginx-mod-nchan redis-server iproute2 \
  openssl python3-starlette python3-uvicorn
