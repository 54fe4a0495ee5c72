// The steps of a join, to say which one failed. No heap: a failure travels as it is in memory.
#pragma once

#include <cstdint>
#include <string>

namespace nsenterd::nsjoin {

enum class Step : std::uint32_t {
  none,
  execute,
  prepare_fork_server,
  fork,
  place_descriptors,
  open_proc_self,
  make_procfs,
  make_sysfs,
  setns,
  setgid,
  setuid,
  unshare,
  write_setgroups,
  write_gid_map,
  write_uid_map,
  make_mounts_slave,
  enter_root,
  enter_working_directory,
  fork_into_created,
  change_directory,
  set_undumpable,
  set_parent_death_signal,
};

struct StepFailure {
  Step step = Step::none;
  /// For setns and unshare: the CLONE_NEW* bit concerned, or several where the kernel does not tell.
  std::uint32_t namespaces = 0;
  std::int32_t error = 0;
};

/// Such as "setns user" or "unshare mnt,net". (Daemon side: allocates.)
std::string step_name(const StepFailure& failure);

/// "user,mnt": the names of CLONE_NEW* bits, in the order in which a join takes them. (Daemon side.)
std::string namespace_names(std::uint32_t bits);

}  // namespace nsenterd::nsjoin
