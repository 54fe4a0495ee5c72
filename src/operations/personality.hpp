// The process on whose behalf a system call is made, and how an agent acts in its place (agent). In messages it is
// the payload's header.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "operations/context.hpp"
#include "operations/error_response.hpp"
#include "operations/payload.hpp"

namespace nsenterd::operations {

/// Its ids are the event's (Context::credentials).
struct Personality {
  std::string root;
  std::string cwd;
  /// capabilities(7), the lower 32 first.
  std::array<std::uint32_t, 2> capabilities{};

  friend bool operator==(const Personality&, const Personality&) = default;
};

template <class Fields, wire::Describes<Personality> Payload>
void describe(Fields& fields, Payload& personality) {
  fields.path("root", personality.root);
  fields.path("cwd", personality.cwd);
  fields.array("capabilities", personality.capabilities);
}

/// Changes to its working directory, then to its root. The agent's rights stay.
Result<Nothing> enter_directories(const Personality& personality);

/// Takes its effective gid and uid, and sets the effective, permitted and inheritable capabilities to its own. There
/// is no way back.
Result<Nothing> take_rights(const Personality& personality, const Context& context);

/// Both, in this order.
Result<Nothing> take_personality(const Personality& personality, const Context& context);

/// The same where there is one.
Result<Nothing> take_personality(const std::optional<Personality>& personality, const Context& context);

}  // namespace nsenterd::operations
