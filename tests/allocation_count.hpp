// How often operator new has been called in this test program (all forms, all threads).
#pragma once
long allocation_count();

/// The number of allocations that `f` makes. A plan's call operator must make none.
template <class F>
long allocations_during(F&& f) {
    const long before = allocation_count();
    f();
    return allocation_count() - before;
}
