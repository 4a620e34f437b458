// Errors: every public function checks its arguments once, with require(). A failed check throws Error; in a build
// without exceptions it calls the handler set with set_error_handler(), which must not return.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include "cinebokeh/core/config.hpp"

namespace cinebokeh {

/// What a failed check throws: "function: what is wrong, with the values".
class Error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Called with the message instead of a throw in builds without exceptions. It must not return.
using ErrorHandler = void (*)(const char* message);

namespace detail {
inline void print_and_abort(const char* message) {
    std::fprintf(stderr, "cinebokeh: %s\n", message);
    std::abort();
}
inline ErrorHandler error_handler = print_and_abort;

template <class Part>
std::string to_text(const Part& part) {
    if constexpr (std::is_convertible_v<Part, std::string_view>)
        return std::string(std::string_view(part));
    else
        return std::to_string(part);
}
}  // namespace detail

/// Sets the handler of builds without exceptions; null restores the default, which prints the message and aborts.
inline void set_error_handler(ErrorHandler handler) {
    detail::error_handler = handler ? handler : detail::print_and_abort;
}

/// Reports an error: throws Error, or calls the handler where exceptions are off.
[[noreturn]] inline void fail(const std::string& message) {
#if CINEBOKEH_EXCEPTIONS
    throw Error(message);
#else
    detail::error_handler(message.c_str());
    std::abort();
#endif
}

/// Fails with the concatenated parts (text and numbers) unless the condition holds. The message is only made on
/// failure. Write conditions so that a NaN fails: `require(x <= bound, ...)`, never `require(!(x > bound), ...)`.
template <class... Parts>
inline void require(bool condition, const Parts&... parts) {
    if (!condition) [[unlikely]]
        fail((detail::to_text(parts) + ...));
}
}  // namespace cinebokeh
