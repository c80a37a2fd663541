#!/usr/bin/env bash
# The programs that programs.mjs runs beside the command, from Debian.
exec bash "$(dirname "$0")/../debian.sh" bsdutils jq parallel zstd
