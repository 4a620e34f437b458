# The library: an INTERFACE target. A C++20 compiler is all it needs; an FFT library makes template matching fast.
add_library(cinebokeh INTERFACE)
add_library(cinebokeh::cinebokeh ALIAS cinebokeh)
target_compile_features(cinebokeh INTERFACE cxx_std_20)
target_include_directories(cinebokeh INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
    $<INSTALL_INTERFACE:include>)

find_package(Threads REQUIRED)
target_link_libraries(cinebokeh INTERFACE Threads::Threads)

# pocketfft is one header. Distributions put it in different places.
find_path(CINEBOKEH_POCKETFFT_DIR pocketfft_hdronly.h PATH_SUFFIXES gemmi/third_party pocketfft)
if(CINEBOKEH_POCKETFFT_DIR)
    target_compile_definitions(cinebokeh INTERFACE CINEBOKEH_POCKETFFT=1)
    target_include_directories(cinebokeh SYSTEM INTERFACE $<BUILD_INTERFACE:${CINEBOKEH_POCKETFFT_DIR}>)
else()
    message(STATUS "cinebokeh: no pocketfft_hdronly.h; masked NCC takes its direct path")
endif()
