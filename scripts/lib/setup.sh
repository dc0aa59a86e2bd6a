# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the scripts that build fleetd share; to be sourced. Leaves the caller in the root of the source.

root=$(dirname "$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")")
cd "$root" || exit

# What it takes to build fleetd, to talk to it from a shell, and to test it.
# shellcheck disable=SC2034 # for those who source this
{
    build_packages=(gcc libc6-dev pkg-config meson ninja-build python3 libglib2.0-dev libsystemd-dev libsqlite3-dev
        libjson-glib-dev libmosquitto-dev)
    bus_packages=(dbus-daemon systemd libglib2.0-bin)
    # What it takes besides to have devices that are reached over MQTT.
    mqtt_packages=(mosquitto)
    # What it takes besides to make a Debian package.
    deb_packages=(debhelper dpkg-dev scdoc bash-completion systemd)
    test_packages=(check scdoc sqlite3 bash-completion rsync valgrind
        dbus-bin python3-dbus python3-gi openssl "${mqtt_packages[@]}")
    # For scripts/fuzz and scripts/check-static.
    fuzz_packages=(clang libclang-rt-14-dev)
    static_packages=(clang-tidy cppcheck)
    # For the tests that boot a container, which only root can do.
    system_test_packages=(dbus polkitd libpam-systemd "${deb_packages[@]}" lintian openssh-client openssh-server rauc
        rauc-service squashfs-tools openssl)
}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# The packages among its arguments that are not installed, one a line.
missing_packages() {
    local installed
    # An unknown package makes dpkg-query fail, which is exactly what is asked.
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)
    for package in "$@"; do
        if ! grep -qxF "installed $package" <<<"$installed"; then
            printf '%s\n' "$package"
        fi
    done
}

# Installs what is missing of its arguments, on Debian and its kin. Says so; does nothing where nothing is missing.
ensure_packages() {
    local missing=() as_root=()

    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        printf 'Not a Debian system: make sure that it has what Debian calls %s.\n' "$*"
        return
    fi
    mapfile -t missing < <(missing_packages "$@")
    if [ "${#missing[@]}" -eq 0 ]; then
        return
    fi
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null ||
            die "these packages are missing: ${missing[*]}; install them as root, for there is no sudo here"
        as_root=(sudo)
    fi
    printf 'Installing %s\n' "${missing[*]}"
    "${as_root[@]}" apt-get update -q
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# Configures a build directory with the given meson options, or changes those of one that is there.
configure() {
    local directory=$1
    shift
    if [ -e "$directory/build.ninja" ]; then
        meson configure "$directory" "$@"
    else
        meson setup "$directory" "$@"
    fi
}
