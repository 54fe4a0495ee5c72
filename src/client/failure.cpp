#include <cerrno>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include <nsenterd/client_failure.hpp>

#include "base/errno_name.hpp"
#include "client/event_call.hpp"

namespace nsenterd {
namespace client {
namespace {

using wire::Json;

constexpr std::string_view kOwn = "io.nsenterd.";
constexpr std::string_view kGeneral = "org.varlink.service.";

std::string text_of(const Json& parameters, const char* name) {
  const auto found = parameters.find(name);
  const auto* text = found == parameters.end() ? nullptr : found->get_ptr<const std::string*>();
  return text == nullptr ? std::string() : *text;
}

std::optional<int> number_of(const Json& parameters, const char* name) {
  const auto found = parameters.find(name);
  const auto* number = found == parameters.end() ? nullptr : found->get_ptr<const Json::number_integer_t*>();
  if (number == nullptr || !std::in_range<int>(*number)) return std::nullopt;
  return static_cast<int>(*number);
}

ClientFailure to_failure(VarlinkError error) {
  const std::string_view name = error.name;
  const Json& parameters = error.parameters;
  if (name.starts_with(kOwn)) {
    const std::string_view own = name.substr(kOwn.size());
    if (own == "NoSuchTarget") return NoSuchTarget{};
    if (own == "NoSuchEvent") return NoSuchEvent{text_of(parameters, "event")};
    if (own == "JoinFailed")
      return JoinFailed{text_of(parameters, "step"), number_of(parameters, "errno").value_or(0)};
    if (own == "TimedOut") return TimedOut{};
    if (own == "AgentDied")
      return AgentDied{number_of(parameters, "signal"), number_of(parameters, "status")};
    if (own == "Terminated") return Terminated{};
    if (own == "Overloaded") return Overloaded{text_of(parameters, "limit")};
  }
  if (name.starts_with(kGeneral)) {
    const std::string_view general = name.substr(kGeneral.size());
    if (general == "InvalidParameter") return InvalidParameter{text_of(parameters, "parameter")};
    if (general == "PermissionDenied") return PermissionDenied{};
  }
  return OtherError{std::move(error.name), std::move(error.parameters)};
}

}  // namespace

ClientFailure to_failure(CallError error) {
  if (const auto* failure = std::get_if<TransportFailure>(&error))
    return Disconnected{std::string(failure->step), failure->error, failure->may_have_run};
  if (auto* answer = std::get_if<VarlinkError>(&error)) return to_failure(std::move(*answer));
  return TimedOut{};
}

ClientFailure malformed_reply() {
  return Disconnected{"receive", EBADMSG, true};
}

}  // namespace client

namespace {

std::string errno_description(int error) {
  return base::errno_text(error) + " (" + base::errno_name(error) + ")";
}

/// What an error of org.varlink.service means that has no type of its own; empty if it is none of those.
std::string general_text(const OtherError& error) {
  const auto parameter = [&error](const char* name) { return client::text_of(error.parameters, name); };
  if (error.name == "org.varlink.service.InterfaceNotFound")
    return "the daemon has no interface " + parameter("interface");
  if (error.name == "org.varlink.service.MethodNotFound")
    return "the daemon has no method " + parameter("method");
  if (error.name == "org.varlink.service.MethodNotImplemented")
    return "the daemon does not implement the method " + parameter("method");
  if (error.name == "org.varlink.service.ExpectedMore") return "the daemon expects a call with \"more\"";
  return {};
}

struct Describe {
  std::string operator()(const OperationFailed& failed) const {
    return failed.message + " (" + base::errno_name(failed.error) + ")";
  }
  std::string operator()(const InvalidParameter& failure) const {
    return "invalid parameter: " + failure.parameter;
  }
  std::string operator()(const NoSuchTarget& /*failure*/) const {
    return "no such process, or it ended meanwhile";
  }
  std::string operator()(const JoinFailed& failed) const {
    return failed.step + ": " + errno_description(failed.error);
  }
  std::string operator()(const TimedOut& /*failure*/) const {
    return "timed out: no response by the deadline, the agent was killed";
  }
  std::string operator()(const AgentDied& died) const {
    if (died.signal) return "the agent was killed by signal " + std::to_string(*died.signal);
    if (died.status)
      return "the agent exited with status " + std::to_string(*died.status) + " without a response";
    return "the agent ended without a response";
  }
  std::string operator()(const Terminated& /*failure*/) const { return "the event was terminated"; }
  std::string operator()(const Overloaded& failure) const {
    return "the daemon is overloaded: limit " + failure.limit;
  }
  std::string operator()(const PermissionDenied& /*denied*/) const {
    return "permission denied by the daemon";
  }
  std::string operator()(const NoSuchEvent& failure) const { return "no such event: " + failure.event; }
  std::string operator()(const Disconnected& failure) const {
    return failure.step + ": " + errno_description(failure.error);
  }
  std::string operator()(const Cancelled& /*cancelled*/) const { return "the call was cancelled"; }
  std::string operator()(const OtherError& error) const {
    std::string text = general_text(error);
    if (!text.empty()) return text;
    text = error.name + ' ';
    wire::append_json(text, error.parameters);
    return text;
  }
};

struct ErrnoOf {
  int operator()(const OperationFailed& failed) const noexcept { return failed.error; }
  int operator()(const NoSuchTarget& /*failure*/) const noexcept { return ESRCH; }
  int operator()(const JoinFailed& failed) const noexcept { return failed.error; }
  int operator()(const TimedOut& /*failure*/) const noexcept { return ETIMEDOUT; }
  int operator()(const Overloaded& /*failure*/) const noexcept { return EAGAIN; }
  int operator()(const Cancelled& /*failure*/) const noexcept { return EINTR; }
  int operator()(const Terminated& /*failure*/) const noexcept { return EINTR; }
  int operator()(const PermissionDenied& /*failure*/) const noexcept { return EPERM; }
  int operator()(const InvalidParameter& /*failure*/) const noexcept { return EINVAL; }
  int operator()(const AgentDied& /*failure*/) const noexcept { return EIO; }
  int operator()(const NoSuchEvent& /*failure*/) const noexcept { return EIO; }
  int operator()(const Disconnected& /*failure*/) const noexcept { return EIO; }
  int operator()(const OtherError& /*failure*/) const noexcept { return EIO; }
};

const ClientFailure::variant& as_variant(const ClientFailure& failure) {
  return failure;
}

}  // namespace

std::string to_string(const ClientFailure& failure) {
  return std::visit(Describe{}, as_variant(failure));
}

int errno_of(const ClientFailure& failure) noexcept {
  const int error = std::visit(ErrnoOf{}, as_variant(failure));
  // Whoever passes it on must not take it for success.
  return error > 0 && error < 4096 ? error : EIO;
}

ClientFailureException::ClientFailureException(const ClientFailure& failure)
    : std::runtime_error(to_string(failure)), failure_(failure) {}

ClientFailureException::~ClientFailureException() = default;

void throw_exception_from_error(const ClientFailure& failure, const boost::source_location& /*where*/) {
  throw ClientFailureException(failure);
}

}  // namespace nsenterd
