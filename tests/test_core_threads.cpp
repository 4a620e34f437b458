// The executor on the CPU: its threads, the caller's job system, the caller's allocator. Also run with ThreadSanitizer.
#include <atomic>
#include <set>
#include <thread>

#include "support.hpp"

using namespace cinebokeh;

namespace {
// Runs `count` jobs and checks that each has run once.
template <class Exec>
bool runs_each_once(Exec& exec, int count) {
    std::vector<std::atomic<int>> runs(static_cast<size_t>(count));
    exec.for_each(count, [&](int i) { runs[size_t(i)].fetch_add(1); });
    for (const auto& r : runs)
        if (r != 1) return false;
    return true;
}
}  // namespace

TEST_CASE("a pool runs every job once, for any number of threads and jobs") {
    for (int threads : {1, 2, 3, 8}) {
        Cpu exec(threads);
        CHECK(exec.threads() == threads);
        for (int count : {0, 1, 2, 7, 1000}) CHECK(runs_each_once(exec, count));
    }
}

TEST_CASE("many short runs after each other lose no job and mix none up") {
    Cpu exec(4);
    for (int round = 0; round < 3000; ++round) {
        std::atomic<int> sum{0};
        const int count = 2 + round % 13;
        exec.for_each(count, [&](int i) { sum += i + round; });
        REQUIRE(sum == count * (count - 1) / 2 + count * round);
    }
}

TEST_CASE("workers that sleep wake up for the next run") {
    Cpu exec(3);
    for (int i = 0; i < 5; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));  // longer than they spin
        CHECK(runs_each_once(exec, 100));
    }
}

TEST_CASE("a run from inside a job runs all its jobs") {
    Cpu exec(4);
    std::atomic<int> jobs{0};
    exec.for_each(8, [&](int) { exec.for_each(10, [&](int) { exec.for_each(3, [&](int) { ++jobs; }); }); });
    CHECK(jobs == 240);
}

TEST_CASE("two callers share a pool") {
    Cpu exec(3);
    std::atomic<int> jobs{0};
    const auto call = [&] {
        for (int i = 0; i < 200; ++i) exec.for_each(16, [&](int) { ++jobs; });
    };
    std::thread other(call);
    call();
    other.join();
    CHECK(jobs == 2 * 200 * 16);
}

TEST_CASE("a job sees what was written before the run, and the caller what the jobs wrote") {
    Cpu exec(4);
    std::vector<int> in(512), out(512);
    for (int round = 0; round < 100; ++round) {
        for (int i = 0; i < 512; ++i) in[size_t(i)] = round + i;
        exec.for_each(512, [&](int i) { out[size_t(i)] = 2 * in[size_t(i)]; });
        for (int i = 0; i < 512; ++i) REQUIRE(out[size_t(i)] == 2 * (round + i));
    }
}

TEST_CASE("ranges cover everything once, and do not depend on the number of threads") {
    for (int count : {0, 1, 99, 100, 101}) {
        std::set<std::pair<int, int>> first;
        for (int threads : {1, 4}) {
            Cpu exec(threads);
            std::mutex mutex;
            std::set<std::pair<int, int>> ranges;
            exec.for_each_range(count, 10, [&](int begin, int end) {
                std::lock_guard lock(mutex);
                ranges.insert({begin, end});
            });
            int next = 0;
            for (const auto& [begin, end] : ranges) {
                CHECK(begin == next);
                CHECK(end - begin <= 10);
                next = end;
            }
            CHECK(next == count);
            if (threads == 1) first = ranges;
            CHECK(ranges == first);
        }
    }
}

TEST_CASE("a run allocates nothing") {
    Cpu exec(2);
    std::atomic<int> sum{0};
    CHECK(allocations_during([&] { exec.for_each(100, [&](int i) { sum += i; }); }) == 0);
    CHECK(allocations_during([&] { exec.for_each_range(100, 7, [&](int begin, int) { sum += begin; }); }) == 0);
}

namespace {
// A job system that runs the jobs backwards and notes what it was asked for.
struct Backwards {
    int runs = 0, jobs = 0;
    static void run(void* context, int count, void (*job)(void*, int), void* job_context) {
        Backwards& self = *static_cast<Backwards*>(context);
        ++self.runs, self.jobs += count;
        for (int i = count; i-- > 0;) job(job_context, i);
    }
};
}  // namespace

TEST_CASE("with the caller's job system all work goes there") {
    Backwards jobs;
    Cpu exec(JobSystem{Backwards::run, &jobs, 6});
    CHECK(exec.threads() == 6);
    CHECK(runs_each_once(exec, 50));
    CHECK(jobs.runs == 1);
    CHECK(jobs.jobs == 50);
    Cpu moved(std::move(exec));
    CHECK(runs_each_once(moved, 5));
    CHECK(jobs.runs == 2);
}

TEST_CASE("a job system without a function is refused") { CHECK_THROWS_AS(Cpu(JobSystem{}), Error); }

namespace {
// An allocator that counts, and that checks that every block comes back with the size it was asked for.
struct Ledger {
    std::vector<std::pair<void*, size_t>> live;
    int calls = 0;

    static void* allocate(void* context, size_t bytes) {
        Ledger& self = *static_cast<Ledger*>(context);
        void* block = ::operator new(bytes, std::align_val_t(256));
        self.live.push_back({block, bytes}), ++self.calls;
        return block;
    }
    static void deallocate(void* context, void* block, size_t bytes) {
        Ledger& self = *static_cast<Ledger*>(context);
        CHECK(std::erase(self.live, std::pair(block, bytes)) == 1);
        ::operator delete(block, std::align_val_t(256));
    }
    Allocator allocator() { return {allocate, deallocate, this}; }
};
template <class Exec>
void check_ledger(Exec& exec, Ledger& ledger) {
    const int calls = ledger.calls;  // of the executor itself
    const size_t own = ledger.live.size();
    {
        Buffer<float, Exec> a(exec, {100, 10}), b(exec, {3, 3}, std::vector<float>(9, 1.f)), none(exec, {0, 3});
        CHECK(ledger.calls == calls + 2);
        CHECK(ledger.live.size() == own + 2);
        a = std::move(b);
        CHECK(ledger.live.size() == own + 1);
        CHECK(a.download() == std::vector<float>(9, 1.f));
        CHECK(ledger.calls == calls + 2);
    }
    CHECK(ledger.live.size() == own);
}
}  // namespace

TEST_CASE("buffers take their memory from the caller's allocator and give all of it back") {
    Ledger ledger;
    Cpu threads(2, ledger.allocator());
    check_ledger(threads, ledger);
    Backwards jobs;
    Ledger other;
    Cpu system(JobSystem{Backwards::run, &jobs, 1}, other.allocator());
    check_ledger(system, other);
}

#if defined(CINEBOKEH_SIM)
TEST_CASE("device buffers take their memory from the caller's allocator, on the caller's stream too") {
    Ledger ledger, other;
    {
        Cuda own(ledger.allocator());
        check_ledger(own, ledger);
        cudaStream_t stream = nullptr;
        Cuda callers(stream, other.allocator());
        CHECK(callers.stream() == stream);
        check_ledger(callers, other);
    }
    CHECK(ledger.live.empty());
    CHECK(other.live.empty());
}

TEST_CASE("the device reports itself") { CHECK(cuda_status().devices == 1); }

namespace {
struct Fill {
    Image<int, DeviceSpace> out;
    CINEBOKEH_HD void operator()(int x, int y) const { out(x, y) = x + y; }
};
}  // namespace

TEST_CASE("launches of no block do nothing, launches that are too large are refused") {
    Cuda exec;
    Image<int, DeviceSpace> none;
    exec.launch(dim3(0), dim3(32), 0, kernels::for_each_pixel<Fill>, Size{0, 0}, Fill{none});
    exec.launch(dim3(1, 0), dim3(32), 0, kernels::for_each_pixel<Fill>, Size{0, 0}, Fill{none});
    CHECK_THROWS(exec.launch(dim3(1), dim3(2048), 0, kernels::for_each_pixel<Fill>, Size{0, 0}, Fill{none}));
}
#endif
