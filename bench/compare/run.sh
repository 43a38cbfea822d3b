#!/usr/bin/env bash
# Measures bench beside other load generators; -h explains. This builds bench and the program that measures it, and becomes the latter.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/crossover/compare
mkdir -p "$cache"
(cd "$here" && go build -o "$cache/compare" . && go build -o "$cache/bench" ..)
exec "$cache/compare" --bench "$cache/bench" "$@"
