# Installs the headers, a CMake package (find_package(cinebokeh CONFIG)) and a pkg-config file.
#
# kernels/ goes to include/cinebokeh/kernels, where a header's #include "kernels/X.hpp" finds it beside the header.
# Headers in folders below include/cinebokeh say the same line, so that folder is an include directory as well.
include(CMakePackageConfigHelpers)
target_include_directories(cinebokeh INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/cinebokeh>)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/cinebokeh DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/kernels DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/cinebokeh)
install(TARGETS cinebokeh EXPORT cinebokehTargets)

set(package_dir ${CMAKE_INSTALL_DATADIR}/cmake/cinebokeh)
install(EXPORT cinebokehTargets NAMESPACE cinebokeh:: DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/cinebokehConfig.cmake.in
    ${PROJECT_BINARY_DIR}/cinebokehConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cinebokehConfigVersion.cmake
    COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/cinebokehConfig.cmake ${PROJECT_BINARY_DIR}/cinebokehConfigVersion.cmake
    DESTINATION ${package_dir})

configure_file(${CMAKE_CURRENT_LIST_DIR}/cinebokeh.pc.in ${PROJECT_BINARY_DIR}/cinebokeh.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/cinebokeh.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
