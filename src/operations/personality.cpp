#include "operations/personality.hpp"

#include <unistd.h>

#include "base/parent_bond.hpp"
#include "base/syscalls.hpp"

namespace nsenterd::operations {

Result<Nothing> enter_directories(const Personality& personality) {
  if (::chdir(personality.cwd.c_str()) != 0) return path_error("chdir", personality.cwd);
  if (::chroot(personality.root.c_str()) != 0) return path_error("chroot", personality.root);
  return Nothing{};
}

Result<Nothing> take_rights(const Personality& personality, const Context& context) {
  // The group first: the right to change it goes with the user. There are no supplementary groups to give up: agents have
  // none from their start (launch/fork_server.cpp), and a user namespace may deny the call.
  if (context.credentials.gid &&
      ::setresgid(static_cast<gid_t>(-1), *context.credentials.gid, static_cast<gid_t>(-1)) != 0) {
    return system_call_error("setresgid");
  }
  if (context.credentials.uid &&
      ::setresuid(static_cast<uid_t>(-1), *context.credentials.uid, static_cast<uid_t>(-1)) != 0) {
    return system_call_error("setresuid");
  }
  // With root's effective id the effective capabilities went too, but not those permitted, which the real id keeps.
  if (base::set_capabilities(personality.capabilities) != 0) return system_call_error("capset");
  if (!base::refuse_tracing() || !base::end_with_parent(context.parent)) return system_call_error("prctl");
  return Nothing{};
}

Result<Nothing> take_personality(const Personality& personality, const Context& context) {
  auto entered = enter_directories(personality);
  return entered ? take_rights(personality, context) : entered;
}

Result<Nothing> take_personality(const std::optional<Personality>& personality, const Context& context) {
  return personality ? take_personality(*personality, context) : Nothing{};
}

}  // namespace nsenterd::operations
