// The whole library in one include.
#pragma once
#include "cinebokeh/core/allocator.hpp"
#include "cinebokeh/core/buffer.hpp"
#include "cinebokeh/core/config.hpp"
#include "cinebokeh/core/cpu.hpp"
#include "cinebokeh/core/cuda.hpp"
#include "cinebokeh/core/error.hpp"
#include "cinebokeh/core/image.hpp"
#include "cinebokeh/core/thread_pool.hpp"
