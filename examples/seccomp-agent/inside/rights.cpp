#include "rights.hpp"

#include <array>
#include <csignal>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

namespace seccomp_agent::inside {
namespace {

/// No std::system_error: that this goes wrong is the agent's failure, not an errno of the thread's call.
void require(bool succeeded, const char* what) {
  if (!succeeded) throw std::runtime_error(what);
}

void set_groups(const std::vector<gid_t>& groups) {
  // A module starts without any, and a user namespace may deny the call.
  if (groups.empty()) return;
  require(::setgroups(groups.size(), groups.data()) == 0, "setgroups");
}

void set_filesystem_ids(uid_t uid, gid_t gid) {
  // They return what was before, whether they succeed or not; an id that is none changes nothing.
  ::setfsgid(gid);
  ::setfsuid(uid);
  require(::setfsgid(static_cast<gid_t>(-1)) == static_cast<int>(gid), "setfsgid");
  require(::setfsuid(static_cast<uid_t>(-1)) == static_cast<int>(uid), "setfsuid");
}

void set_capabilities(std::uint64_t bits) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> sets{};
  for (std::size_t i = 0; i < sets.size(); ++i) {
    const auto half = static_cast<std::uint32_t>(bits >> (32 * i));
    sets[i] = {half, half, 0};
  }
  require(::syscall(SYS_capset, &header, sets.data()) == 0, "capset");
}

}  // namespace

void take_rights(const nlohmann::json& rights) {
  ::umask(rights.at("umask").get<mode_t>());
  set_groups(rights.at("groups").get<std::vector<gid_t>>());
  set_filesystem_ids(rights.at("uid").get<uid_t>(), rights.at("gid").get<gid_t>());
  // After the user id, with whose change the kernel changes them, too.
  set_capabilities(rights.at("capabilities").get<std::uint64_t>());
  // Any change of rights undoes both (prctl(2)): nobody may trace this process, and it ends with the agent.
  require(::prctl(PR_SET_DUMPABLE, 0) == 0 && ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "prctl");
}

}  // namespace seccomp_agent::inside
