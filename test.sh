#!/bin/bash
# Builds and runs every test: on the CPU, and with the CUDA kernels in the simulator (on the GPU too, where there is
# one); then one iteration of each benchmark. The last line is "N passed, N failed, N skipped".
set -euo pipefail
cd "$(dirname "$0")"
source cmake/packages.sh
source cmake/count_tests.sh

# shellcheck disable=SC2086
need_packages $packages_build $packages_demo $packages_test

configure build -DCMAKE_BUILD_TYPE=Release -DCINEBOKEH_CUDA="$(cuda_here)"
unbuilt=0
ninja -C build -k 0 || unbuilt=1
configure build-sim -DCMAKE_BUILD_TYPE=Release -DCINEBOKEH_SIM=ON -DCINEBOKEH_CUDA=OFF -DCINEBOKEH_DEMO=OFF \
    -DCINEBOKEH_BENCH=OFF
ninja -C build-sim -k 0 || unbuilt=1

mkdir -p build/logs
echo "== tests on the CPU, and one iteration of each benchmark"
run_tests build/logs/cpu.log build
echo "== tests with simulated CUDA"
run_tests build/logs/sim.log build-sim

read -r passed failed skipped < <(count_tests build/logs/cpu.log build/logs/sim.log)
if [ "$failed" -eq 0 ]; then failed=$unbuilt; fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
