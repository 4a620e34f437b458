#!/bin/bash
# Everything that needs a GPU, in one command: builds the tests and benchmarks with nvcc, runs the tests on the device,
# then the benchmarks, one after the other, of which it writes bench/results/<gpu>.{json,md}, then the tests under
# compute-sanitizer (memcheck and racecheck), and PyTorch at the same shapes where there is one.
#
#     bench/gpu.sh [FILTER]     FILTER: a regular expression for the names of tests and benchmarks
#
# Goes on after a failure, so that one visit to a machine shows all of them; the last lines sum up, and the exit status
# is 0 only if everything passed. Without a GPU it says so and stops.
set -uo pipefail
cd "$(dirname "$0")/.."
filter=${1:-.}

for tool in nvcc nvidia-smi cmake ninja; do
    command -v $tool >/dev/null || { echo "gpu.sh: $tool is not on the PATH"; exit 1; }
done
gpu=$(nvidia-smi --query-gpu=name --format=csv,noheader -i 0) || { echo "gpu.sh: no GPU can be used here"; exit 1; }
architecture=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader -i 0 | tr -d .)
name=$(echo "$gpu" | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9-')
echo "== $gpu, sm_$architecture, driver $(nvidia-smi --query-gpu=driver_version --format=csv,noheader -i 0)"

logs=build-gpu/logs
cmake -S . -B build-gpu -G Ninja -DCMAKE_BUILD_TYPE=Release -DCINEBOKEH_CUDA=ON -DCMAKE_CUDA_ARCHITECTURES="$architecture" \
    -DCMAKE_CUDA_FLAGS=-lineinfo || exit 1
mkdir -p $logs $logs/bench
ninja -C build-gpu -k 0 || echo "gpu.sh: not everything could be built; going on with what is there"

run() {  # run LOG COMMAND...: one line of outcome, the rest in a file
    local log=$logs/$1.log outcome=ok
    shift
    timeout 1200 "$@" >"$log" 2>&1 || outcome=FAILED
    echo "$outcome $log" | tee -a "$logs/outcomes"
}
export -f run
export logs
programs() { find build-gpu/"$1" -maxdepth 1 -type f -executable -name "$2" | grep -E "$filter" | sort; }
tests() { programs tests 'test_*_cuda'; programs demo 'test_*_cuda'; }
all_tests() {  # all_tests SUFFIX [COMMAND...]: as many at a time as there are cores
    local suffix=$1
    shift
    tests | xargs -P "$(nproc)" -I{} bash -c 'run "$(basename {})'"$suffix"'" "$@" {}' run "$@"
}
: >$logs/outcomes

echo "== tests on the device"
all_tests ""
echo "== benchmarks"
for bench in $(programs bench 'bench_*_cuda'); do
    base=$(basename "$bench")
    run "$base" "$bench" --benchmark_filter='<Cuda>' --benchmark_repetitions=9 --benchmark_min_time=0.02 \
        --benchmark_out="$logs/bench/$base.json" --benchmark_out_format=json
done
results=("$logs"/bench/*.json)
if [ -s "${results[0]}" ]; then
    run report bench/report --out "bench/results/$name" "${results[@]}"
    echo "== bench/results/$name.json, bench/results/$name.md"
else
    echo "FAILED: no benchmark left a result" | tee -a $logs/outcomes
fi
if python3 -c 'import torch' 2>/dev/null; then
    run peers python3 bench/peers/nn_cuda.py --markdown "bench/results/$name-peers.md"
fi
if command -v compute-sanitizer >/dev/null; then
    for tool in memcheck racecheck; do
        echo "== compute-sanitizer $tool"
        all_tests "-$tool" compute-sanitizer --tool $tool --error-exitcode 1
    done
else
    echo "FAILED: compute-sanitizer is not on the PATH: memcheck and racecheck were not run" | tee -a $logs/outcomes
fi

if grep FAILED $logs/outcomes >$logs/failed; then
    echo "== failed:"
    cat $logs/failed
    exit 1
fi
echo "== all passed on $gpu"
