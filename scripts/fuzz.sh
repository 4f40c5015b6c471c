#!/usr/bin/env bash
# Runs the fuzz targets one after another. Usage: scripts/fuzz.sh SECONDS [TARGET ...] (all by default).
# What reaches new code is kept in fuzz/corpus, what breaks a promise in fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=$1
shift
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for path in fuzz/targets/*.rs; do
    targets+=("$(basename "$path" .rs)")
  done
fi

# Targets open small ledgers again and again: in memory, where there is such a place.
scratch=$(mktemp -d --tmpdir="$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)" hanse-fuzz.XXXXXX)
trap 'rm -rf "$scratch"' EXIT

for target in "${targets[@]}"; do
  echo "fuzz: $target for $seconds s" >&2
  mkdir -p "fuzz/corpus/$target"
  options=(-max_total_time="$seconds" -max_len=16384 -timeout=20 -rss_limit_mb=4096 -verbosity=0 -print_final_stats=1)
  dictionary=fuzz/dictionaries/$target.dict
  [ ! -e "$dictionary" ] || options+=(-dict="$dictionary")
  # The stable compiler has coverage but no sanitizers; our own code has no `unsafe` to look into.
  TMPDIR=$scratch cargo fuzz run --sanitizer none "$target" \
    "fuzz/corpus/$target" "fuzz/seeds/$target" -- "${options[@]}"
done
