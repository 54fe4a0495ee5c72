// The message that travels between a client, the daemon and an agent.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace nsenterd {

/// One request or response: `{"message": TYPE, "payload": ...}`. Types, field names and value encodings are
/// those of sysbox-fs; docs/messages.md lists them all.
struct Message {
  /// Such as "readFileRequest" or "errorResponse"; empty in a message that has not been set.
  std::string type{};
  nlohmann::json payload{};

  friend bool operator==(const Message&, const Message&) = default;
};

}  // namespace nsenterd
