#include "counters.hpp"

#include <spdlog/spdlog.h>

namespace seccomp_agent {

void Counters::log() const {
  if (counts_.empty()) spdlog::info("no calls");
  for (const auto& [system_call, outcomes] : counts_) {
    std::uint64_t calls = 0;
    std::string text;
    for (const auto& [outcome, count] : outcomes) {
      calls += count;
      text += ", " + outcome + " " + std::to_string(count);
    }
    spdlog::info("{}: calls {}{}", system_call, calls, text);
  }
}

}  // namespace seccomp_agent
