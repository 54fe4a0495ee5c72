// Asks for one operation and shows its response (nsenterctl).
#pragma once

#include <utility>

#include <nsenterd/client_failure.hpp>
#include <nsenterd/requests.hpp>

#include "cli/options.hpp"
#include "cli/outcome.hpp"
#include "cli/session.hpp"
#include "cli/standard_streams.hpp"

namespace nsenterd::cli {

/// Sends the message; prints the response, of whatever type, if the options ask for JSON.
Outcome<Response> send_message(Session& session, const Options& options, const Message& message);

/// Why there is no answer in that response.
Stop no_answer_in(const Response& response, const ClientFailure& failure);

/// Makes the request, and stops unless it is carried out. Prints as send_message does.
template <Request R>
Outcome<typename R::Response> ask(Session& session, const Options& options, const R& request) {
  auto response = send_message(session, options, request.message());
  if (!response) return response.error();
  auto answer = R::decode(*response);
  if (!answer) return no_answer_in(*response, answer.error());
  return std::move(*answer);
}

/// As ask, where success is all there is to know.
template <Request R>
Outcome<void> carry_out(Session& session, const Options& options, const R& request) {
  const auto answer = ask(session, options, request);
  return answer ? Outcome<void>() : answer.error();
}

/// As ask; prints what `show` makes of the answer unless the options ask for JSON.
template <Request R, class Show>
Outcome<void> ask_and_show(Session& session, const Options& options, const R& request, Show show) {
  const auto answer = ask(session, options, request);
  if (!answer) return answer.error();
  return options.json ? Outcome<void>() : write_output(show(*answer));
}

}  // namespace nsenterd::cli
