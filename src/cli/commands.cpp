#include "cli/commands.hpp"

#include <utility>

#include "cli/escape.hpp"
#include "cli/file_request.hpp"
#include "cli/standard_streams.hpp"

namespace nsenterd::cli {
namespace {

/// "vendor: ...", the name in a column of its own; nothing where the daemon does not say.
std::string info_line(const wire::Json& about, const std::string& name) {
  const auto found = about.find(name);
  if (found == about.end()) return {};
  std::string value;
  if (const auto* text = found->get_ptr<const std::string*>()) value = *text;
  for (const wire::Json& element : found->is_array() ? *found : wire::Json::array()) {
    const auto* text = element.get_ptr<const std::string*>();
    if (text != nullptr) value.append(value.empty() ? "" : ", ").append(*text);
  }
  constexpr std::size_t kWidth = 12;
  return name + ':' + std::string(kWidth - name.size(), ' ') + escape(value) + '\n';
}

Outcome<void> info(Session& session, const Options& options) {
  const auto reply = session.call("org.varlink.service.GetInfo", wire::Json::object());
  if (!reply) return reply.error();
  if (options.json) return write_json(reply->parameters);
  std::string text;
  for (const char* name : {"vendor", "product", "version", "url", "interfaces"}) {
    text += info_line(reply->parameters, name);
  }
  return write_output(text);
}

Outcome<void> send_own(Session& session, wire::Json request) {
  const auto response = session.send_request(std::move(request));
  if (!response) return response.error();
  if (auto written = write_response(*response); !written) return written;
  // The exit status tells a failed operation even where nobody looks into the JSON.
  return response->type == "errorResponse" ? check_response(*response, {}) : Outcome<void>();
}

}  // namespace

Outcome<wire::Json> read_request(const Options& options) {
  Outcome<std::string> text = options.request;
  if (options.request == "-") text = read_input();
  if (!text) return text.error();
  auto request = wire::parse_json(*text);
  if (!request)
    return Stop{ExitStatus::usage, "the request is not acceptable as JSON: " + request.error().reason};
  if (!request->is_object()) return Stop{ExitStatus::usage, "the request is not a JSON object"};
  return {boost::system::in_place_value, std::move(*request)};
}

Outcome<void> run(const Options& options) {
  Outcome<wire::Json> own_request(boost::system::in_place_value, nullptr);
  // What is wrong with it is to be said without the daemon.
  if (options.command == Command::request) own_request = read_request(options);
  if (!own_request) return own_request.error();
  auto session = Session::open(options);
  if (!session) return session.error();
  switch (options.command) {
    case Command::read: return read(*session, options);
    case Command::write: return write(*session, options);
    case Command::stat: return stat(*session, options);
    case Command::ls: return ls(*session, options);
    case Command::readlink: return readlink(*session, options);
    case Command::request: return send_own(*session, std::move(*own_request));
    case Command::info: return info(*session, options);
  }
  return {};
}

}  // namespace nsenterd::cli
