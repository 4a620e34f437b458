# The library: an INTERFACE target. A C++20 compiler and its threads are all it needs.
add_library(cinebokeh INTERFACE)
add_library(cinebokeh::cinebokeh ALIAS cinebokeh)
target_compile_features(cinebokeh INTERFACE cxx_std_20)
target_include_directories(cinebokeh INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

find_package(Threads REQUIRED)
target_link_libraries(cinebokeh INTERFACE Threads::Threads)
