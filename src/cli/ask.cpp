#include "cli/ask.hpp"

#include <variant>

namespace nsenterd::cli {

Outcome<Response> send_message(Session& session, const Options& options, const Message& message) {
  auto response = session.send_request(to_json(message));
  if (!response) return response.error();
  if (options.json) {
    if (auto written = write_json(to_json(response->message)); !written) return written.error();
  }
  return std::move(*response);
}

Stop no_answer_in(const Response& response, const ClientFailure& failure) {
  if (!std::holds_alternative<OperationFailed>(failure)) return unexpected_answer(response.message.type);
  return {ExitStatus::failed, to_string(failure)};
}

}  // namespace nsenterd::cli
