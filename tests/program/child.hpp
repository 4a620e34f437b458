// A process that a test starts. It is waited for with a limit and ends with the object that started it, so that a
// program that crashes or hangs fails its test within seconds and leaves nothing behind.
#pragma once
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <string>
#include <thread>

#include "report.hpp"
#include "support.hpp"

namespace cinebokeh::demo {

inline void pause_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

/// Calls `happened` until it says yes, for up to `seconds`.
template <class Happened>
bool wait_until(double seconds, const Happened& happened) {
    for (const Stopwatch watch; watch.ms() < seconds * 1000; pause_ms(20))
        if (happened()) return true;
    return happened();
}

/// A line of the shell, in a process group of its own. With "exec" before its last command, that is what signals reach
/// and what is reported.
class Child {
public:
    explicit Child(const std::string& line) : id_(fork()) {
        REQUIRE(id_ >= 0);
        if (id_ == 0) {
            setpgid(0, 0);
            std::signal(SIGINT, SIG_DFL);
            execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
            _exit(127);
        }
        setpgid(id_, id_);  // whoever comes first
    }
    ~Child() {
        if (running()) kill(SIGKILL), waitpid(id_, &status_, 0);
        ::kill(-id_, SIGKILL);  // what it left behind
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    bool running() {
        if (!ended_) ended_ = waitpid(id_, &status_, WNOHANG) == id_;
        return !ended_;
    }
    bool ends(double seconds) {
        return wait_until(seconds, [&] { return !running(); });
    }
    /// Calls `happened` until it says yes, or the process has ended, for up to `seconds`.
    template <class Happened>
    bool reaches(double seconds, const Happened& happened) {
        return wait_until(seconds, [&] { return happened() || !running(); }) && happened();
    }
    void kill(int number) const { ::kill(-id_, number); }
    pid_t id() const { return id_; }

    /// After the end: the exit code, or -1 where a signal ended it.
    int code() const { return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1; }
    /// What went wrong beyond an exit code: empty, or such as "killed by signal 11 (Segmentation fault)".
    std::string crash() const {
        if (!ended_) return "it did not end";
        if (!WIFSIGNALED(status_)) return {};
        return "killed by signal " + std::to_string(WTERMSIG(status_)) + " (" + strsignal(WTERMSIG(status_)) + ")";
    }

private:
    pid_t id_;
    int status_ = 0;
    bool ended_ = false;
};
}  // namespace cinebokeh::demo
