# Set-up that tools/test, tools/demo and tools/bench share. Sourced by sh.

root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

need_root() {
  [ "$(id -u)" -eq 0 ] || die "run it as root (sudo $0): it enters containers"
}

build_packages="g++ meson ninja-build pkg-config python3 libboost1.81-dev nlohmann-json3-dev libspdlog-dev libcli11-dev libmount-dev"
demo_packages="runc busybox-static"
bench_packages="$demo_packages libbenchmark-dev python3-matplotlib util-linux"
test_packages="$demo_packages bindfs catch2 spin util-linux procps strace golang-go varlink-go golang-github-varlink-go-dev"

# Installs those of the Debian packages that are missing.
install_packages() {
  missing=
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  command -v apt-get >/dev/null || die "these Debian packages are missing, and there is no apt-get:$missing"
  say "Installing:$missing"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # shellcheck disable=SC2086 # one word a package
  apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

# Builds into $build. Arguments go to meson setup.
build_tree() {
  if [ -f "$build/build.ninja" ]; then
    meson configure "$build" "$@"
  else
    meson setup "$build" "$root" "$@"
  fi
  ninja -C "$build"
}
