#include "cli/file_request.hpp"

#include <utility>

#include "cli/standard_streams.hpp"

namespace nsenterd::cli {
namespace {

wire::Json to_json(const Message& message) {
  wire::Json value = wire::Json::object();
  value["message"] = message.type;
  value["payload"] = message.payload;
  return value;
}

}  // namespace

wire::Json file_payload(const Options& options, const char* path_field) {
  wire::Json payload = wire::Json::object();
  payload[path_field] = options.path;
  payload["MountProcfs"] = options.private_proc;
  payload["MountSysfs"] = options.private_sys;
  return payload;
}

Outcome<void> write_response(const Message& response) {
  return write_json(to_json(response));
}

Outcome<Message> ask(Session& session, const Options& options, const Message& request,
                     std::string_view expected_type) {
  auto response = session.send_request(to_json(request));
  if (!response) return response;
  if (options.json) {
    if (auto written = write_response(*response); !written) return written.error();
  }
  if (auto checked = check_response(*response, expected_type); !checked) return checked.error();
  return response;
}

}  // namespace nsenterd::cli
