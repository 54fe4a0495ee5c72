#include "cli/arguments.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace nsenterd::cli {
namespace {

/// from_chars accepts a minus sign for signed types, hence the unsigned one; blanks and a plus sign it never
/// does.
std::optional<std::uint64_t> parse_digits(std::string_view text, int base = 10) noexcept {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, base);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

std::uint64_t milliseconds_of(std::string_view unit) noexcept {
  if (unit == "ms") return 1;
  if (unit == "s") return 1000;
  if (unit == "m") return 60'000;
  return 0;
}

std::optional<std::int64_t> parse_id_or_none(std::string_view text) noexcept {
  if (text == "-1") return -1;
  return parse_id(text);
}

}  // namespace

std::optional<pid_t> parse_pid(std::string_view text) noexcept {
  const auto number = parse_digits(text);
  if (!number || *number == 0 || *number > std::numeric_limits<pid_t>::max()) return std::nullopt;
  return static_cast<pid_t>(*number);
}

std::optional<std::uint32_t> parse_id(std::string_view text) noexcept {
  const auto number = parse_digits(text);
  if (!number || *number >= std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

std::optional<Owner> parse_owner(std::string_view text) noexcept {
  const std::size_t colon = std::min(text.find(':'), text.size());
  std::optional<std::int64_t> uid = -1;
  std::optional<std::int64_t> gid = -1;
  if (colon > 0) uid = parse_id_or_none(text.substr(0, colon));
  if (colon < text.size()) gid = parse_id_or_none(text.substr(colon + 1));
  if (text.empty() || !uid || !gid) return std::nullopt;
  return Owner{*uid, *gid};
}

std::optional<std::uint32_t> parse_mode(std::string_view text) noexcept {
  const auto number = parse_digits(text, 8);
  if (!number || *number > 07777) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept {
  constexpr std::uint64_t kMax = std::numeric_limits<std::int32_t>::max();
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_digits(text.substr(0, digits));
  const std::uint64_t unit = milliseconds_of(text.substr(digits));
  if (!number || *number == 0 || unit == 0 || *number > kMax / unit) return std::nullopt;
  return std::chrono::milliseconds(static_cast<std::int64_t>(*number * unit));
}

std::optional<Namespaces> parse_namespaces(std::string_view text) noexcept {
  Namespaces set;
  if (text == "none") return set;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const auto kind = namespace_from_name(text.substr(begin, end - begin));
    if (!kind) return std::nullopt;
    set.insert(*kind);
    begin = end + 1;
  }
  return set;
}

std::vector<std::string> list_names(Namespaces namespaces) {
  std::vector<std::string> list;
  const std::string names = namespaces.names();
  for (std::size_t begin = 0; begin < names.size();) {
    const std::size_t end = std::min(names.find(',', begin), names.size());
    list.push_back(names.substr(begin, end - begin));
    begin = end + 1;
  }
  return list;
}

}  // namespace nsenterd::cli
