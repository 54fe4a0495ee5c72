#include "nsjoin/join.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <nsenterd/unique_fd.hpp>

#include "base/parent_bond.hpp"
#include "base/syscalls.hpp"
#include "nsjoin/namespace_table.hpp"

namespace nsenterd::nsjoin {
namespace {

constexpr StepFailure kDone{};

StepFailure failed(Step step, std::uint32_t namespaces = 0) noexcept {
  return {step, namespaces, errno};
}

/// setns(2) takes all namespaces or none and does not say which one it refused. The process ends after a
/// failure anyway, so it may try them one by one to find out.
StepFailure name_refused_namespace(int target, std::uint32_t namespaces) noexcept {
  const int error = errno;
  for (const auto& entry : kNamespaceTable) {
    if ((namespaces & entry.flag) != 0 && ::setns(target, static_cast<int>(entry.flag)) != 0) {
      return failed(Step::setns, entry.flag);
    }
  }
  return {Step::setns, namespaces, error};
}

StepFailure join_of_target(int target, std::uint32_t namespaces) noexcept {
  if (namespaces == 0 || ::setns(target, static_cast<int>(namespaces)) == 0) return kDone;
  return name_refused_namespace(target, namespaces);
}

StepFailure join_opened(const Places& places, std::uint32_t namespaces) noexcept {
  if (namespaces == 0) return kDone;
  for (std::size_t i = 0; i < kNamespaceTable.size(); ++i) {
    const std::uint32_t flag = kNamespaceTable[i].flag;
    if ((namespaces & flag) != 0 && ::setns(places.namespaces[i], static_cast<int>(flag)) != 0) {
      return failed(Step::setns, flag);
    }
  }
  return kDone;
}

/// Joins those of `namespaces` that the plan has, whoever opened them. A user namespace that was opened comes last: what was opened with
/// it need not be its own, and until then the rights are there for all. (The kernel sees to that itself where all are the target's.)
StepFailure join_namespaces(const JoinPlan& plan, const Places& places, std::uint32_t namespaces) noexcept {
  const std::uint32_t opened = plan.join_opened & namespaces;
  StepFailure failure = join_opened(places, opened & ~static_cast<std::uint32_t>(CLONE_NEWUSER));
  if (failure.step == Step::none) failure = join_of_target(places.target, plan.join & namespaces);
  if (failure.step == Step::none) failure = join_opened(places, opened & CLONE_NEWUSER);
  return failure;
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
  const UniqueFd context(::fsopen(type, FSOPEN_CLOEXEC));
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
  const UniqueFd file(::openat(directory, name, O_WRONLY | O_CLOEXEC));
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

StepFailure make_private_mounts(const JoinPlan& plan, const Places& places, std::uint32_t& to_join,
                                PrivateMounts& mounts) noexcept {
  // Made before the mount namespace is joined: the kernel refuses a procfs or sysfs to a user namespace whose
  // mount namespace shows only masked ones (mount_too_revealing), which is every container's case.
  if (plan.private_procfs) {
    mounts.procfs = make_detached_mount("proc");
    if (mounts.procfs < 0) return failed(Step::make_procfs);
  }
  if (plan.private_sysfs) {
    // A sysfs shows the network namespace of the process that makes it, so that one is joined first.
    const StepFailure failure = join_namespaces(plan, places, CLONE_NEWNET);
    if (failure.step != Step::none) return failure;
    to_join &= ~static_cast<std::uint32_t>(CLONE_NEWNET);
    mounts.sysfs = make_detached_mount("sysfs");
    if (mounts.sysfs < 0) return failed(Step::make_sysfs);
  }
  return kDone;
}

StepFailure create_user_namespace(int proc_self) noexcept {
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  StepFailure failure = create_namespaces(CLONE_NEWUSER);
  if (failure.step != Step::none) return failure;
  // A process that is not dumpable does not own its files below /proc. See joins_pid_late().
  if (::prctl(PR_SET_DUMPABLE, 1) != 0) return failed(Step::set_undumpable);
  failure = map_root(proc_self, uid, gid);
  if (failure.step != Step::none) return failure;
  if (!base::refuse_tracing()) return failed(Step::set_undumpable);
  return kDone;
}

/// Where there is one.
StepFailure enter_directories(int root, int working_directory) noexcept {
  if (root >= 0 && (::fchdir(root) != 0 || ::chroot(".") != 0)) return failed(Step::enter_root);
  if (working_directory >= 0 && ::fchdir(working_directory) != 0)
    return failed(Step::enter_working_directory);
  return kDone;
}

/// Slave, not private: what the container unmounts must not stay busy because of an agent's copy. All mounts of the namespace.
StepFailure make_mounts_slave(bool has_root, int proc_self) noexcept {
  UniqueFd root;
  UniqueFd working_directory;
  if (has_root) {
    // That of this process need not be a mount, nor lie above all others. To join its own mount namespace takes it to the root of that.
    root.reset(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    working_directory.reset(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
    const UniqueFd own(::openat(proc_self, "ns/mnt", O_RDONLY | O_CLOEXEC));
    if (!root || !working_directory || !own || ::setns(own.get(), CLONE_NEWNS) != 0) {
      return failed(Step::make_mounts_slave);
    }
  }
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) return failed(Step::make_mounts_slave);
  return enter_directories(root.get(), working_directory.get());
}

StepFailure create_others(const JoinPlan& plan, int proc_self) noexcept {
  const StepFailure failure =
      create_namespaces(plan.create & ~kEnteredByChildren & ~static_cast<std::uint32_t>(CLONE_NEWUSER));
  if (failure.step != Step::none || (plan.create & CLONE_NEWNS) == 0) return failure;
  return make_mounts_slave(plan.has_root, proc_self);
}

/// This process's directory in the host's procfs, as the root of a mount that is attached nowhere: while a user namespace is created, a
/// container that shares the host's pid namespace could have the descriptor, and no way leads up from there.
int open_proc_self() noexcept {
  const int cloned = ::open_tree(AT_FDCWD, "/proc/self", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  if (cloned >= 0 || errno != EPERM) return cloned;
  // Who may not do that has no more in this mount namespace than any other user.
  return ::open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

}  // namespace

StepFailure place_descriptors(const JoinPlan& plan, int socket, std::span<const int> others) noexcept {
  const int end = kFirstOfPlan + static_cast<int>(others.size());
  std::array<int, kMaxDescriptors> kept{};
  // Out of the way first: each may sit where another belongs.
  for (std::size_t i = 0; i < others.size(); ++i) {
    kept[i] = ::fcntl(others[i], F_DUPFD_CLOEXEC, end);
    if (kept[i] < 0) return failed(Step::place_descriptors);
  }
  const int last = plan.keeps_output ? kSocket : kSocket + 2;
  for (int place = kSocket; place <= last; ++place) {
    if (socket != place && ::dup3(socket, place, O_CLOEXEC) < 0) return failed(Step::place_descriptors);
  }
  for (std::size_t i = 0; i < others.size(); ++i) {
    if (::dup3(kept[i], kFirstOfPlan + static_cast<int>(i), O_CLOEXEC) < 0)
      return failed(Step::place_descriptors);
  }
  if (base::close_range(static_cast<unsigned>(end), ~0U) != 0) return failed(Step::place_descriptors);
  return kDone;
}

StepFailure join(const JoinPlan& plan, PrivateMounts& mounts) noexcept {
  const Places places = places_of(plan);
  // The container's /proc cannot be trusted after the join, so the host's entry for this process is kept
  // open.
  UniqueFd proc_self;
  const std::uint32_t needs_it = CLONE_NEWUSER | (plan.has_root ? CLONE_NEWNS : 0);
  if ((plan.create & needs_it) != 0) {
    proc_self.reset(open_proc_self());
    if (!proc_self) return failed(Step::open_proc_self);
  }
  std::uint32_t to_join = kAllNamespaces & ~static_cast<std::uint32_t>(CLONE_NEWPID);
  StepFailure failure;
  // First, while the rights over it are still the host's; it has no effect on this process itself.
  if (joins_pid_late(plan)) failure = join_namespaces(plan, places, CLONE_NEWPID);
  if (failure.step == Step::none) failure = make_private_mounts(plan, places, to_join, mounts);
  if (failure.step == Step::none) failure = join_namespaces(plan, places, to_join);
  if (failure.step != Step::none) return failure;
  // Joining a user namespace sets the dumpable flag to fs.suid_dumpable, whatever it was (prctl(2)).
  if (!base::refuse_tracing()) return failed(Step::set_undumpable);
  if (((plan.join | plan.join_opened) & CLONE_NEWUSER) != 0) failure = become_root();
  // Whose root is not that of the mount namespace may not create a user namespace; what is opened is not in a mount namespace that is
  // created afterwards, but root and working directory are taken over into it.
  if (failure.step == Step::none && (plan.create & CLONE_NEWUSER) != 0) {
    failure = create_user_namespace(proc_self.get());
  }
  if (failure.step == Step::none) failure = enter_directories(places.root, places.working_directory);
  if (failure.step == Step::none && plan.create != 0) failure = create_others(plan, proc_self.get());
  if (places.end > kFirstOfPlan) base::close_range(kFirstOfPlan, static_cast<unsigned>(places.end) - 1);
  return failure;
}

StepFailure create_for_children(const JoinPlan& plan) noexcept {
  return create_namespaces(plan.create & kEnteredByChildren);
}

StepFailure settle(const JoinPlan& plan) noexcept {
  if (!plan.has_working_directory && ::chdir("/") != 0) return failed(Step::change_directory);
  if (!base::refuse_tracing()) return failed(Step::set_undumpable);
  if (!base::end_with_parent(kSocket)) return failed(Step::set_parent_death_signal);
  return kDone;
}

}  // namespace nsenterd::nsjoin
