#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/ask.hpp"
#include "cli/commands.hpp"
#include "cli/standard_streams.hpp"
#include "client/requests/encode.hpp"

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

Outcome<void> send_own(Session& session, const Options& /*options*/,
                       const std::vector<std::string>& arguments) {
  std::vector<wire::Json> requests;
  for (const std::string& argument : arguments) {
    auto request = read_request(argument);
    if (!request) return request.error();
    requests.push_back(std::move(*request));
  }
  wire::Json first = std::move(requests.front());
  requests.erase(requests.begin());
  auto response = session.send_request(std::move(first), std::move(requests));
  if (!response) return response.error();
  if (auto written = write_json(to_json(response->message)); !written) return written;
  for (const Message& message : response->following) {
    if (auto written = write_json(to_json(message)); !written) return written;
  }
  // The exit status tells a failed operation even where nobody looks into the JSON.
  if (!response->following.empty()) response->message = std::move(response->following.back());
  if (response->message.type != "errorResponse") return {};
  return no_answer_in(*response, client::payload_of(*response, {}).error());
}

}  // namespace

void declare_request_command(Syntax& program) {
  const auto requests = std::make_shared<std::vector<std::string>>();
  program
      .command("request", "Send a message, or several to one agent, and print the responses as JSON",
               with(requests, send_own))
      .target()
      .arguments("JSON", *requests, R"({"message": TYPE, "payload": ...}, or - for standard input)")
      .credentials()
      .json();
}

}  // namespace nsenterd::cli
