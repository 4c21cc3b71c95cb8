#!/bin/sh
# The browser tests need Chromium: install Debian's Chromium unless a browser is there already.
set -eu
if [ -x "${COMPANION_CHROMIUM:-/usr/bin/chromium}" ]; then exit 0; fi
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  echo "· Installing Chromium for the browser tests …"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
  exit 0
fi
echo "The browser tests need Chromium. Install it (Debian: sudo apt-get install chromium), or set COMPANION_CHROMIUM to a Chromium of yours." >&2
exit 1
