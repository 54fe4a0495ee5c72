// What the command line asks for (nsenterctl).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

#include <nsenterd/namespaces.hpp>

#include "cli/outcome.hpp"

namespace nsenterd::cli {

enum class Command { read, write, stat, ls, readlink, request, info };

struct Options {
  Command command = Command::info;
  pid_t pid = 0;
  /// Of read, write, stat, ls, readlink. UTF-8.
  std::string path;
  /// Of request: JSON, or "-" for standard input.
  std::string request;

  std::string socket = "/run/nsenterd/nsenterd.sock";
  std::optional<Namespaces> namespaces;
  std::optional<Namespaces> clone_flags;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
  std::optional<std::chrono::milliseconds> timeout;
  bool private_proc = false;
  bool private_sys = false;
  bool json = false;
};

/// Stops with usage, or with ok after --help or --version has been printed.
Outcome<Options> parse_command_line(int argc, const char* const* argv);

}  // namespace nsenterd::cli
