#!/bin/bash
# ./demo.sh [--files] [INPUT]: opens the live window over a video, a folder of frames or a camera; without INPUT over the
# camera, or a built-in clip where there is none. Without a display, and with --files, it blurs INPUT or the clip into
# out/cinematic.mp4 and out/contact_sheet.png instead.
set -euo pipefail
case "${1-}" in -h | --help) sed -n '2,4s/^# //p' "$0" && exit ;; esac
window=0
if [ "$(uname)" = Darwin ] || [ -n "${DISPLAY-}${WAYLAND_DISPLAY-}" ]; then window=1; fi
if [ "${1-}" = --files ]; then window=0 && shift; fi
given=$#
input=${1:-demo}
if [ "$input" != demo ] && [ -e "$input" ]; then input=$(realpath "$input"); fi
cd "$(dirname "$0")"
source cmake/packages.sh

# shellcheck disable=SC2086
need_packages $packages_build $packages_demo
# A folder that test.sh has configured serves as well: it has the program and more.
if [ "$packages_installed" -eq 1 ] || ! grep -q "CINEBOKEH_DEMO:BOOL=ON" build/CMakeCache.txt 2>/dev/null; then
    configure build -DCMAKE_BUILD_TYPE=Release -DCINEBOKEH_CUDA="$(cuda_here)" -DCINEBOKEH_TESTS=OFF -DCINEBOKEH_BENCH=OFF
fi
ninja -C build cinebokeh_demo

if [ "$window" -eq 1 ]; then
    arguments=()
    if [ "$given" -gt 0 ]; then arguments=("$input"); fi
    if build/demo/cinebokeh live ${arguments[@]+"${arguments[@]}"}; then exit; fi
    echo "No window: blurring into files instead."
fi
mkdir -p out
build/demo/cinebokeh blur "$input" -o out/cinematic.mp4 --contact-sheet out/contact_sheet.png
echo "video:         $PWD/out/cinematic.mp4"
echo "contact sheet: $PWD/out/contact_sheet.png"
