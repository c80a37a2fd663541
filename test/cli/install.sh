#!/usr/bin/env bash
# The programs that programs.mjs and machines.mjs run beside the command, from Debian.
exec bash "$(dirname "$0")/../debian.sh" bsdutils jq openssh-client openssh-server parallel time zstd
