#include "limit.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "host_file.hpp"

namespace procfs_companion {
namespace {

constexpr std::string_view kSpaces = " \t\n\v\f\r";
/// What the kernel takes for the end of a number.
constexpr std::string_view kEnds = " \t\n";
/// The kernel reads no more than a page.
constexpr std::size_t kMostBytes = 4095;
constexpr std::string_view kHexDigits = "0123456789abcdefABCDEF";

/// The base that a number's prefix says, which is taken off.
int take_base(std::string_view& text) {
  if (text.size() < 2 || text[0] != '0') return 10;
  const bool hex = text.size() > 2 && (text[1] == 'x' || text[1] == 'X') &&
                   kHexDigits.find(text[2]) != std::string_view::npos;
  text.remove_prefix(hex ? 2 : 0);
  return hex ? 16 : 8;
}

/// The number at the beginning of the text, which is taken off.
std::optional<std::int64_t> take_number(std::string_view& text) {
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) text.remove_prefix(1);
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  const int base = take_base(text);
  std::uint64_t magnitude = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), magnitude, base);
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  if (error != std::errc{} || magnitude > kMost) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  const auto value = static_cast<std::int64_t>(magnitude);
  return negative ? -value : value;
}

void skip_spaces(std::string_view& text) {
  text.remove_prefix(std::min(text.size(), text.find_first_not_of(kSpaces)));
}

}  // namespace

Outcome<ParsedLimit> parse_limit(std::string_view text, const LimitRange& range) {
  text = text.substr(0, kMostBytes);
  std::string_view rest = text;
  skip_spaces(rest);
  const auto value = take_number(rest);
  const bool ended = rest.empty() || kEnds.find(rest[0]) != std::string_view::npos;
  if (!value || !ended || *value < range.least || *value > range.most) return Errno{EINVAL};
  skip_spaces(rest);
  return ParsedLimit{*value, text.size() - rest.size()};
}

struct stat Limit::shown(const struct stat& /*real*/) const {
  const auto& process = container_.process();
  return process ? file_attributes(0644, process->uids().to_host(0), process->gids().to_host(0))
                 : file_attributes(0644, 0, 0);
}

Outcome<std::monostate> Limit::check_writer(const Place& place, int refusal) const {
  const auto caller = Caller::identify(place.call->caller(), container_.process());
  if (!caller) return caller.error();
  if ((*caller)->is_host()) return Errno{EPERM};
  if (place.call->caller().uid != container_.process()->uids().to_host(0)) return Errno{refusal};
  return std::monostate{};
}

void Limit::check(const Place& place, int flags, Purpose /*purpose*/, Reply<std::monostate> reply) {
  if ((access_of(flags) & W_OK) == 0) return reply(std::monostate{});
  reply(check_writer(place, EACCES));
}

void Limit::read(const Place& place, OpenFile& file, off_t offset, std::size_t size,
                 Reply<std::string> reply) {
  // The kernel has all of a number read at once.
  if (offset != 0) return reply(std::string());
  EmulatedFile::read(place, file, offset, size, std::move(reply));
}

void Limit::write(const Place& place, const OpenFile& /*file*/, off_t offset, std::string data,
                  Reply<std::size_t> reply) {
  // The kernel asks again who writes: it may be another one than he who has opened the file.
  if (const auto allowed = check_writer(place, EPERM); !allowed) return reply(allowed.error());
  // The kernel takes what is not at the beginning, and does nothing with it (kernel.sysctl_writes_strict).
  if (offset != 0) return reply(data.size());
  const auto parsed = parse_limit(data, range_);
  if (!parsed) return reply(parsed.error());
  container_.set_limit(path_, parsed->value);
  reply(parsed->length);
}

std::string Limit::text() const {
  const auto found = container_.limits().find(path_);
  return found == container_.limits().end() ? read_host_file(path_) : std::to_string(found->second) + '\n';
}

}  // namespace procfs_companion
