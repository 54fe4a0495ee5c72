#include "daemon/failure_reply.hpp"

#include "base/errno_name.hpp"

namespace nsenterd::daemon {
namespace {

using wire::Json;

struct Reply {
  varlink::Call& call;

  void operator()(const InvalidParameter& failure) const { call.invalid_parameter(failure.parameter); }
  void operator()(const NoSuchTarget&) const { call.error("io.nsenterd.NoSuchTarget"); }
  void operator()(const JoinFailed& failure) const {
    call.error(
        "io.nsenterd.JoinFailed",
        {{"step", failure.step}, {"errno", failure.error}, {"errnoName", base::errno_name(failure.error)}});
  }
  void operator()(const TimedOut&) const { call.error("io.nsenterd.TimedOut"); }
  void operator()(const AgentDied& failure) const {
    Json parameters = Json::object();
    if (failure.signal) parameters["signal"] = *failure.signal;
    if (failure.status) parameters["status"] = *failure.status;
    call.error("io.nsenterd.AgentDied", parameters);
  }
  void operator()(const Terminated&) const { call.error("io.nsenterd.Terminated"); }
  void operator()(const Denied&) const { call.error("org.varlink.service.PermissionDenied"); }
  // The daemon runs none.
  void operator()(const ModuleFailed&) const { call.error("io.nsenterd.AgentDied"); }
  void operator()(const Overloaded& failure) const {
    call.error("io.nsenterd.Overloaded", {{"limit", failure.limit}});
  }
};

}  // namespace

void reply_failure(varlink::Call& call, const Failure& failure) {
  std::visit(Reply{call}, static_cast<const Failure::variant&>(failure));
}

}  // namespace nsenterd::daemon
