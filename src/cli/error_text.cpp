#include "cli/error_text.hpp"

#include <cerrno>
#include <cstdint>
#include <utility>

#include "base/errno_name.hpp"
#include "cli/decode.hpp"

namespace nsenterd::cli {
namespace {

using wire::Json;

constexpr std::string_view kOwn = "io.nsenterd.";
constexpr std::string_view kGeneral = "org.varlink.service.";

/// A parameter as text; "?" where the daemon left it out.
std::string parameter(const Json& parameters, const char* name) {
  const auto found = parameters.find(name);
  if (found == parameters.end() || found->is_null()) return "?";
  const auto* text = found->get_ptr<const std::string*>();
  if (text != nullptr) return *text;
  std::string encoded;
  wire::append_json(encoded, *found);
  return encoded;
}

std::string agent_died_text(const Json& parameters) {
  const std::string signal = parameter(parameters, "signal");
  if (signal != "?") return "the agent was killed by signal " + signal;
  const std::string status = parameter(parameters, "status");
  if (status != "?") return "the agent exited with status " + status + " without a response";
  return "the agent ended without a response";
}

std::string join_failed_text(const Json& parameters) {
  const auto found = parameters.find("errno");
  const auto* error = found == parameters.end() ? nullptr : found->get_ptr<const Json::number_integer_t*>();
  const std::string step = parameter(parameters, "step") + ": ";
  const bool known = error != nullptr && *error > 0 && *error < 4096;
  return known ? step + errno_description(static_cast<int>(*error))
               : step + parameter(parameters, "errnoName");
}

std::string own_error_text(std::string_view name, const Json& parameters) {
  if (name == "NoSuchTarget") return "no such process, or it ended meanwhile";
  if (name == "NoSuchEvent") return "no such event: " + parameter(parameters, "event");
  if (name == "JoinFailed") return join_failed_text(parameters);
  if (name == "TimedOut") return "timed out: no response by the deadline, the agent was killed";
  if (name == "AgentDied") return agent_died_text(parameters);
  if (name == "Terminated") return "the event was terminated";
  if (name == "Overloaded") return "the daemon is overloaded: limit " + parameter(parameters, "limit");
  return {};
}

std::string general_error_text(std::string_view name, const Json& parameters) {
  if (name == "InterfaceNotFound") return "the daemon has no interface " + parameter(parameters, "interface");
  if (name == "MethodNotFound") return "the daemon has no method " + parameter(parameters, "method");
  if (name == "MethodNotImplemented") {
    return "the daemon does not implement the method " + parameter(parameters, "method");
  }
  if (name == "InvalidParameter") return "invalid parameter: " + parameter(parameters, "parameter");
  if (name == "PermissionDenied") return "permission denied by the daemon";
  if (name == "ExpectedMore") return "the daemon expects a call with \"more\"";
  return {};
}

struct Describe {
  std::string operator()(const client::TransportFailure& failure) const {
    return std::string(failure.step) + ": " + errno_description(failure.error);
  }
  std::string operator()(const client::DeadlinePassed&) const {
    return "timed out: no answer from the daemon";
  }
  std::string operator()(const client::VarlinkError& error) const { return varlink_error_text(error); }
};

struct ErrorResponse {
  std::int32_t code = 0;
  std::string message;
};

template <class Fields, wire::Describes<ErrorResponse> Payload>
void describe(Fields& fields, Payload& error) {
  fields.integer("code", error.code);
  fields.text("message", error.message);
}

}  // namespace

std::string errno_description(int error) {
  return base::errno_text(error) + " (" + base::errno_name(error) + ")";
}

Stop failed_call(std::string_view call, std::string_view object) {
  const int error = errno;
  std::string text(call);
  text.append(" ").append(object).append(": ").append(errno_description(error));
  return {ExitStatus::failed, std::move(text)};
}

std::string varlink_error_text(const client::VarlinkError& error) {
  const std::string_view name = error.name;
  std::string text;
  if (name.starts_with(kOwn)) text = own_error_text(name.substr(kOwn.size()), error.parameters);
  if (name.starts_with(kGeneral)) text = general_error_text(name.substr(kGeneral.size()), error.parameters);
  if (!text.empty()) return text;
  text = error.name + ' ';
  wire::append_json(text, error.parameters);
  return text;
}

std::string call_error_text(const client::CallError& error) {
  return std::visit(Describe{}, static_cast<const client::CallError::variant&>(error));
}

std::optional<std::string> error_response_text(const Json& payload) {
  const auto error = decode<ErrorResponse>(payload);
  if (!error) return std::nullopt;
  return error->message + " (" + base::errno_name(error->code) + ")";
}

}  // namespace nsenterd::cli
