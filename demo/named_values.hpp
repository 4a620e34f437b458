// Options of the command line whose values have names.
#pragma once
#include <CLI/CLI.hpp>
#include <map>
#include <string>

namespace cinebokeh::demo {

template <class Value>
const char* name_in(const std::map<std::string, Value>& names, Value value) {
    for (const auto& [name, named] : names)
        if (named == value) return name.c_str();
    return "";
}

// An option whose values are the names of an enum.
template <class Value>
void add_choice(CLI::App* app, const char* name, Value& value, const std::map<std::string, Value>& names,
                const char* help) {
    std::string list;
    for (const auto& entry : names) list += (list.empty() ? "" : "|") + entry.first;
    app->add_option_function<std::string>(
           name, [&value, &names](const std::string& text) { value = names.at(text); }, help)
        ->check(CLI::Validator(
            [&names, list](const std::string& text) {
                return names.count(text) ? std::string() : "'" + text + "' is not one of " + list;
            },
            list));
}
}  // namespace cinebokeh::demo
