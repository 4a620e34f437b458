#include "maxflow_oracle.hpp"

using namespace cinebokeh;

namespace {
template <class Exec>
void check_grid(const Grid& g) {
    Oracle expected = g.oracle();
    const Cut cut = cut_grid<Exec>(g);
    CHECK(cut.flow == expected.flow);
    CHECK(cut.labels == expected.labels);
    CHECK(expected.cut(cut.labels) == expected.flow);
}
constexpr Connectivity both[] = {Connectivity::four, Connectivity::eight};
}  // namespace

TEST_CASE_TEMPLATE("the grid cut is the canonical minimum cut and the flow equals its value", Exec, EXECUTORS) {
    unsigned seed = 0;
    for (Connectivity connectivity : both)
        for (Size s : {Size{1, 1}, Size{1, 9}, Size{9, 1}, Size{2, 2}, Size{3, 5}, Size{8, 8}, Size{9, 7}, Size{13, 6}})
            for (int largest_edge : {1, 2, 10, 100})
                for (int i = 0; i < 12; ++i) {
                    ++seed;
                    if (seed % rounds<Exec>(1, 23) != 0) continue;
                    CAPTURE(s.width);
                    CAPTURE(seed);
                    check_grid<Exec>(random_grid(s, connectivity, seed, i % 2 ? 3 : 40, largest_edge));
                }
}

TEST_CASE_TEMPLATE("long paths: seeds in two corners of a grid that is otherwise neutral", Exec, EXECUTORS) {
    for (Connectivity connectivity : both)
        for (unsigned seed = 1; seed <= rounds<Exec>(20, 3); ++seed) {
            CAPTURE(seed);
            Grid g = random_grid({12, 11}, connectivity, seed, 1, 9);
            std::fill(g.terminal.begin(), g.terminal.end(), 0);
            g.terminal.front() = 1000, g.terminal.back() = -1000;
            g.terminal[5] = int(seed % 7), g.terminal[70] = -int(seed % 5);
            check_grid<Exec>(g);
        }
}

#if CINEBOKEH_GRID
TEST_CASE_TEMPLATE("grids of several tiles: the device cuts as the CPU does", Exec, CUDA_EXECUTORS) {
    unsigned seed = 40;
    for (Connectivity connectivity : both)
        for (Size s : {Size{31, 33}, Size{32, 32}, Size{70, 66}, Size{130, 3}}) {
            // Small capacities make many ties; seeds in two corners only make paths through all tiles.
            for (bool corners : {false, true}) {
                CAPTURE(s.width);
                CAPTURE(corners);
                Grid g = random_grid(s, connectivity, ++seed, 40, corners ? 9 : 25);
                if (corners) {
                    std::fill(g.terminal.begin(), g.terminal.end(), 0);
                    g.terminal.front() = 1000, g.terminal.back() = -1000;
                }
                const Cut expected = cut_grid<Cpu>(g), cut = cut_grid<Exec>(g);
                CHECK(cut.flow == expected.flow);
                CHECK(cut.labels == expected.labels);
            }
        }
}

TEST_CASE_TEMPLATE("what the rounds of launches leave is finished by one block, and exact", Exec, CUDA_EXECUTORS) {
    const Grid g = random_grid({40, 35}, Connectivity::eight, 7, 40, 25);
    const Cut expected = cut_grid<Cpu>(g);
    Exec exec;
    DeviceGrid<Exec> grid(exec, g);
    for (int launches : {0, 1}) {
        CAPTURE(launches);
        detail::GridMaxflowCuda solve(exec, g.size, g.connectivity, launches);
        Buffer<uint8_t, Exec> labels(exec, g.size);
        CHECK(flow_of(exec, solve, grid.view(), labels.view()) == expected.flow);
        CHECK(labels.download() == expected.labels);
    }
}

TEST_CASE_TEMPLATE("capacities out of range count as the nearest legal value on the device", Exec, CUDA_EXECUTORS) {
    Grid bad = random_grid({7, 5}, Connectivity::eight, 2, 9, 9), good = bad;
    bad.right[3] = -7, good.right[3] = 0;
    bad.down_left[9] = INT_MAX, good.down_left[9] = max_capacity;
    bad.terminal[12] = INT_MIN, good.terminal[12] = -INT_MAX;
    const Cut expected = cut_grid<Cpu>(good), cut = cut_grid<Exec>(bad);
    CHECK(cut.flow == expected.flow);
    CHECK(cut.labels == expected.labels);
}
#endif

TEST_CASE_TEMPLATE(
    "without seeds nothing flows: all is source side without a sink, and sink side where the sink is reached", Exec,
    EXECUTORS) {
    const Size s{5, 4};
    for (Connectivity connectivity : both) {
        const std::vector<int> ones(s.area(), 1);
        for (int terminal : {0, 3, -3}) {
            Grid g{s, connectivity, std::vector<int>(s.area(), 0), ones, ones, ones, ones};
            g.terminal[7] = terminal;
            const Cut cut = cut_grid<Exec>(g);
            CHECK(cut.flow == 0);
            CHECK(cut.labels == std::vector<uint8_t>(s.area(), terminal >= 0));
        }
    }
}

TEST_CASE_TEMPLATE("isolated pixels take the side of their terminal, and 0 the source side", Exec, EXECUTORS) {
    const Size s{6, 3};
    const std::vector<int> none(s.area(), 0);
    Grid g{s, Connectivity::eight, none, none, none, none, none};
    std::vector<uint8_t> expected;
    for (size_t i = 0; i < s.area(); ++i) g.terminal[i] = int(i % 3) - 1, expected.push_back(i % 3 >= 1);
    const Cut cut = cut_grid<Exec>(g);
    CHECK(cut.flow == 0);
    CHECK(cut.labels == expected);
}

TEST_CASE_TEMPLATE("capacities that point out of the image are ignored, whatever they hold", Exec, EXECUTORS) {
    const Size s{4, 3};
    Grid g = random_grid(s, Connectivity::eight, 3, 9, 9);
    for (int y = 0; y < s.height; ++y) {
        g.right[size_t(y * s.width + s.width - 1)] = g.down_right[size_t(y * s.width + s.width - 1)] = -5;
        g.down_left[size_t(y * s.width)] = INT_MIN;
    }
    for (int x = 0; x < s.width; ++x) {
        const size_t last = size_t((s.height - 1) * s.width + x);
        g.down[last] = g.down_right[last] = g.down_left[last] = -1;
    }
    check_grid<Exec>(g);
}

TEST_CASE_TEMPLATE("the largest capacities do not overflow, and the flow exceeds 32 bits", Exec, EXECUTORS) {
    for (Connectivity connectivity : both) {
        Grid g = random_grid({4, 2}, connectivity, 1, 1, 1);
        for (std::vector<int>* edges : {&g.right, &g.down, &g.down_right, &g.down_left})
            std::fill(edges->begin(), edges->end(), max_capacity);
        for (size_t i = 0; i < 8; ++i) g.terminal[i] = i % 4 < 2 ? INT_MAX : -INT_MAX;
        check_grid<Exec>(g);
        // Across the middle: two straight edges, and two diagonal ones where there are eight neighbours.
        const int64_t edges = connectivity == Connectivity::eight ? 4 : 2;
        CHECK(cut_grid<Exec>(g).flow == edges * max_capacity);
    }
}

TEST_CASE_TEMPLATE("one plan gives the same cut again after other problems, allocates nothing, and takes padded images",
                   Exec, EXECUTORS) {
    const Size s{23, 17};  // the rows of a buffer are padded to 64 bytes
    Exec exec;
    GridMaxflow<Exec> solve(exec, s, Connectivity::eight);
    const Grid g = random_grid(s, Connectivity::eight, 11, 20, 9);
    DeviceGrid<Exec> one(exec, g), other(exec, random_grid(s, Connectivity::eight, 12, 9, 30));
    Buffer<uint8_t, Exec> labels(exec, s);
    const int64_t flow = flow_of(exec, solve, one.view(), labels.view());
    const std::vector<uint8_t> first = labels.download();
    for (int i = 0; i < rounds<Exec>(3, 1); ++i) {
        solve(other.view(), labels.view());
        CHECK(allocations_during([&] { CHECK(flow_of(exec, solve, one.view(), labels.view()) == flow); }) == 0);
        CHECK(labels.download() == first);
    }
    const Cut unpadded = cut_grid<Cpu>(g);
    CHECK(flow == unpadded.flow);
    CHECK(first == unpadded.labels);
}

TEST_CASE("grids refuse wrong sizes and capacities out of range") {
    const Size s{4, 3};
    Cpu exec;
    CHECK_THROWS_AS(GridMaxflow<Cpu>(exec, {0, 3}, Connectivity::four), Error);
    CHECK_THROWS_AS(GridMaxflow<Cpu>(exec, {-1, 3}, Connectivity::four), Error);
    CHECK_THROWS_AS(GridMaxflow<Cpu>(exec, {1 << 20, 1 << 20}, Connectivity::four), Error);
    GridMaxflow<Cpu> four(exec, s, Connectivity::four), eight(exec, s, Connectivity::eight);
    const Grid good = random_grid(s, Connectivity::eight, 1, 5, 5);
    std::vector<uint8_t> labels(s.area());
    CHECK_THROWS_AS(four(good.view(), host_view(labels, {3, 4})), Error);
    GridCapacities<HostSpace> no_diagonals = good.view();
    no_diagonals.down_left = {};
    CHECK_NOTHROW(four(no_diagonals, host_view(labels, s)));
    CHECK_THROWS_AS(eight(no_diagonals, host_view(labels, s)), Error);
    for (int bad : {-1, INT_MIN, max_capacity + 1}) {
        Grid g = good;
        g.down_right[5] = bad;
        CHECK_THROWS_AS(eight(g.view(), host_view(labels, s)), Error);
        CHECK_NOTHROW(four(g.view(), host_view(labels, s)));
        g = good, g.right[0] = bad;
        CHECK_THROWS_AS(four(g.view(), host_view(labels, s)), Error);
    }
    Grid g = good;
    g.terminal[3] = INT_MIN;
    CHECK_THROWS_AS(four(g.view(), host_view(labels, s)), Error);
}

TEST_CASE("quantise rounds to the nearest unit, saturates, and refuses what has no meaning") {
    CHECK(quantise(1.25f, 1000) == 1250);
    CHECK(quantise(-0.0026f, 1000) == -3);
    CHECK(quantise(2.5f, 1) == 3);
    CHECK(quantise(INFINITY, 1) == max_capacity);
    CHECK(quantise(-3e38f, 3e38f) == -max_capacity);
    CHECK(quantise_neighbour(0.5f, 10) == 5);
    CHECK_THROWS_AS(quantise(NAN, 1), Error);
    CHECK_THROWS_AS(quantise(1, NAN), Error);
    CHECK_THROWS_AS(quantise(1, 0), Error);
    CHECK_THROWS_AS(quantise(1, INFINITY), Error);
    CHECK_THROWS_AS(quantise_neighbour(-0.1f, 1), Error);
    CHECK_THROWS_AS(quantise_neighbour(NAN, 1), Error);
}
