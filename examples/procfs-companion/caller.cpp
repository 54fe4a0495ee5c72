#include "caller.hpp"

#include <cerrno>
#include <charconv>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include <linux/capability.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace procfs_companion {
namespace {

/// As many as the kernel nests (pid_namespaces(7)).
constexpr int kDeepest = 32;

template <class Number>
Number parse(std::string_view text, int base) {
  Number number{};
  std::from_chars(text.data(), text.data() + text.size(), number, base);
  return number;
}

/// Whether a thread's pid namespace is that one, or below it.
bool is_inside(const ProcessDirectory& directory, std::uint64_t pid_namespace) {
  auto opened = directory.open_namespace("pid");
  for (int depth = 0; opened && *opened && depth < kDeepest; ++depth) {
    const auto number = namespace_number(opened->get());
    if (number && *number == pid_namespace) return true;
    opened->reset(::ioctl(opened->get(), NS_GET_PARENT));
  }
  return false;
}

/// Whether a thread's pid namespace is this process's.
bool is_host(const ProcessDirectory& directory) {
  const auto own = ProcessDirectory::open(::getpid());
  if (!own) return false;
  const auto ours = own->open_namespace("pid");
  const auto theirs = directory.open_namespace("pid");
  if (!ours || !theirs) return false;
  const auto our_number = namespace_number(ours->get());
  const auto their_number = namespace_number(theirs->get());
  return our_number && their_number && *our_number == *their_number;
}

/// Whether a thread's filesystem uid is that, or it checks with its real uid what it may (access(2)).
bool has_filesystem_id(std::string_view status, uid_t uid) {
  std::istringstream fields{std::string(status_field(status, "Uid"))};
  uid_t real = 0;
  uid_t effective = 0;
  uid_t saved = 0;
  uid_t filesystem = 0;
  fields >> real >> effective >> saved >> filesystem;
  return fields && (uid == filesystem || uid == real);
}

}  // namespace

Caller::Caller(const CallerIds& ids, std::shared_ptr<const ContainerProcess> process, IdMap uids, IdMap gids,
               const NamespaceNumbers& namespaces)
    : ids_(ids),
      process_(std::move(process)),
      uids_(std::move(uids)),
      gids_(std::move(gids)),
      namespaces_(namespaces) {}

Outcome<std::shared_ptr<const Caller>> Caller::identify(
    const CallerIds& ids, const std::shared_ptr<const ContainerProcess>& process) {
  if (!process) return Errno{ESRCH};
  // 0 is a thread that this process's pid namespace does not show.
  if (ids.tid == 0) return Errno{EPERM};
  const auto directory = ProcessDirectory::open(ids.tid);
  if (!directory) return directory.error();
  if (is_inside(*directory, process->pid_namespace())) return identify_inside(ids, *directory, process);
  if (!procfs_companion::is_host(*directory) || ids.uid != 0) return Errno{EPERM};
  return std::shared_ptr<const Caller>(
      new Caller(ids, process, process->uids(), process->gids(), process->namespaces()));
}

Outcome<std::shared_ptr<const Caller>> Caller::identify_inside(
    const CallerIds& ids, const ProcessDirectory& directory,
    const std::shared_ptr<const ContainerProcess>& process) {
  const auto status = directory.read("status");
  const auto uids = directory.read("uid_map");
  const auto gids = directory.read("gid_map");
  const auto namespaces = directory.namespaces();
  if (!status || !uids || !gids || !namespaces) return Errno{ESRCH};
  // Who has got the number of a caller that was killed has ids of his own, in most cases.
  if (!has_filesystem_id(*status, ids.uid)) return Errno{EPERM};
  auto caller = std::shared_ptr<Caller>(new Caller(ids, process, IdMap(*uids), IdMap(*gids), *namespaces));
  caller->host_ = false;
  caller->effective_ = parse<std::uint64_t>(status_field(*status, "CapEff"), 16);
  caller->permitted_ = parse<std::uint64_t>(status_field(*status, "CapPrm"), 16);
  // Who is in all the namespaces of the container's first process is served as that one is: for it there are warm agents.
  if (*namespaces != process->namespaces()) {
    const auto tgid = parse<pid_t>(status_field(*status, "Tgid"), 10);
    if (const int error = caller->pin(directory, tgid); error != 0) return Errno{error};
  }
  return std::shared_ptr<const Caller>(std::move(caller));
}

int Caller::pin(const ProcessDirectory& directory, pid_t tgid) {
  using enum nsenterd::Namespace;
  pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, tgid, 0)));
  if (!pidfd_) return errno;
  if (tgid != ids_.tid) {
    for (const auto& [kind, name] : {std::pair{uts, "uts"}, std::pair{ipc, "ipc"}, std::pair{net, "net"}}) {
      auto opened = directory.open_namespace(name);
      if (!opened) return to_int(opened.error());
      namespaces_of_thread_.emplace_back(kind, std::move(*opened));
    }
  }
  // A process whose thread is still there now was there when its pidfd was opened.
  return directory.read("status") ? 0 : ESRCH;
}

nsenterd::Envelope Caller::envelope() const {
  nsenterd::Envelope envelope;
  envelope.target = nsenterd::TargetPidfd{pidfd_ ? pidfd_.get() : process_->pidfd()};
  envelope.namespaces = nsenterd::Namespaces::all();
  for (const auto& [kind, opened] : namespaces_of_thread_) {
    envelope.namespaces.erase(kind);
    envelope.namespace_descriptors[kind] = opened.get();
  }
  return envelope;
}

nsenterd::Envelope Caller::envelope_with_ids() const {
  nsenterd::Envelope envelope = this->envelope();
  envelope.uid = ids_.uid;
  envelope.gid = ids_.gid;
  return envelope;
}

nsenterd::requests::Personality Caller::personality() const {
  return {.root = "/", .cwd = "/", .capabilities = effective_};
}

nsenterd::requests::Personality Caller::access_personality() const {
  const bool root = ids_.uid == uids_.to_host(0);
  return {.root = "/", .cwd = "/", .capabilities = root ? permitted_ : 0};
}

bool Caller::acts_as_owner(uid_t owner, gid_t group) const {
  if (owner == ids_.uid) return true;
  constexpr std::uint64_t kFowner = std::uint64_t{1} << unsigned{CAP_FOWNER};
  return (effective_ & kFowner) != 0 && uids_.knows_host_id(owner) && gids_.knows_host_id(group);
}

}  // namespace procfs_companion
