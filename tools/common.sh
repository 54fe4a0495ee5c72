# Set-up that tools/test, tools/demo, tools/bench and tools/package share. Sourced by sh.

root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

need_root() {
  [ "$(id -u)" -eq 0 ] || die "run it as root (sudo $0): it enters containers"
}

build_packages="g++ meson ninja-build pkg-config python3 libboost1.81-dev nlohmann-json3-dev libspdlog-dev libcli11-dev libtomlplusplus-dev libmount-dev libsystemd-dev scdoc"
package_packages="debhelper dpkg-dev git systemd"
demo_packages="runc busybox-static"
example_packages="libseccomp-dev libfuse3-dev fuse3"
bench_packages="$demo_packages libbenchmark-dev python3-matplotlib util-linux $example_packages"
test_packages="$demo_packages $package_packages lintian systemd-container bindfs catch2 spin util-linux procps strace golang-go varlink-go golang-github-varlink-go-dev $example_packages python3-prometheus-client bash-completion zsh fish"
test_programs="prometheus prometheus-node-exporter"

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

# Unpacks the programs of Debian packages into a folder, and puts them in the way of commands. Installed, they would start services.
unpack_programs() {
  folder=$1
  shift
  mkdir -p "$folder"
  for package in "$@"; do
    [ -e "$folder/$package.unpacked" ] && continue
    (cd "$folder" && apt-get download -qq -o APT::Sandbox::User=root "$package" >/dev/null && dpkg-deb -x "$package"_*.deb . && rm "$package"_*.deb) ||
      die "cannot fetch the Debian package $package"
    : >"$folder/$package.unpacked"
  done
  PATH=$folder/usr/bin:$PATH
  export PATH
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
