// The parts of the optical flow on the CPU, in the order in which they run.
#pragma once
#include "kernels/optical_flow_pyramid.hpp"
#include "kernels/optical_flow_refine.hpp"
#include "kernels/optical_flow_search.hpp"
