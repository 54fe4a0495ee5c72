// In place of journal_sink.cpp in a build without libsystemd.
#include <stdexcept>

#include "daemon/journal_sink.hpp"

namespace nsenterd::daemon {

bool stderr_is_journal() {
  return false;
}

std::shared_ptr<spdlog::sinks::sink> make_journal_sink() {
  throw std::runtime_error("this build cannot write to the journal");
}

}  // namespace nsenterd::daemon
