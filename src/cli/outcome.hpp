// How nsenterctl ends (nsenterctl).
#pragma once

#include <string>

#include <boost/system/result.hpp>

namespace nsenterd::cli {

enum class ExitStatus : int {
  ok = 0,
  /// The operation failed (errorResponse), or so did reading standard input, writing standard output, or what else
  /// this program itself has to do for it.
  failed = 1,
  /// The command line is wrong, or a message given to `request` is no JSON.
  usage = 2,
  /// The daemon refused, cannot be reached, or did not answer properly.
  no_answer = 3,
  /// The command that `open` runs is there but cannot be executed, or is not there: as sh(1) has it.
  not_executable = 126,
  not_found = 127,
};

/// Why the program ends now: a line for standard error, none if empty. It is not escaped yet.
struct Stop {
  ExitStatus status = ExitStatus::ok;
  std::string reason;
};

template <class T>
using Outcome = boost::system::result<T, Stop>;

}  // namespace nsenterd::cli
