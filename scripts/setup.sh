#!/usr/bin/env bash
# Installs what a target needs and the machine lacks, and says so. Usage: scripts/setup.sh rust|node|browser|namespaces|clocks|cargo-fuzz ...
# Safe to run again: what is there is left alone.
set -euo pipefail

say() { echo "setup: $*" >&2; }

# apt_install PACKAGE...: with root rights only; otherwise says what to install.
apt_install() {
  if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
    say "please install: $* (and run this again)"
    exit 1
  fi
  say "installing $*"
  if [ -z "${apt_updated:-}" ]; then
    apt-get update -qq >&2
    apt_updated=1
  fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

need_rust() {
  command -v cc >/dev/null || apt_install gcc libc6-dev
  command -v cargo >/dev/null || [ ! -x "$HOME/.cargo/bin/cargo" ] || PATH="$HOME/.cargo/bin:$PATH"
  if ! command -v cargo >/dev/null; then
    say "Rust is missing: install it from https://rustup.rs and run this again"
    exit 1
  fi
  local have
  have=$(cargo --version | sed 's/cargo \([0-9]*\.[0-9]*\).*/\1/')
  if [ "$(printf '%s\n1.95\n' "$have" | sort -V | head -n 1)" != 1.95 ]; then
    say "Rust $have is too old: 'rustup update' brings 1.95 or later"
    exit 1
  fi
}

need_node() {
  command -v node >/dev/null && command -v npm >/dev/null || apt_install nodejs npm
  local major
  major=$(node --version | sed 's/v\([0-9]*\).*/\1/')
  if [ "$major" -lt 20 ]; then
    say "Node.js $(node --version) is too old: install 20 or later from https://nodejs.org"
    exit 1
  fi
}

need_browser() {
  command -v chromium >/dev/null || apt_install chromium fonts-noto-cjk
}

# What tests in network namespaces need; they say so and are left out where it cannot be had.
need_namespaces() {
  [ "$(uname -s)" = Linux ] && [ "$(id -u)" -eq 0 ] || return 0
  command -v ip >/dev/null || apt_install iproute2
  command -v python3 >/dev/null || apt_install python3
}

# What bends the clock of a process; without it that test is left out.
need_clocks() {
  [ "$(uname -s)" = Linux ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null || return 0
  command -v faketime >/dev/null || apt_install faketime
}

need_cargo_fuzz() {
  command -v c++ >/dev/null || apt_install g++
  if ! command -v cargo-fuzz >/dev/null && [ ! -x "$HOME/.cargo/bin/cargo-fuzz" ]; then
    say "installing cargo-fuzz from crates.io"
    cargo install --locked --quiet cargo-fuzz >&2
  fi
}

for part in "$@"; do
  case "$part" in
    rust) need_rust ;;
    node) need_node ;;
    browser) need_browser ;;
    namespaces) need_namespaces ;;
    clocks) need_clocks ;;
    cargo-fuzz) need_cargo_fuzz ;;
    *)
      say "unknown part '$part'"
      exit 2
      ;;
  esac
done
