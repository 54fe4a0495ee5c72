#include "act.hpp"

#include <cerrno>
#include <utility>

#include <spdlog/spdlog.h>

#include "inside/protocol.hpp"
#include "tracee.hpp"

namespace seccomp_agent {
namespace {

using nsenterd::Namespace;

constexpr std::uint64_t bit(int capability) {
  return std::uint64_t{1} << static_cast<unsigned>(capability);
}

/// With which rights the module is to act; nothing if they are not to be had.
std::optional<Credentials> rights_for(const Act& act, const Tracee& tracee, const ContainerProcess& process) {
  const auto& inside = tracee.credentials_inside;
  if (!inside) return std::nullopt;
  const bool joins_user = act.namespaces.contains(Namespace::user);
  Credentials rights = joins_user ? *inside : tracee.credentials;
  // Those that it has over a user namespace of its own are none over the host's.
  if (!joins_user && !tracee.shares_user_namespace) rights.capabilities = 0;
  if (!act.lends) return rights;
  // Whoever has made a user namespace in the container is root there, but not of the container, whose root what is lent over the
  // host's is for.
  if (!joins_user && tracee.user_namespace != process.user_namespace) return std::nullopt;
  // A user of the container who may not do this there gets no further through us.
  if (inside->uid != 0 && (inside->capabilities & bit(*act.lends)) == 0) return std::nullopt;
  rights.capabilities |= bit(*act.lends);
  return rights;
}

nsenterd::ModuleRun make_run(const Act& act, const Tracee& tracee, const Call& call,
                             const Credentials& rights, int procfs) {
  nsenterd::ModuleRun run;
  run.module = act.module;
  for (const auto& [kind, fd] : tracee.namespaces) run.namespace_descriptors[kind] = fd.get();
  run.root = tracee.root.get();
  run.working_directory = tracee.directory.get();
  run.descriptors = {tracee.memory.get(), call.notify->get(), procfs};
  run.max_result = inside::kMostResult;
  nlohmann::json argument = act.argument;
  argument["call"] = call.notification.id;
  argument["rights"] = rights;
  argument["directory_error"] = tracee.directory_error;
  run.argument = argument.dump();
  return run;
}

/// The errno for a module that has not come to a result.
int errno_of(const nsenterd::Failure& failure) {
  if (std::holds_alternative<nsenterd::TimedOut>(failure)) return ETIMEDOUT;
  if (std::holds_alternative<nsenterd::Overloaded>(failure)) return EAGAIN;
  return EIO;
}

Answer to_answer(nsenterd::Result<nsenterd::ModuleData> result, const Call& call,
                 const FixedAnswer& refusal) {
  if (!result) {
    const nsenterd::Failure failure = result.error();
    const auto* failed = std::get_if<nsenterd::ModuleFailed>(&failure);
    if (failed != nullptr && failed->error != 0) return Errno{failed->error};
    if (!call.notify->is_valid(call.notification.id)) return Gone{};
    spdlog::warn("{}: {}: {}", call.process->container, call.name, to_string(failure));
    return Errno{errno_of(failure)};
  }
  if (result->bytes == inside::kRefused) return seccomp_agent::to_answer(refusal);
  if (result->bytes == inside::kGone) return Gone{};
  if (result->descriptors.empty()) return Done{};
  auto file = std::make_shared<nsenterd::UniqueFd>(std::move(result->descriptors.front()));
  return NewFile{std::move(file), result->bytes == inside::kCloseOnExec};
}

class Actor {
 public:
  Actor(Plan plan, const Rule& rule, nsenterd::ModuleRunner& runner)
      : plan_(std::move(plan)),
        refusal_(rule.refusal),
        timeout_(rule.timeout),
        runner_(runner),
        procfs_(std::make_shared<nsenterd::UniqueFd>(::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC))) {}

  void operator()(const std::shared_ptr<const Call>& call, const Reply& reply) const {
    const auto act = plan_(*call);
    if (!act) return reply(seccomp_agent::to_answer(refusal_));
    auto namespaces = act->namespaces;
    namespaces.insert(Namespace::mnt);
    const auto tracee = open_tracee(call->notification.tid, namespaces, act->directory);
    // Only now is it known whose all that is: the number may have been given to another thread meanwhile.
    if (!call->notify->is_valid(call->notification.id)) return reply(Gone{});
    if (!tracee) {
      spdlog::warn("{}: {}: {}", call->process->container, call->name, tracee.error().step);
      return reply(Errno{tracee.error().error});
    }
    const auto rights = rights_for(*act, *tracee, *call->process);
    if (!rights) return reply(seccomp_agent::to_answer(refusal_));
    auto run = make_run(*act, *tracee, *call, *rights, procfs_->get());
    run.timeout = timeout_;
    runner_.async_run(run, [call, reply, refusal = refusal_](auto result) {
      reply(to_answer(std::move(result), *call, refusal));
    });
  }

 private:
  Plan plan_;
  FixedAnswer refusal_;
  std::chrono::milliseconds timeout_;
  nsenterd::ModuleRunner& runner_;
  /// The host's, which a module can trust. Shared by copies.
  std::shared_ptr<nsenterd::UniqueFd> procfs_;
};

}  // namespace

Handler act(Plan plan, const Rule& rule, nsenterd::ModuleRunner& runner) {
  return Actor(std::move(plan), rule, runner);
}

}  // namespace seccomp_agent
