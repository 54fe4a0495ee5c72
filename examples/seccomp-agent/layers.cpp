#include "layers.hpp"

#include <utility>

#include <spdlog/spdlog.h>

namespace seccomp_agent {
namespace {

/// By name, or by number where it has none: the numbers of another architecture must not pass for names of this one.
std::string label_of(const Call& call) {
  return call.name.empty() ? fmt::format("call {} of architecture {:#x}", call.notification.number,
                                         call.notification.architecture)
                           : call.name;
}

}  // namespace

Handler answer_with(FixedAnswer answer) {
  return
      [answer](const std::shared_ptr<const Call>& /*call*/, const Reply& reply) { reply(to_answer(answer)); };
}

Handler logged(Handler handler) {
  return [handler = std::move(handler)](const std::shared_ptr<const Call>& call, Reply reply) {
    handler(call, [call, reply = std::move(reply)](const Answer& answer) {
      spdlog::info("{}: {} by {}: {}", call->process->container, label_of(*call), call->notification.tid,
                   to_string(answer));
      reply(answer);
    });
  };
}

Handler counted(Handler handler, Counters& counters) {
  return [handler = std::move(handler), &counters](const std::shared_ptr<const Call>& call, Reply reply) {
    handler(call, [&counters, call, reply = std::move(reply)](const Answer& answer) {
      // Not one for every number that somebody can make up.
      counters.count(call->name.empty() ? "(unknown)" : call->name, answer);
      reply(answer);
    });
  };
}

}  // namespace seccomp_agent
