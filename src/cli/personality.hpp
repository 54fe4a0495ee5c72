// On whose behalf a system call is made in the container (nsenterctl).
#pragma once

#include <cstdint>
#include <optional>

#include <sys/types.h>

#include "cli/options.hpp"
#include "cli/session.hpp"

namespace nsenterd::cli {

struct Personality : requests::Personality {
  /// As this process's user namespace numbers them. None leaves the agent what it is, which is root where a user
  /// namespace is joined.
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
};

/// Root, working directory, effective ids and effective capabilities of a process: all of the same one, since a
/// pidfd is held while they are read.
Outcome<Personality> personality_of(pid_t process);

/// Makes the session's requests on behalf of whom the options say: of the process after --as, or of root with all
/// capabilities that it can have; --uid and --gid go first. Returns what the requests themselves say of it.
Outcome<requests::Personality> take_personality(Session& session, const Options& options);

/// Whether the options name anybody: by --as, --uid or --gid.
bool names_personality(const Options& options);

}  // namespace nsenterd::cli
