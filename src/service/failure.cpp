#include <nsenterd/failure.hpp>

#include "base/errno_name.hpp"

namespace nsenterd {
namespace {

struct Describe {
  std::string operator()(const InvalidParameter& failure) const {
    return "invalid parameter " + failure.parameter;
  }
  std::string operator()(const NoSuchTarget&) const { return "no such target"; }
  std::string operator()(const JoinFailed& failure) const {
    return failure.step + ": " + base::errno_text(failure.error) + " (" + base::errno_name(failure.error) +
           ")";
  }
  std::string operator()(const TimedOut&) const { return "timed out"; }
  std::string operator()(const AgentDied& failure) const {
    if (failure.signal) return "agent killed by signal " + std::to_string(*failure.signal);
    if (failure.status) return "agent exited with status " + std::to_string(*failure.status);
    return "agent died";
  }
  std::string operator()(const Terminated&) const { return "terminated"; }
  std::string operator()(const Denied&) const { return "target is a process of the host"; }
  std::string operator()(const ModuleFailed& failure) const { return "module failed: " + failure.message; }
  std::string operator()(const Overloaded& failure) const { return "overloaded: " + failure.limit; }
};

}  // namespace

std::string to_string(const Failure& failure) {
  return std::visit(Describe{}, static_cast<const Failure::variant&>(failure));
}

FailureException::FailureException(const Failure& failure)
    : std::runtime_error(to_string(failure)), failure_(failure) {}

// Here, so that the type is one and the same to the library and to those who catch it.
FailureException::~FailureException() = default;

void throw_exception_from_error(const Failure& failure, const boost::source_location& /*where*/) {
  throw FailureException(failure);
}

}  // namespace nsenterd
