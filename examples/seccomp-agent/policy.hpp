// The policy: which system call is answered how. (Agent.)
#pragma once

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include <sys/types.h>

#include "answer.hpp"

namespace seccomp_agent {

/// Which handler, and what it is given. The README describes each.
struct FixedRule {
  FixedAnswer answer;
};
struct MkdirRule {
  /// "{pid}" and "{id}" in it stand for the container's process and name.
  std::string suffix;
};
struct MountRule {
  std::vector<std::string> types;
};
struct Device {
  /// S_IFCHR or S_IFBLK.
  mode_t type = 0;
  dev_t number = 0;

  friend bool operator==(const Device&, const Device&) = default;
};
struct MknodRule {
  std::vector<Device> devices;
};
struct OpenRule {
  /// Absolute, without a slash at the end; that of the root is empty.
  std::vector<std::string> directories;
};

struct Rule {
  std::variant<FixedRule, MkdirRule, MountRule, MknodRule, OpenRule> handler;
  /// What a handler that acts answers to what the rule does not allow.
  FixedAnswer refusal = Errno{EPERM};
  /// For what runs inside the container.
  std::chrono::milliseconds timeout = std::chrono::seconds(2);
  bool log = false;
};

using Rules = std::map<std::string, Rule>;

struct Limits {
  /// Calls of one container process, and what it has started, that are being handled at a time.
  std::size_t calls = 64;
  std::size_t containers = 1024;
};

struct Policy {
  /// To calls that no rule is for.
  FixedAnswer default_answer = Errno{ENOSYS};
  Limits limits;
  Rules rules;
  /// Rules that go before those, by the "listenerMetadata" of the container's seccomp profile.
  std::map<std::string, Rules> profiles;
};

/// What is wrong with a policy: "FILE:LINE: KEY: problem".
struct PolicyError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Throws PolicyError.
Policy read_policy(const std::filesystem::path& file);

}  // namespace seccomp_agent
