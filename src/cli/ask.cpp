#include "cli/ask.hpp"

#include <utility>

#include "cli/standard_streams.hpp"

namespace nsenterd::cli {

Outcome<Message> ask(Session& session, const Options& options, const Message& request) {
  auto answer = session.send_request(to_json(request));
  if (!answer) return answer.error();
  if (options.json) {
    if (auto written = write_json(to_json(answer->response)); !written) return written.error();
  }
  if (auto checked = check_response(answer->response, response_type(request.type)); !checked) {
    return checked.error();
  }
  return std::move(answer->response);
}

Outcome<void> carry_out(Session& session, const Options& options, const Message& request) {
  const auto response = ask(session, options, request);
  return response ? Outcome<void>() : response.error();
}

Outcome<void> ask_and_show(Session& session, const Options& options, const Message& request,
                           const Show& show) {
  const auto response = ask(session, options, request);
  if (!response) return response.error();
  if (options.json) return {};
  const auto text = show(response->payload);
  if (!text) return unexpected_answer(response->type);
  return write_output(*text);
}

}  // namespace nsenterd::cli
