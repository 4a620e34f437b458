// How our side of the comparison is timed.
#pragma once
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

/// Runs once to warm up, then for half a second and at least five times, as peers.py does.
template <class Body>
void measure(const char* name, Body&& body) {
    using Clock = std::chrono::steady_clock;
    auto ms = [](auto duration) { return std::chrono::duration<double, std::milli>(duration).count(); };
    body();
    std::vector<double> times;
    for (const auto begin = Clock::now(); times.size() < 5 || ms(Clock::now() - begin) < 500;) {
        const auto start = Clock::now();
        body();
        times.push_back(ms(Clock::now() - start));
    }
    std::sort(times.begin(), times.end());
    std::printf("%s %.6f %.6f\n", name, times[times.size() / 2], times[(times.size() * 9 - 1) / 10]);
}
