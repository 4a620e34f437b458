#include "signals.hpp"

#include <atomic>
#include <csignal>

namespace cinebokeh::demo {
namespace {
std::atomic<bool> stop{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

void on_signal(int number) {
    stop = true;
    std::signal(number, SIG_DFL);
}
}  // namespace

void catch_signals() {
    std::signal(SIGINT, on_signal);
    std::signal(SIGTERM, on_signal);
#if defined(SIGPIPE)
    std::signal(SIGPIPE, SIG_IGN);
#endif
#if defined(SIGXFSZ)
    std::signal(SIGXFSZ, SIG_IGN);
#endif
}

bool stop_requested() { return stop; }
void request_stop() { stop = true; }
}  // namespace cinebokeh::demo
