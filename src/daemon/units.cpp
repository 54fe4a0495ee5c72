#include "daemon/units.hpp"

#include <charconv>
#include <map>

#include <CLI/CLI.hpp>

namespace nsenterd::daemon {
namespace {

/// What the validator makes of the text, which is to be a whole number. One that is written with a sign is none, and neither is
/// a unit without one, which CLI11 takes for 0.
template <class Integer>
std::optional<Integer> parse_with(const CLI::Validator& with_unit, std::string text) {
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  try {
    if (!with_unit(text).empty()) return std::nullopt;
  } catch (const CLI::Error&) {
    return std::nullopt;
  }
  Integer value{};
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stopped == end ? std::optional(value) : std::nullopt;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(const std::string& text) {
  static const CLI::AsNumberWithUnit units(
      std::map<std::string, std::int64_t>{{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}},
      CLI::AsNumberWithUnit::UNIT_REQUIRED);
  constexpr std::chrono::milliseconds kLongest = std::chrono::hours(24'000);
  const auto count = parse_with<std::int64_t>(units, text);
  if (!count || *count > kLongest.count()) return std::nullopt;
  return std::chrono::milliseconds(*count);
}

std::optional<std::uint64_t> parse_size(const std::string& text) {
  static const CLI::AsSizeValue units(true);
  return parse_with<std::uint64_t>(units, text);
}

}  // namespace nsenterd::daemon
