// The kernel's namespaces: their names below /proc/PID/ns and their flags.
#pragma once

#include <array>
#include <cstdint>

#include "nsjoin/join_plan.hpp"

namespace nsenterd::nsjoin {

struct NamespaceEntry {
  const char* name;
  std::uint32_t flag;
};

/// In the order in which the kernel joins them: user first, because it gives the right to the others.
inline constexpr std::array<NamespaceEntry, 8> kNamespaceTable{{
    {"user", CLONE_NEWUSER},
    {"mnt", CLONE_NEWNS},
    {"uts", CLONE_NEWUTS},
    {"ipc", CLONE_NEWIPC},
    {"pid", CLONE_NEWPID},
    {"cgroup", CLONE_NEWCGROUP},
    {"net", CLONE_NEWNET},
    {"time", CLONE_NEWTIME},
}};

inline constexpr std::size_t kPidEntry = 4;
static_assert(kNamespaceTable[kPidEntry].flag == CLONE_NEWPID);

}  // namespace nsenterd::nsjoin
