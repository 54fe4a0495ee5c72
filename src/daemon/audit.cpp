#include "daemon/audit.hpp"

#include <chrono>
#include <string_view>

namespace nsenterd::daemon {
namespace {

using wire::Json;

constexpr std::string_view kDenied = "org.varlink.service.PermissionDenied";

void add_peer(Record& record, const varlink::Peer& peer) {
  record.add(Field::peer_pid, peer.pid);
  record.add(Field::peer_uid, peer.uid);
  record.add(Field::peer_gid, peer.gid);
}

void add_duration(Record& record, std::chrono::steady_clock::time_point since) {
  const auto time = std::chrono::steady_clock::now() - since;
  record.add(Field::duration, std::chrono::duration_cast<std::chrono::microseconds>(time).count());
}

void add_text(Record& record, Field field, const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return;
  if (const auto* text = found->get_ptr<const std::string*>()) record.add(field, *text);
}

void add_number(Record& record, Field field, const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found != object.end() && found->is_number_integer()) record.add(field, found->get<std::int64_t>());
}

/// What an error says of itself.
void add_error(Record& record, std::string_view error, const Json& parameters) {
  record.add(Field::error, error);
  add_text(record, Field::parameter, parameters, "parameter");
  add_text(record, Field::limit, parameters, "limit");
  add_text(record, Field::step, parameters, "step");
  add_number(record, Field::error_number, parameters, "errno");
}

/// Where the operation failed: "errorResponse", and the errno. Of several requests it is the last response that tells.
void add_response(Record& record, const NSenterEvent& event) {
  if (event.response_text().empty()) return;
  const auto& following = event.following_responses();
  const Message& last = following.empty() ? event.response() : following.back();
  if (last.type != "errorResponse") return;
  record.add(Field::error, last.type);
  add_number(record, Field::error_number, last.payload, "code");
}

struct AddFailure {
  Record& record;

  void operator()(const JoinFailed& failure) const {
    record.add(Field::error, "JoinFailed");
    record.add(Field::step, failure.step);
    record.add(Field::error_number, failure.error);
  }
  void operator()(const TimedOut& /*failure*/) const { record.add(Field::error, "TimedOut"); }
  void operator()(const AgentDied& failure) const {
    record.add(Field::error, "AgentDied");
    if (failure.signal) record.add(Field::signal, *failure.signal);
  }
  /// Those that are nothing to worry about, and are not written.
  template <class Other>
  void operator()(const Other& /*failure*/) const {}
};

bool is_worrying(const Failure& failure) {
  return std::holds_alternative<JoinFailed>(failure) || std::holds_alternative<TimedOut>(failure) ||
         std::holds_alternative<AgentDied>(failure);
}

}  // namespace

void Audit::call_ended(const varlink::Call& call, const varlink::CallEnd& end) {
  if (!end.error.empty()) count(end.error, end.parameters);
  if (end.error == kDenied) return write(RecordKind::call_denied, call, end);
  if (log_.audit() == AuditScope::all) write(RecordKind::call_answered, call, end);
}

void Audit::client_refused(const varlink::Peer& peer, std::string_view error, const Json& parameters) {
  count(error, &parameters);
  const auto kind = error == kDenied ? RecordKind::call_denied : RecordKind::connection_refused;
  log_.write(kind, [&](Record& record) {
    add_peer(record, peer);
    if (error == kDenied) record.add(Field::reason, name_of(decide(access_, peer)));
    add_error(record, error, parameters);
  });
}

void Audit::write(RecordKind kind, const varlink::Call& call, const varlink::CallEnd& end) {
  log_.write(kind, [&](Record& record) {
    const auto* event = static_cast<const ClientEvent*>(call.subject());
    // Meanwhile another call may end: of a follower that does not read.
    const Checked checked = checked_.call == &call ? checked_ : Checked();
    const Message* request = event != nullptr ? &event->event.request() : checked.request;
    add_peer(record, call.peer());
    record.add(Field::method, call.method());
    if (event != nullptr) record.add(Field::event, event->name);
    if (event == nullptr) add_text(record, Field::event, call.parameters(), "event");
    if (request != nullptr) record.add(Field::message_type, request->type);
    add_number(record, Field::target_pid, call.parameters(), "pid");
    // What has got as far as an event is denied only for what the service itself looks at.
    if (kind == RecordKind::call_denied)
      record.add(Field::reason, checked.reason.empty() ? "host" : checked.reason);
    if (end.abandoned) {
      record.add(Field::error, "abandoned");
    } else if (!end.error.empty()) {
      add_error(record, end.error, *end.parameters);
    } else if (event != nullptr) {
      add_response(record, event->event);
    }
    add_duration(record, call.times().accepted);
  });
}

void Audit::event_failed(const ClientEvent& event, const Failure& failure) {
  if (!is_worrying(failure)) return;
  log_.write(RecordKind::event_failed, [&](Record& record) {
    add_peer(record, *event.owner);
    record.add(Field::event, event.name);
    record.add(Field::message_type, event.event.request().type);
    if (event.pid) record.add(Field::target_pid, *event.pid);
    std::visit(AddFailure{record}, static_cast<const Failure::variant&>(failure));
    add_duration(record, event.accepted);
  });
}

void Audit::fork_server_restarted() {
  ++fork_server_restarts_;
  log_.write(RecordKind::fork_server_restarted);
}

void Audit::agent_stuck(pid_t agent) {
  log_.write(RecordKind::agent_stuck, [&](Record& record) { record.add(Field::agent_pid, agent); });
}

void Audit::count(std::string_view error, const Json* parameters) {
  if (error == kDenied) ++refusals_.permission_denied;
  if (error == "org.varlink.service.InvalidParameter") ++refusals_.invalid_parameter;
  if (error != "io.nsenterd.Overloaded") return;
  const auto limit = parameters->find("limit");
  if (limit != parameters->end()) ++refusals_.overloaded[limit->get_ref<const std::string&>()];
}

}  // namespace nsenterd::daemon
