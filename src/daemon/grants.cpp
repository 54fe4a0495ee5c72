#include "daemon/grants.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>

#include <grp.h>
#include <pwd.h>

namespace nsenterd::daemon {
namespace {

/// The kernel's word for every id that it has no number for, by which it would be anybody's (user_namespaces(7), "unmapped").
std::optional<id_t> overflow_id(const char* file) {
  std::ifstream stream(file);
  id_t id = 0;
  return stream >> id ? std::optional(id) : std::nullopt;
}

/// A number as it stands; 4294967295 is none to the kernel.
std::optional<id_t> parse_id(const std::string& text) {
  id_t id = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, id);
  if (error != std::errc() || stopped != end || id == static_cast<id_t>(-1)) return std::nullopt;
  return id;
}

template <class Find>
std::string grant(std::map<id_t, Reach>& rules, const std::string& name, const std::string& reach,
                  const char* overflow, const char* kind, Find find) {
  if (reach != "all" && reach != "owned") return R"(is to be "all" or "owned")";
  const bool is_number = !name.empty() && std::all_of(name.begin(), name.end(), [](char character) {
    return character >= '0' && character <= '9';
  });
  const auto id = is_number ? parse_id(name) : find(name.c_str());
  if (!id) return std::string("is no ") + kind + " of this system";
  if (*id == overflow_id(overflow)) {
    return std::string("is what the kernel calls every ") + kind + " that it has no number for";
  }
  Reach& entry = rules[*id];
  entry = std::max(entry, reach == "all" ? Reach::all : Reach::owned);
  return {};
}

}  // namespace

std::string grant_user(AccessRules& rules, const std::string& user, const std::string& reach) {
  return grant(rules.users, user, reach, "/proc/sys/kernel/overflowuid", "user", [](const char* name) {
    const passwd* const found = ::getpwnam(name);
    return found != nullptr ? std::optional<id_t>(found->pw_uid) : std::nullopt;
  });
}

std::string grant_group(AccessRules& rules, const std::string& group, const std::string& reach) {
  return grant(rules.groups, group, reach, "/proc/sys/kernel/overflowgid", "group", [](const char* name) {
    const ::group* const found = ::getgrnam(name);
    return found != nullptr ? std::optional<id_t>(found->gr_gid) : std::nullopt;
  });
}

}  // namespace nsenterd::daemon
