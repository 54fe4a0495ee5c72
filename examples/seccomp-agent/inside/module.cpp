#include "module.hpp"

#include <stdexcept>

#include <seccomp.h>

#include "protocol.hpp"
#include "rights.hpp"

namespace seccomp_agent::inside {
namespace {

using nlohmann::json;

std::string to_result(const Outcome& outcome) {
  if (outcome.refused) return std::string(kRefused);
  return std::string(outcome.close_on_exec ? kCloseOnExec : "");
}

}  // namespace

nsenterd::ModuleData run_module(Prepare prepare, nsenterd::ModuleData data) {
  if (data.descriptors.size() <= kProcfs) throw std::logic_error("descriptors are missing");
  const json argument = json::parse(data.bytes);
  const Effect effect =
      prepare(Memory(data.descriptors[kMemory].get()), argument, data.descriptors[kProcfs].get());
  take_rights(argument.at("rights"));
  // Last, so that a thread which has been interrupted, killed, or replaced by one with its number has no directory made any more.
  const auto call = argument.at("call").get<std::uint64_t>();
  if (::seccomp_notify_id_valid(data.descriptors[kNotify].get(), call) != 0) return {std::string(kGone), {}};
  Outcome outcome = effect();
  nsenterd::ModuleData result{to_result(outcome), {}};
  if (outcome.file) result.descriptors.push_back(std::move(outcome.file));
  return result;
}

void register_modules() {
  const auto add = [](const char* name, Prepare prepare) {
    nsenterd::register_module(
        name, [prepare](nsenterd::ModuleData data) { return run_module(prepare, std::move(data)); });
  };
  add("mkdir", prepare_mkdir);
  add("mount", prepare_mount);
  add("mknod", prepare_mknod);
  add("open", prepare_open);
}

}  // namespace seccomp_agent::inside
