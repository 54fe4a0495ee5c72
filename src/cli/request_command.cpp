#include <memory>
#include <utility>

#include "cli/commands.hpp"
#include "cli/session.hpp"
#include "cli/standard_streams.hpp"

namespace nsenterd::cli {
namespace {

/// Any JSON object; the daemon checks the rest. "-" stands for standard input.
Outcome<wire::Json> read_request(const std::string& argument) {
  Outcome<std::string> text = argument;
  if (argument == "-") text = read_input();
  if (!text) return text.error();
  auto request = wire::parse_json(*text);
  if (!request)
    return Stop{ExitStatus::usage, "the request is not acceptable as JSON: " + request.error().reason};
  if (!request->is_object()) return Stop{ExitStatus::usage, "the request is not a JSON object"};
  return {boost::system::in_place_value, std::move(*request)};
}

Outcome<void> send_own(Session& session, const Options& /*options*/, const std::string& argument) {
  auto request = read_request(argument);
  if (!request) return request.error();
  const auto answer = session.send_request(std::move(*request));
  if (!answer) return answer.error();
  const Message& response = answer->response;
  if (auto written = write_json(to_json(response)); !written) return written;
  // The exit status tells a failed operation even where nobody looks into the JSON.
  return response.type == "errorResponse" ? check_response(response, {}) : Outcome<void>();
}

}  // namespace

void declare_request_command(Syntax& program) {
  const auto request = std::make_shared<std::string>();
  program.command("request", "Send a message and print the response as JSON", with(request, send_own))
      .target()
      .argument("JSON", parse_bytes, *request,
                R"({"message": TYPE, "payload": ...}, or - for standard input)")
      .credentials()
      .json();
}

}  // namespace nsenterd::cli
