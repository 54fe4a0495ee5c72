#include <utility>

#include "cli/ask.hpp"
#include "cli/commands.hpp"
#include "cli/file_request.hpp"
#include "cli/standard_streams.hpp"
#include "wire/base64.hpp"

namespace nsenterd::cli {
namespace {

/// Bytes of a file in one request: in base64 well below the daemon's limit of a message.
constexpr std::size_t kChunk = 1U << 20U;

/// base64; null means none.
std::optional<std::string> decode_bytes(const wire::Json& payload) {
  if (payload.is_null()) return std::string();
  const auto* text = payload.get_ptr<const std::string*>();
  if (text == nullptr) return std::nullopt;
  return wire::decode_base64(*text);
}

Outcome<void> read(Session& session, const Options& options) {
  for (std::size_t offset = 0;; offset += kChunk) {
    wire::Json payload = file_payload(options, "file");
    payload["offset"] = offset;
    payload["len"] = kChunk;
    const auto response = ask(session, options, {"readFileRequest", std::move(payload)});
    if (!response) return response.error();
    const auto bytes = decode_bytes(response->payload);
    if (!bytes || bytes->size() > kChunk) return unexpected_answer(response->type);
    if (!options.json) {
      if (auto written = write_output(*bytes); !written) return written;
    }
    // The agent reads on until it has all or meets the end of the file, so this is the end.
    if (bytes->size() < kChunk) return {};
  }
}

Outcome<void> write(Session& session, const Options& options) {
  // All of it first: if it cannot be read, nothing is to be written.
  const auto input = read_input();
  if (!input) return input.error();
  std::size_t offset = 0;
  do {
    const std::string_view chunk = std::string_view(*input).substr(offset, kChunk);
    wire::Json payload = file_payload(options, "file");
    payload["offset"] = offset;
    payload["data"] = wire::encode_base64(chunk);
    const auto response = ask(session, options, {"writeFileRequest", std::move(payload)});
    if (!response) return response.error();
    offset += chunk.size();
  } while (offset < input->size());
  return {};
}

}  // namespace

void declare_file_commands(Syntax& program) {
  program.command("read", "Print a file as it is", read).target().path().private_views().json();
  program
      .command("write", "Write standard input to a file that exists, from its start; it is not truncated",
               write)
      .target()
      .path()
      .private_views()
      .json();
}

}  // namespace nsenterd::cli
