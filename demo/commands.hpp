// The commands of the program. Each returns the exit code; what it throws becomes one line and exit code 1.
#pragma once
#include "options.hpp"

namespace cinebokeh::demo {

/// `blur` and `matte`: 0 if every frame was written, 130 after Ctrl-C, else 1.
int process(const ProcessOptions& options);
/// `eval davis`.
int eval_davis(const EvalOptions& options);
/// `eval matte`.
int eval_matte(const EvalOptions& options);
/// `eval bokeh`.
int eval_bokeh(const EvalOptions& options);
/// `weights list`, `weights get` and `weights import`. Only `weights get` uses the network.
int weights_list();
int weights_get(const WeightsOptions& options);
int weights_import(const WeightsOptions& options);
/// `doctor`.
int doctor();
}  // namespace cinebokeh::demo
