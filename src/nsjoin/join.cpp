#include "nsjoin/join.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/parent_bond.hpp"
#include "base/syscalls.hpp"
#include "base/unique_fd.hpp"
#include "nsjoin/namespace_table.hpp"

namespace nsenterd::nsjoin {
namespace {

constexpr StepFailure kDone{};

StepFailure failed(Step step, std::uint32_t namespaces = 0) noexcept {
  return {step, namespaces, errno};
}

/// setns(2) takes all namespaces or none and does not say which one it refused. The process ends after a
/// failure anyway, so it may try them one by one to find out.
StepFailure name_refused_namespace(std::uint32_t namespaces) noexcept {
  const int error = errno;
  for (const auto& entry : kNamespaceTable) {
    if ((namespaces & entry.flag) != 0 && ::setns(kTarget, static_cast<int>(entry.flag)) != 0) {
      return failed(Step::setns, entry.flag);
    }
  }
  return {Step::setns, namespaces, error};
}

StepFailure join_namespaces(std::uint32_t namespaces) noexcept {
  if (namespaces == 0 || ::setns(kTarget, static_cast<int>(namespaces)) == 0) return kDone;
  return name_refused_namespace(namespaces);
}

/// As name_refused_namespace(), for unshare(2).
StepFailure create_namespaces(std::uint32_t namespaces) noexcept {
  if (namespaces == 0 || ::unshare(static_cast<int>(namespaces)) == 0) return kDone;
  const int error = errno;
  for (const auto& entry : kNamespaceTable) {
    if ((namespaces & entry.flag) != 0 && ::unshare(static_cast<int>(entry.flag)) != 0) {
      return failed(Step::unshare, entry.flag);
    }
  }
  return {Step::unshare, namespaces, error};
}

/// A mount that is attached nowhere: only the descriptor leads to it, and it goes with the descriptor.
int make_detached_mount(const char* type) noexcept {
  const base::UniqueFd context(::fsopen(type, FSOPEN_CLOEXEC));
  if (!context) return -1;
  if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return -1;
  return ::fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

/// Without setgroups(2): the fork server has no supplementary groups that could be inherited, and a user
/// namespace may deny the call.
StepFailure become_root() noexcept {
  if (::setresgid(0, 0, 0) != 0) return failed(Step::setgid);
  if (::setresuid(0, 0, 0) != 0) return failed(Step::setuid);
  return kDone;
}

StepFailure write_to(int directory, const char* name, const char* text, Step step) noexcept {
  const base::UniqueFd file(::openat(directory, name, O_WRONLY | O_CLOEXEC));
  const auto size = static_cast<ssize_t>(std::strlen(text));
  if (!file || ::write(file.get(), text, static_cast<std::size_t>(size)) != size) return failed(step);
  return kDone;
}

/// user_namespaces(7): a process may map its own ids, its gid only after setgroups(2) has been given up.
StepFailure map_root(int proc_self, uid_t uid, gid_t gid) noexcept {
  const auto map = [&](const char* file, unsigned id, Step step) {
    char line[32] = "0 ";
    char* at = line + 2;
    char digits[12];
    int count = 0;
    do {
      digits[count++] = static_cast<char>('0' + id % 10);
      id /= 10;
    } while (id != 0);
    while (count > 0) *at++ = digits[--count];
    std::memcpy(at, " 1\n", sizeof " 1\n");
    return write_to(proc_self, file, line, step);
  };
  StepFailure failure = write_to(proc_self, "setgroups", "deny", Step::write_setgroups);
  if (failure.step == Step::none) failure = map("gid_map", gid, Step::write_gid_map);
  if (failure.step == Step::none) failure = map("uid_map", uid, Step::write_uid_map);
  if (failure.step == Step::none) failure = become_root();
  return failure;
}

StepFailure make_private_mounts(const JoinPlan& plan, std::uint32_t& to_join,
                                PrivateMounts& mounts) noexcept {
  // Made before the mount namespace is joined: the kernel refuses a procfs or sysfs to a user namespace whose
  // mount namespace shows only masked ones (mount_too_revealing), which is every container's case.
  if (plan.private_procfs) {
    mounts.procfs = make_detached_mount("proc");
    if (mounts.procfs < 0) return failed(Step::make_procfs);
  }
  if (plan.private_sysfs) {
    // A sysfs shows the network namespace of the process that makes it, so that one is joined first.
    const StepFailure failure = join_namespaces(to_join & CLONE_NEWNET);
    if (failure.step != Step::none) return failure;
    to_join &= ~static_cast<std::uint32_t>(CLONE_NEWNET);
    mounts.sysfs = make_detached_mount("sysfs");
    if (mounts.sysfs < 0) return failed(Step::make_sysfs);
  }
  return kDone;
}

StepFailure create(const JoinPlan& plan, int proc_self) noexcept {
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  StepFailure failure = create_namespaces(plan.create & ~kEnteredByChildren);
  if (failure.step != Step::none) return failure;
  if ((plan.create & CLONE_NEWUSER) != 0) {
    // A process that is not dumpable does not own its files below /proc. See joins_pid_late().
    if (::prctl(PR_SET_DUMPABLE, 1) != 0) return failed(Step::set_undumpable);
    failure = map_root(proc_self, uid, gid);
    if (failure.step != Step::none) return failure;
    if (!base::refuse_tracing()) return failed(Step::set_undumpable);
  }
  // Slave, not private: what the container unmounts must not stay busy because of an agent's copy.
  if ((plan.create & CLONE_NEWNS) != 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
    return failed(Step::make_mounts_slave);
  }
  return kDone;
}

}  // namespace

StepFailure place_descriptors(int socket, int target) noexcept {
  // Out of the way first: either may sit where the other belongs.
  const int kept_target = target < 0 ? -1 : ::fcntl(target, F_DUPFD_CLOEXEC, kTarget + 1);
  if (target >= 0 && kept_target < 0) return failed(Step::place_descriptors);
  for (const int place : {kSocket, kSocket + 1, kSocket + 2}) {
    if (socket != place && ::dup3(socket, place, O_CLOEXEC) < 0) return failed(Step::place_descriptors);
  }
  if (kept_target >= 0 && ::dup3(kept_target, kTarget, O_CLOEXEC) < 0) return failed(Step::place_descriptors);
  const auto first_unused = static_cast<unsigned>(kept_target >= 0 ? kTarget + 1 : kTarget);
  if (base::close_range(first_unused, ~0U) != 0) return failed(Step::place_descriptors);
  return kDone;
}

StepFailure join(const JoinPlan& plan, PrivateMounts& mounts) noexcept {
  // The container's /proc cannot be trusted after the join, so the host's entry for this process is kept
  // open.
  base::UniqueFd proc_self;
  if ((plan.create & CLONE_NEWUSER) != 0) {
    proc_self.reset(::open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!proc_self) return failed(Step::open_proc_self);
  }
  std::uint32_t to_join = plan.join & ~static_cast<std::uint32_t>(CLONE_NEWPID);
  StepFailure failure;
  // First, while the rights over it are still the host's; it has no effect on this process itself.
  if (joins_pid_late(plan)) failure = join_namespaces(CLONE_NEWPID);
  if (failure.step == Step::none) failure = make_private_mounts(plan, to_join, mounts);
  if (failure.step == Step::none) failure = join_namespaces(to_join);
  if (failure.step != Step::none) return failure;
  if (plan.join != 0) ::close(kTarget);
  // Joining a user namespace sets the dumpable flag to fs.suid_dumpable, whatever it was (prctl(2)).
  if (!base::refuse_tracing()) return failed(Step::set_undumpable);
  if ((plan.join & CLONE_NEWUSER) != 0) failure = become_root();
  if (failure.step == Step::none && plan.create != 0) failure = create(plan, proc_self.get());
  return failure;
}

StepFailure create_for_children(const JoinPlan& plan) noexcept {
  return create_namespaces(plan.create & kEnteredByChildren);
}

StepFailure settle() noexcept {
  if (::chdir("/") != 0) return failed(Step::change_directory);
  if (!base::refuse_tracing()) return failed(Step::set_undumpable);
  if (!base::end_with_parent(kSocket)) return failed(Step::set_parent_death_signal);
  return kDone;
}

}  // namespace nsenterd::nsjoin
