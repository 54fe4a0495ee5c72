// What ListEvents says (nsenterctl).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/outcome.hpp"
#include "wire/json.hpp"

namespace nsenterd::cli {

struct Event {
  std::string name;
  std::int64_t process = 0;
  std::optional<std::int64_t> target;
  std::string message;
  bool async = false;
  std::string state;
  /// In microseconds.
  std::uint64_t age = 0;
};

/// In the order in which they were accepted.
Outcome<std::vector<Event>> decode_events(const wire::Json& reply);

}  // namespace nsenterd::cli
