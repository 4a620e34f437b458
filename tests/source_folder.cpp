#include "source_folder.hpp"

std::filesystem::path source_folder() { return CINEBOKEH_SOURCE_DIR; }
