// On whose behalf a system call is made in the container (nsenterctl).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

#include "cli/options.hpp"
#include "cli/session.hpp"

namespace nsenterd::cli {

struct Personality {
  std::string root = "/";
  std::string cwd = "/";
  /// Bit n is capability n (capabilities(7)).
  std::uint64_t capabilities = 0;
  /// As this process's user namespace numbers them. None leaves the agent what it is, which is root where a user
  /// namespace is joined.
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
};

/// Root, working directory, effective ids and effective capabilities of a process: all of the same one, since a
/// pidfd is held while they are read.
Outcome<Personality> personality_of(pid_t process);

/// Makes the session's requests on behalf of whom the options say: of the process after --as, or of root with all
/// capabilities that it can have; --uid and --gid go first. Returns the payload's header.
Outcome<wire::Json> take_personality(Session& session, const Options& options);

/// A header for the requests that have one but take nothing from it.
wire::Json empty_header();

}  // namespace nsenterd::cli
