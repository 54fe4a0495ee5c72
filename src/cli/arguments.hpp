// The values of options as typed: all or nothing, no blanks, no signs (nsenterctl).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include <nsenterd/namespaces.hpp>

namespace nsenterd::cli {

/// Decimal digits, from 1 on.
std::optional<pid_t> parse_pid(std::string_view text) noexcept;

/// Decimal digits: a uid or a gid. Not 4294967295, which the kernel takes for "no id".
std::optional<std::uint32_t> parse_id(std::string_view text) noexcept;

/// Whom a file is to belong to; -1 leaves an id as it is.
struct Owner {
  std::int64_t uid = -1;
  std::int64_t gid = -1;
};

/// "UID", "UID:GID" or ":GID": ids as parse_id takes them, or -1.
std::optional<Owner> parse_owner(std::string_view text) noexcept;

/// The permissions of a file, the three special bits included: octal digits.
std::optional<std::uint32_t> parse_mode(std::string_view text) noexcept;

/// Digits and a unit: "500ms", "10s", "2m". At least 1 ms, at most 2^31 - 1 ms, which is 24 days.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept;

/// Names with commas between: "user,mnt,pid". "none" stands for the empty set.
std::optional<Namespaces> parse_namespaces(std::string_view text) noexcept;

/// The mirror of parse_namespaces, as the daemon wants it.
std::vector<std::string> list_names(Namespaces namespaces);

}  // namespace nsenterd::cli
