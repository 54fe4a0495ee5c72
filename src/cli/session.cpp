#include "cli/session.hpp"

#include <utility>

#include "cli/arguments.hpp"
#include "cli/error_text.hpp"
#include "cli/target_namespaces.hpp"
#include "wire/message.hpp"

namespace nsenterd::cli {
namespace {

/// What the daemon gets beyond the event's own deadline to say that it has passed.
constexpr std::chrono::seconds kGrace{2};
/// The daemon's default maximum: without --timeout its default applies, which its configuration sets.
constexpr std::chrono::minutes kLongestEvent{5};

client::Deadline deadline_of(const Options& options) {
  const std::chrono::milliseconds timeout = options.timeout.value_or(kLongestEvent);
  return std::chrono::steady_clock::now() + timeout + kGrace;
}

}  // namespace

Stop unexpected_answer(std::string_view what) {
  return {ExitStatus::no_answer, "the daemon's answer is not understood: " + std::string(what)};
}

Outcome<void> Session::connect() {
  if (connection_) return {};
  auto connection = client::Connection::connect(options_->socket, deadline_of(*options_));
  if (!connection) {
    return Stop{ExitStatus::no_answer, options_->socket + ": " + call_error_text(connection.error())};
  }
  connection_ = std::move(*connection);
  return {};
}

Outcome<client::Reply> Session::call(std::string_view method, const wire::Json& parameters) {
  if (auto connected = connect(); !connected) return connected.error();
  auto reply = connection_->call(method, parameters, {}, deadline_of(*options_));
  if (!reply) return Stop{ExitStatus::no_answer, call_error_text(reply.error())};
  return std::move(*reply);
}

Outcome<void> Session::follow(std::string_view method, const wire::Json& parameters,
                              const std::function<Outcome<void>(const wire::Json& reply)>& each) {
  if (auto connected = connect(); !connected) return connected.error();
  auto reply = connection_->call_more(method, parameters, deadline_of(*options_));
  for (;;) {
    if (!reply) return Stop{ExitStatus::no_answer, call_error_text(reply.error())};
    if (auto done = each(reply->parameters); !done) return done.error();
    if (!reply->continues) return {};
    reply = connection_->receive(client::Deadline::max());
  }
}

wire::Json Session::event_parameters(wire::Json request) const {
  wire::Json parameters = wire::Json::object();
  parameters["pid"] = options_->pid;
  parameters["namespace"] = list_names(options_->namespaces.value_or(known_namespaces()));
  if (options_->clone_flags) parameters["cloneFlags"] = options_->clone_flags->flags();
  if (uid_) parameters["uid"] = *uid_;
  if (gid_) parameters["gid"] = *gid_;
  if (options_->timeout) parameters["timeoutMilliseconds"] = options_->timeout->count();
  parameters["request"] = std::move(request);
  return parameters;
}

Outcome<Answer> Session::send_request(wire::Json request, std::vector<wire::Json> following) {
  wire::Json parameters = event_parameters(std::move(request));
  if (!following.empty()) parameters["followingRequests"] = std::move(following);
  auto reply = call("io.nsenterd.SendRequest", parameters);
  if (!reply) return reply.error();
  const auto found = reply->parameters.find("response");
  if (found == reply->parameters.end()) return unexpected_answer("no response");
  auto response = wire::message_from_json(std::move(*found));
  if (!response) return unexpected_answer("response");
  Answer answer{std::move(*response), {}, std::move(reply->descriptors)};
  for (wire::Json& element : reply->parameters["followingResponses"]) {
    response = wire::message_from_json(std::move(element));
    if (!response) return unexpected_answer("followingResponses");
    answer.following.push_back(std::move(*response));
  }
  return answer;
}

wire::Json to_json(const Message& message) {
  wire::Json value = wire::Json::object();
  value["message"] = message.type;
  value["payload"] = message.payload;
  return value;
}

std::string response_type(std::string_view request_type) {
  constexpr std::string_view kRequest = "Request";
  return std::string(request_type.substr(0, request_type.size() - kRequest.size())) + "Response";
}

Outcome<void> check_response(const Message& response, std::string_view type) {
  if (response.type == type) return {};
  if (response.type != "errorResponse") return unexpected_answer(response.type);
  auto text = error_response_text(response.payload);
  if (!text) return unexpected_answer("errorResponse");
  return Stop{ExitStatus::failed, std::move(*text)};
}

}  // namespace nsenterd::cli
