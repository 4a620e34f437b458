#!/bin/bash
# ./demo.sh [INPUT]: blurs the background of a video, an image, a folder of frames or camera; of a built-in clip without
# INPUT. The results are out/cinematic.mp4 and out/contact_sheet.png.
set -euo pipefail
case "${1-}" in -h | --help) sed -n '2,3s/^# //p' "$0" && exit ;; esac
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

mkdir -p out
build/demo/cinebokeh blur "$input" -o out/cinematic.mp4 --contact-sheet out/contact_sheet.png
echo "video:         $PWD/out/cinematic.mp4"
echo "contact sheet: $PWD/out/contact_sheet.png"
