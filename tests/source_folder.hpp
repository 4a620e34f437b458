// Where the sources of this build lie.
#pragma once
#include <filesystem>

std::filesystem::path source_folder();
