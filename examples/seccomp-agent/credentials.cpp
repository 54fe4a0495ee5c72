#include "credentials.hpp"

#include <charconv>
#include <iterator>
#include <sstream>

#include <nlohmann/json.hpp>

namespace seccomp_agent {
namespace {

/// What follows "NAME:" on a line of its own.
std::optional<std::string> field(std::string_view status, const std::string& name) {
  const std::string label = "\n" + name + ":";
  const auto found = status.find(label);
  if (found == std::string_view::npos) return std::nullopt;
  const auto begin = found + label.size();
  return std::string(status.substr(begin, status.find('\n', begin) - begin));
}

template <class Number>
std::optional<Number> number_in(const std::optional<std::string>& text, int base) {
  if (!text) return std::nullopt;
  const auto begin = text->find_first_not_of(" \t");
  if (begin == std::string::npos) return std::nullopt;
  Number number = 0;
  const auto [end, error] = std::from_chars(text->data() + begin, text->data() + text->size(), number, base);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return number;
}

std::vector<std::uint32_t> numbers_in(const std::optional<std::string>& text) {
  std::istringstream words(text.value_or(""));
  return {std::istream_iterator<std::uint32_t>(words), {}};
}

}  // namespace

std::optional<Credentials> parse_credentials(std::string_view status) {
  // Real, effective, saved, filesystem.
  const auto users = numbers_in(field(status, "Uid"));
  const auto groups = numbers_in(field(status, "Gid"));
  const auto supplementary = field(status, "Groups");
  const auto capabilities = number_in<std::uint64_t>(field(status, "CapEff"), 16);
  const auto umask = number_in<mode_t>(field(status, "Umask"), 8);
  if (users.size() != 4 || groups.size() != 4 || !supplementary || !capabilities || !umask)
    return std::nullopt;
  return Credentials{users[3], groups[3], numbers_in(supplementary), *capabilities, *umask};
}

IdMap::IdMap(std::string_view text) {
  std::istringstream lines{std::string(text)};
  for (Range range; lines >> range.inside >> range.outside >> range.count;) ranges_.push_back(range);
}

std::optional<std::uint32_t> IdMap::to_inside(std::uint32_t outside) const {
  for (const Range& range : ranges_) {
    if (outside >= range.outside && outside - range.outside < range.count) {
      return static_cast<std::uint32_t>(range.inside + (outside - range.outside));
    }
  }
  return std::nullopt;
}

std::optional<Credentials> translate(const Credentials& credentials, const IdMap& users,
                                     const IdMap& groups) {
  const auto uid = users.to_inside(credentials.uid);
  const auto gid = groups.to_inside(credentials.gid);
  if (!uid || !gid) return std::nullopt;
  Credentials inside = credentials;
  inside.uid = *uid;
  inside.gid = *gid;
  for (gid_t& group : inside.groups) {
    const auto number = groups.to_inside(group);
    if (!number) return std::nullopt;
    group = *number;
  }
  return inside;
}

void to_json(nlohmann::json& json, const Credentials& credentials) {
  json = {{"uid", credentials.uid},
          {"gid", credentials.gid},
          {"groups", credentials.groups},
          {"capabilities", credentials.capabilities},
          {"umask", credentials.umask}};
}

}  // namespace seccomp_agent
