#!/usr/bin/env bash
# The browsers that browsers.mjs starts, from Debian.
exec bash "$(dirname "$0")/../debian.sh" chromium-headless-shell firefox-esr
