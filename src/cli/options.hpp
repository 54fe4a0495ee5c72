// What the command line asks for, as far as several commands share it (nsenterctl). What only one command has is
// in that command's file.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include <nsenterd/namespaces.hpp>
#include <nsenterd/requests.hpp>

#include "cli/outcome.hpp"
#include "cli/style.hpp"

namespace nsenterd::cli {

class Session;
struct Options;

/// Does what a command is for: asks the daemon and prints what it answers.
using Run = std::function<Outcome<void>(Session&, const Options&)>;

struct Options {
  Run run;
  pid_t pid = 0;
  /// Of the commands about one file: as the container sees it. UTF-8.
  std::string path;

  std::string socket = "/run/nsenterd/nsenterd.sock";
  std::optional<Namespaces> namespaces;
  std::optional<Namespaces> clone_flags;
  /// Directories to be the agent's, as this process sees them.
  std::optional<std::string> root;
  std::optional<std::string> working_directory;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
  /// The process on whose behalf the request is made.
  std::optional<pid_t> caller;
  std::optional<std::chrono::milliseconds> timeout;
  requests::PrivateMounts private_mounts;
  bool json = false;
  ColorMode color = ColorMode::automatic;

  /// Whether the command runs another.
  bool takes_command = false;
  /// That command with its arguments.
  std::vector<std::string> command;
};

}  // namespace nsenterd::cli
