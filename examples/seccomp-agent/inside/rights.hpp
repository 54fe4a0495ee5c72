// The rights of the thread on whose behalf a call is made. (Inside containers.)
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace seccomp_agent::inside {

/// Takes on its filesystem ids, groups, effective capabilities and umask (Credentials, as JSON). There is no way back. Throws
/// std::runtime_error.
void take_rights(const nlohmann::json& rights);

}  // namespace seccomp_agent::inside
