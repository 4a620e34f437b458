#!/bin/bash
# Compares us with other libraries on the same files: installs what can be had of them into a virtual environment, builds
# our program, runs both, prints one table.
#
#   bench/peers/run.sh [ARGUMENTS OF peers.py...]
#
# CINEBOKEH_PEERS_VENV   a virtual environment that is there already; nothing is installed into it
# CINEBOKEH_DATA         a folder with davis/; without it (or ../shared/data) the frames are synthetic
# THREADS                of both sides, 2 by default
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
threads=${THREADS:-2}

venv=${CINEBOKEH_PEERS_VENV:-}
if [ -z "$venv" ]; then
    venv=$root/build/peers-venv
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    install() { "$venv/bin/pip" install --quiet "$@" >"$root/build/peers-install.log" 2>&1 || echo "not installed: ${*: -1}"; }
    "$venv/bin/python" -c 'import numpy, scipy, PIL' 2>/dev/null || install numpy scipy pillow
    "$venv/bin/python" -c 'import setuptools, Cython' 2>/dev/null || install setuptools wheel 'cython<3'
    while read -r module package; do
        "$venv/bin/python" -c "import $module" 2>/dev/null || install "$package"
    done <<'PEERS'
cv2 opencv-contrib-python-headless
skimage scikit-image
maxflow PyMaxflow
torch torch
torchvision torchvision
onnxruntime onnxruntime
onnx onnx
PEERS
    # These two are compiled here. The generated sources of pydensecrf are older than this Python: they are made anew.
    "$venv/bin/python" -c 'import fast_slic' 2>/dev/null || install --no-build-isolation fast-slic
    if ! "$venv/bin/python" -c 'import pydensecrf' 2>/dev/null; then
        scratch=$(mktemp -d)
        trap 'rm -rf "$scratch"' EXIT
        (cd "$scratch" && "$venv/bin/pip" download --quiet --no-deps --no-binary :all: --no-build-isolation pydensecrf &&
            tar xf pydensecrf-*.tar.gz && rm -f pydensecrf-*/pydensecrf/{eigen,densecrf}.cpp) >/dev/null 2>&1 || true
        install --no-build-isolation --no-deps "$scratch"/pydensecrf-*/
    fi
fi

[ -f "$root/build/build.ninja" ] || cmake -S "$root" -B "$root/build" -G Ninja -DCMAKE_BUILD_TYPE=Release >/dev/null
ninja -C "$root/build" peers_ours peers_nn >/dev/null

data=${CINEBOKEH_DATA:-$root/../shared/data}
davis=()
if [ -d "$data/davis/JPEGImages" ]; then davis=(--davis "$data/davis"); fi
export OMP_NUM_THREADS=$threads OPENBLAS_NUM_THREADS=$threads MKL_NUM_THREADS=$threads
status=0
"$venv/bin/python" "$here/peers.py" --ours "$root/build/bench/peers_ours" --threads "$threads" "${davis[@]}" "$@" || status=$?
# The networks have a script of their own, with the same environment: nn.py --threads N, which prints its table.
# Convolutions beside oneDNN, where libdnnl-dev is installed. Its threads must not spin while ours are timed.
if ninja -C "$root/build" -t query peers_nn_onednn >/dev/null 2>&1; then
    ninja -C "$root/build" peers_nn_onednn >/dev/null
    OMP_WAIT_POLICY=passive "$root/build/bench/peers_nn_onednn" "$threads" || status=$?
fi
if [ -f "$here/nn.py" ]; then "$venv/bin/python" "$here/nn.py" --ours "$root/build/bench/peers_nn" --threads "$threads" || status=$?; fi
exit "$status"
