// How many calls there were, and what became of them. (Agent.)
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "answer.hpp"

namespace seccomp_agent {

class Counters {
 public:
  void count(const std::string& system_call, const Answer& answer) {
    ++counts_[system_call][to_string(answer)];
  }
  /// A line for each system call, to the log.
  void log() const;

 private:
  std::map<std::string, std::map<std::string, std::uint64_t>> counts_;
};

}  // namespace seccomp_agent
