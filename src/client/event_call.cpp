#include "client/event_call.hpp"

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "wire/message.hpp"

namespace nsenterd::client {
namespace {

using wire::Json;

/// What the daemon gets beyond an event's own deadline to say that it has passed.
constexpr std::chrono::seconds kGrace{2};
/// The daemon's default maximum: without a deadline of the caller's its default applies, which its configuration sets.
constexpr std::chrono::minutes kLongestEvent{5};
/// Methods are answered at once, TerminateRequest after a second at most; but the daemon may be busy.
constexpr std::chrono::seconds kMethodTime{30};

/// Writes the parameters one after the other; the request is not copied.
class ParameterWriter {
 public:
  explicit ParameterWriter(OutgoingCall& call) : call_(call) {}

  void value(std::string_view name, const Json& value) {
    key(name);
    wire::append_json(call_.text, value);
  }
  /// The index of a descriptor that goes along.
  void descriptor(std::string_view name, int fd) {
    key(name);
    index_of(fd);
  }
  void namespaces(const NamespaceDescriptors& descriptors) {
    char before = '{';
    for (const Namespace kind : kAllNamespaces) {
      if (!descriptors.kinds().contains(kind)) continue;
      if (before == '{') key("namespaceFileDescriptors");
      call_.text.append(1, std::exchange(before, ',')).append(1, '"').append(name_of(kind)).append("\":");
      index_of(descriptors[kind]);
    }
    if (before != '{') call_.text += '}';
  }
  /// Of one kind at least.
  void names(Namespaces kinds) {
    key("namespace");
    char before = '[';
    for (const Namespace kind : kAllNamespaces) {
      if (!kinds.contains(kind)) continue;
      call_.text.append(1, std::exchange(before, ',')).append(1, '"').append(name_of(kind)).append(1, '"');
    }
    call_.text += ']';
  }
  void message(std::string_view name, const Message& message) {
    key(name);
    append(message);
  }
  void messages(std::string_view name, const std::vector<Message>& messages) {
    key(name);
    char before = '[';
    for (const Message& message : messages) {
      call_.text += std::exchange(before, ',');
      append(message);
    }
    call_.text += ']';
  }

 private:
  static std::string name_of(Namespace kind) { return Namespaces{kind}.names(); }
  void key(std::string_view name) {
    call_.text.append(1, std::exchange(before_, ',')).append(1, '"').append(name).append("\":");
  }
  void index_of(int fd) {
    call_.text += std::to_string(call_.descriptors.size());
    call_.descriptors.push_back(fd);
  }
  void append(const Message& message) {
    call_.text += R"({"message":)";
    wire::append_json(call_.text, message.type);
    call_.text += R"(,"payload":)";
    wire::append_json(call_.text, message.payload);
    call_.text += '}';
  }

  OutgoingCall& call_;
  char before_ = '{';
};

void write_target(ParameterWriter& parameters, const Envelope& envelope) {
  if (const auto* pid = std::get_if<pid_t>(&envelope.target)) parameters.value("pid", *pid);
  if (const auto* pidfd = std::get_if<TargetPidfd>(&envelope.target))
    parameters.descriptor("pidFileDescriptor", pidfd->fd);
  if (const auto* event = std::get_if<TargetEvent>(&envelope.target))
    parameters.value("targetEvent", event->event);
}

void write_parameters(ParameterWriter& parameters, const Envelope& envelope, const Message& request,
                      bool async) {
  write_target(parameters, envelope);
  if (!envelope.namespaces.empty()) parameters.names(envelope.namespaces);
  parameters.namespaces(envelope.namespace_descriptors);
  if (envelope.root >= 0) parameters.descriptor("rootFileDescriptor", envelope.root);
  if (envelope.working_directory >= 0)
    parameters.descriptor("workingDirectoryFileDescriptor", envelope.working_directory);
  if (envelope.uid) parameters.value("uid", *envelope.uid);
  if (envelope.gid) parameters.value("gid", *envelope.gid);
  if (envelope.clone_flags != 0) parameters.value("cloneFlags", envelope.clone_flags);
  if (async) parameters.value("async", true);
  if (envelope.timeout) parameters.value("timeoutMilliseconds", envelope.timeout->count());
  parameters.message("request", request);
  if (!envelope.following_requests.empty())
    parameters.messages("followingRequests", envelope.following_requests);
}

}  // namespace

ClientResult<OutgoingCall> make_event_call(const Envelope& envelope, const Message& request, bool async) {
  OutgoingCall call;
  call.text = R"({"method":"io.nsenterd.SendRequest","parameters":)";
  ParameterWriter parameters(call);
  try {
    write_parameters(parameters, envelope, request, async);
  } catch (const Json::exception&) {
    return InvalidParameter{"request"};
  }
  call.more = async;
  call.text += async ? R"(},"more":true})" : "}}";
  call.text += '\0';
  return call;
}

ClientResult<OutgoingCall> make_method_call(const std::string& method, const Json& parameters) {
  try {
    return OutgoingCall{encode_call(method, parameters, false)};
  } catch (const Json::exception&) {
    return InvalidParameter{"parameters"};
  }
}

Deadline deadline_of(const Envelope& envelope) {
  // The daemon says what is too long; the clock has an end, too.
  constexpr std::chrono::milliseconds kEver = std::chrono::hours(24 * 365);
  return std::chrono::steady_clock::now() + std::min(envelope.timeout.value_or(kLongestEvent), kEver) +
         kGrace;
}

Deadline deadline_of_method() {
  return std::chrono::steady_clock::now() + kMethodTime;
}

ClientResult<Response> take_response(Reply reply) {
  const auto found = reply.parameters.find("response");
  if (found == reply.parameters.end()) return malformed_reply();
  auto message = wire::message_from_json(std::move(*found));
  if (!message) return malformed_reply();
  Response response{std::move(*message), {}, std::move(reply.descriptors)};
  const auto following = reply.parameters.find("followingResponses");
  if (following == reply.parameters.end() || following->is_null()) return response;
  if (!following->is_array()) return malformed_reply();
  for (Json& element : *following) {
    message = wire::message_from_json(std::move(element));
    if (!message) return malformed_reply();
    response.following.push_back(std::move(*message));
  }
  return response;
}

ClientResult<StartedEvent> take_started(const Reply& reply) {
  const auto name = reply.parameters.find("event");
  const auto process = reply.parameters.find("processId");
  if (name == reply.parameters.end() || process == reply.parameters.end()) return malformed_reply();
  const auto* text = name->get_ptr<const std::string*>();
  const auto* number = process->get_ptr<const Json::number_integer_t*>();
  if (text == nullptr || number == nullptr || !std::in_range<pid_t>(*number)) return malformed_reply();
  return StartedEvent{*text, static_cast<pid_t>(*number)};
}

ClientResult<Json> take_parameters(Reply reply) {
  return {boost::system::in_place_value, std::move(reply.parameters)};
}

}  // namespace nsenterd::client
