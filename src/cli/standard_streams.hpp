// The program's own standard streams (nsenterctl).
#pragma once

#include <string>
#include <string_view>

#include "cli/outcome.hpp"
#include "cli/style.hpp"
#include "wire/json.hpp"

namespace nsenterd::cli {

/// Occupies those of the descriptors 0, 1 and 2 that are closed, so that nothing opened later (the daemon's
/// socket) is taken for a standard stream. Reading and writing them still fails with EBADF.
void occupy_standard_streams() noexcept;

/// Makes a reader of our output that goes away an error of write(2).
void ignore_broken_pipes() noexcept;
/// Undoes that: a program that this one executes inherits what is ignored.
void restore_broken_pipes() noexcept;

/// All of standard input.
Outcome<std::string> read_input();

/// All of the bytes to standard output. Where its reader has gone, stops the program silently with success,
/// as `nsenterctl ... | head` should; SIGPIPE has to be ignored.
Outcome<void> write_output(std::string_view bytes);

/// The value as one line. In ASCII if standard output is a terminal, which some characters would control.
Outcome<void> write_json(const wire::Json& value);

[[nodiscard]] bool output_is_terminal() noexcept;

/// "nsenterctl: REASON" in one line on standard error, escaped; nothing if there is none.
void report(const Stop& stop, ColorMode color);

}  // namespace nsenterd::cli
