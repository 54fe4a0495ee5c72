#include "answer.hpp"

#include <cstring>

namespace seccomp_agent {
namespace {

struct Describe {
  std::string operator()(const Done& /*answer*/) const { return "done"; }
  std::string operator()(const Errno& answer) const { return errno_name(answer.number); }
  std::string operator()(const Continue& /*answer*/) const { return "continue"; }
  std::string operator()(const NewFile& /*answer*/) const { return "opened"; }
  std::string operator()(const Gone& /*answer*/) const { return "gone"; }
};

}  // namespace

Answer to_answer(const FixedAnswer& fixed) {
  return std::visit([](const auto& answer) { return Answer(answer); }, fixed);
}

std::string errno_name(int number) {
  const char* name = ::strerrorname_np(number);
  return name != nullptr ? name : std::to_string(number);
}

std::string to_string(const Answer& answer) {
  return std::visit(Describe{}, answer);
}

}  // namespace seccomp_agent
