#include "cli/commands.hpp"
#include "cli/escape.hpp"
#include "cli/file_info.hpp"
#include "cli/file_request.hpp"
#include "cli/standard_streams.hpp"

namespace nsenterd::cli {

Outcome<void> stat(Session& session, const Options& options) {
  const auto response =
      ask(session, options, {"lookupRequest", file_payload(options, "entry")}, "lookupResponse");
  if (!response) return response.error();
  if (options.json) return {};
  const auto file = decode_file_info(response->payload);
  if (!file) return unexpected_answer(response->type);
  return write_output(format_status(options.path, file->sys));
}

Outcome<void> ls(Session& session, const Options& options) {
  const auto response =
      ask(session, options, {"readDirRequest", file_payload(options, "dir")}, "readDirResponse");
  if (!response) return response.error();
  if (options.json) return {};
  const auto files = decode_file_infos(response->payload);
  if (!files) return unexpected_answer(response->type);
  return write_output(format_listing(*files));
}

Outcome<void> readlink(Session& session, const Options& options) {
  const auto response =
      ask(session, options, {"readLinkRequest", file_payload(options, "link")}, "readLinkResponse");
  if (!response) return response.error();
  if (options.json) return {};
  const auto* target = response->payload.get_ptr<const std::string*>();
  if (target == nullptr) return unexpected_answer(response->type);
  // A script wants the target itself, a terminal must not get it.
  return write_output((output_is_terminal() ? escape(*target) : *target) + '\n');
}

}  // namespace nsenterd::cli
