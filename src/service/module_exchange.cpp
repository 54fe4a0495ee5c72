#include "service/module_exchange.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>

#include "module/registry.hpp"
#include "nsjoin/step.hpp"
#include "wire/frame.hpp"
#include "wire/module_call.hpp"

namespace nsenterd::service {
namespace {

/// A module that died in the middle of it, or a process of the container that got hold of it, may have said anything.
Failure no_result() {
  return ModuleFailed{"what it sent is no result", EPROTO};
}

/// What the module says of its failure; nothing that it may not have said.
Failure failure_of(const std::string& body) {
  wire::ModuleFailureHeader header{};
  if (body.size() < sizeof header || body.size() > sizeof header + wire::kMaxFailureText) return no_result();
  std::memcpy(&header, body.data(), sizeof header);
  return ModuleFailed{body.substr(sizeof header), header.error};
}

std::string find_mistake(const ModuleRun& run) {
  if (module::find(run.module) == nullptr) return "module";
  if (run.argument.size() > kMaxModuleArgument) return "argument";
  if (run.descriptors.size() > kMaxModuleDescriptors) return "descriptors";
  if (run.max_result > wire::kMaxFrame) return "max_result";
  return {};
}

}  // namespace

ModuleExchange::ModuleExchange(const ModuleRun& run)
    : wrong_(find_mistake(run)), max_result_(run.max_result) {
  parameters_.target = run.target;
  parameters_.namespaces = run.namespaces;
  parameters_.namespace_descriptors = run.namespace_descriptors;
  parameters_.root = run.root;
  parameters_.working_directory = run.working_directory;
  parameters_.clone_flags = run.clone_flags;
  parameters_.timeout = run.timeout;
  if (!wrong_.empty()) return;
  // The caller may close its own as soon as the run has been started, before the agent is there.
  for (const int descriptor : run.descriptors) {
    descriptors_.emplace_back(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
    if (!descriptors_.back()) wrong_ = "descriptors";
  }
  const wire::ModuleCallHeader header{run.memory, static_cast<std::uint32_t>(run.max_result),
                                      static_cast<std::uint32_t>(run.module.size())};
  call_.reserve(sizeof header + run.module.size() + run.argument.size());
  call_.append(reinterpret_cast<const char*>(&header), sizeof header).append(run.module).append(run.argument);
}

Result<ExchangeNeeds> ModuleExchange::check() {
  if (!wrong_.empty()) return Failure(InvalidParameter{wrong_});
  return ExchangeNeeds{.is_foreign = true};
}

base::Result<void> ModuleExchange::give(AgentChannel& channel) {
  std::vector<int> descriptors;
  for (const UniqueFd& descriptor : descriptors_) descriptors.push_back(descriptor.get());
  if (!channel.send(wire::FrameKind::module_call, call_, descriptors))
    return base::last_error("send module call");
  return {};
}

void ModuleExchange::forget_request() {
  call_ = {};
  descriptors_.clear();
}

std::size_t ModuleExchange::longest_frame() const {
  constexpr std::size_t kLongestFailure = sizeof(wire::ModuleFailureHeader) + wire::kMaxFailureText;
  return std::max(max_result_, std::max(kLongestFailure, sizeof(nsjoin::StepFailure)));
}

std::optional<Result<void>> ModuleExchange::take(Frame frame) {
  if (frame.kind == wire::FrameKind::module_failed) return failure_of(frame.body);
  if (frame.kind != wire::FrameKind::module_result || frame.body.size() > max_result_) return no_result();
  result_.bytes = std::move(frame.body);
  for (base::ForeignFd& descriptor : frame.descriptors)
    result_.descriptors.emplace_back(descriptor.release());
  return Result<void>();
}

}  // namespace nsenterd::service
