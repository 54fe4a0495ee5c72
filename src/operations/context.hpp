// What an agent gives an operation to work with (agent).
#pragma once

#include "operations/place.hpp"
#include "wire/credentials.hpp"

namespace nsenterd::operations {

struct Context {
  /// Where the paths of the request lead.
  Place place;
  /// On whose behalf the request is made, as the agent's user namespace numbers the ids.
  wire::Credentials credentials;
  /// A socket whose other end the parent holds.
  int parent;
};

}  // namespace nsenterd::operations
