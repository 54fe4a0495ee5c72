#include "cli/error_text.hpp"

#include <cerrno>
#include <utility>
#include <variant>

#include "base/errno_name.hpp"
#include "client/event_call.hpp"

namespace nsenterd::cli {

std::string errno_description(int error) {
  return base::errno_text(error) + " (" + base::errno_name(error) + ")";
}

Stop failed_call(std::string_view call, std::string_view object) {
  const int error = errno;
  std::string text(call);
  text.append(" ").append(object).append(": ").append(errno_description(error));
  return {ExitStatus::failed, std::move(text)};
}

std::string call_error_text(const client::CallError& error) {
  if (std::holds_alternative<client::DeadlinePassed>(error)) return "timed out: no answer from the daemon";
  return to_string(client::to_failure(error));
}

}  // namespace nsenterd::cli
