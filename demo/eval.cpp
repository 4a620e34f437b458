#include "cinebokeh/core/error.hpp"
#include "commands.hpp"

namespace cinebokeh::demo {
int eval_davis(const EvalOptions&) { fail("eval davis: not there yet"); }
}  // namespace cinebokeh::demo
