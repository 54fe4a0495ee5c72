// Users and groups that the configuration names (daemon).
#pragma once

#include <string>

#include "daemon/access.hpp"

namespace nsenterd::daemon {

/// Enters a user, by name or number, into the rules; what is wrong with it otherwise. `reach` is the word of the file.
std::string grant_user(AccessRules& rules, const std::string& user, const std::string& reach);
/// The same for a group.
std::string grant_group(AccessRules& rules, const std::string& group, const std::string& reach);

}  // namespace nsenterd::daemon
