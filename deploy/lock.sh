#!/bin/sh
# Resolves pyproject.toml into locks/: hashes, no index addresses, no local versions. Needs uv (pip install uv).
set -eu
compile() {
  output="$1"; shift
  uv pip compile --quiet --universal --no-emit-index-url --no-annotate --no-header --generate-hashes \
    --python-version 3.11 pyproject.toml "$@" -o "$output"
}
compile locks/serve.txt
compile locks/local.txt --extra embedded -c locks/serve.txt
compile locks/test.txt --extra embedded --extra test -c locks/serve.txt
