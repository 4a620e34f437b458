# Sourced by test.sh, demo.sh and .ci/run: the packages of each purpose, installing what is missing, configuring.
# shellcheck shell=bash disable=SC2034

packages_build="g++ cmake ninja-build pkg-config ccache"
packages_demo="libavformat-dev libavcodec-dev libavdevice-dev libswresample-dev libswscale-dev libavutil-dev libcli11-dev
    nlohmann-json3-dev zlib1g-dev libstb-dev libimgui-dev libglfw3-dev libgl-dev libcurl4-openssl-dev"
packages_test="doctest-dev libbenchmark-dev ffmpeg xvfb xauth xdotool libgl1-mesa-dri"
packages_check="clang clang-format libclang-rt-dev"

packages_installed=0

# The compiler cache serves every checkout alike.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

# need_packages PACKAGE...: returns when all are there, installs them if it can, otherwise says what to type and exits.
need_packages() {
    local missing=() install=(apt-get install -y --no-install-recommends)
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        command -v cmake >/dev/null && command -v ninja >/dev/null && return
        echo "This is no Debian or Ubuntu. Please install what these packages hold, then run this again:" >&2
        echo "    $*" >&2
        exit 1
    fi
    local status
    status=$(dpkg-query -W -f='${db:Status-Abbrev}${Package}\n' "$@" 2>/dev/null || true)
    local package
    for package in "$@"; do
        grep -qxF "ii $package" <<<"$status" || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    echo "Missing packages: ${missing[*]}"
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null || ! { sudo -n true 2>/dev/null || { [ -t 0 ] && sudo true; }; }; then
            echo "Please type this line, then run this again:" >&2
            echo "    sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
            exit 1
        fi
        as_root=(sudo)
    fi
    "${as_root[@]}" apt-get update -q || true
    if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "${install[@]}" "${missing[@]}"; then
        echo "apt-get could not install: ${missing[*]}" >&2
        exit 1
    fi
    packages_installed=1
}

# ON where there is a CUDA compiler and a GPU to run on; a CUDA build without one only costs time.
cuda_here() {
    if command -v nvcc >/dev/null && nvidia-smi -L 2>/dev/null | grep -q GPU; then echo ON; else echo OFF; fi
}

# configure FOLDER ARGUMENT...: unless it has been configured with the same arguments before. (Ninja configures again by
# itself when a CMake file has changed.)
configure() {
    local folder=$1
    shift
    local asked="$folder/configured_with"
    if [ "$packages_installed" -eq 0 ] && [ -f "$folder/build.ninja" ] && [ "$(cat "$asked" 2>/dev/null)" = "$*" ]; then
        return
    fi
    rm -f "$folder/CMakeCache.txt"
    cmake -S . -B "$folder" -G Ninja "$@"
    echo "$*" >"$asked"
}
