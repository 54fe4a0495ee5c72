// What a system call that was notified is answered with. (Agent.)
#pragma once

#include <memory>
#include <string>
#include <variant>

#include <nsenterd/unique_fd.hpp>

namespace seccomp_agent {

/// It has succeeded, and returns 0.
struct Done {};
/// It has failed.
struct Errno {
  int number = 0;
};
/// The kernel is to make the call as if there were no filter. See the warning in README.md.
struct Continue {};
/// It has opened a file: the process gets a descriptor of it, and the call returns that.
struct NewFile {
  /// Shared by copies of the answer.
  std::shared_ptr<nsenterd::UniqueFd> file;
  bool close_on_exec = false;
};
/// The process does not wait any more, so there is nobody to answer.
struct Gone {};

using Answer = std::variant<Done, Errno, Continue, NewFile, Gone>;
/// An answer that is known beforehand, from the policy.
using FixedAnswer = std::variant<Errno, Continue>;

Answer to_answer(const FixedAnswer& fixed);

/// Such as "EPERM"; the number, where it has no name.
std::string errno_name(int number);
/// Such as "done" and "EPERM".
std::string to_string(const Answer& answer);

}  // namespace seccomp_agent
