#include <cstdint>
#include <optional>
#include <utility>

#include "cli/ask.hpp"
#include "cli/commands.hpp"
#include "cli/personality.hpp"
#include "cli/standard_streams.hpp"

namespace nsenterd::cli {
namespace {

/// Bytes of a file in one request: in base64 well below the daemon's limit of a message.
constexpr std::size_t kChunk = 1U << 20U;

/// On whose behalf the contents of a file are read or written; nobody's if the options name none.
Outcome<std::optional<requests::Personality>> caller_of(Session& session, const Options& options) {
  std::optional<requests::Personality> caller;
  if (!names_personality(options)) return caller;
  auto personality = take_personality(session, options);
  if (!personality) return personality.error();
  caller = std::move(*personality);
  return caller;
}

Outcome<void> read(Session& session, const Options& options) {
  auto caller = caller_of(session, options);
  if (!caller) return caller.error();
  requests::ReadFile request{.path = options.path,
                             .length = kChunk,
                             .private_mounts = options.private_mounts,
                             .personality = std::move(*caller)};
  // What is printed shows by itself how far it has come.
  std::optional<Progress::Transfer> transfer;
  if (!output_is_terminal()) transfer.emplace(session.progress(), std::nullopt);
  for (;; request.offset += kChunk) {
    const auto bytes = ask(session, options, request);
    if (!bytes) return bytes.error();
    if (bytes->size() > kChunk) return unexpected_answer("readFileResponse");
    if (!options.json) {
      if (auto written = write_output(*bytes); !written) return written;
    }
    if (transfer) transfer->moved(bytes->size());
    // The agent reads on until it has all or meets the end of the file, so this is the end.
    if (bytes->size() < kChunk) return {};
  }
}

Outcome<void> write(Session& session, const Options& options) {
  // All of it first: if it cannot be read, nothing is to be written.
  const auto input = read_input();
  if (!input) return input.error();
  auto caller = caller_of(session, options);
  if (!caller) return caller.error();
  requests::WriteFile request{
      .path = options.path, .private_mounts = options.private_mounts, .personality = std::move(*caller)};
  std::optional<Progress::Transfer> transfer;
  if (!options.json || !output_is_terminal()) transfer.emplace(session.progress(), input->size());
  std::size_t offset = 0;
  do {
    request.offset = static_cast<std::int64_t>(offset);
    request.data = input->substr(offset, kChunk);
    if (auto written = carry_out(session, options, request); !written) return written;
    offset += request.data.size();
    if (transfer) transfer->moved(request.data.size());
  } while (offset < input->size());
  return {};
}

}  // namespace

void declare_file_commands(Syntax& program) {
  program.command("read", "Print a file as it is", read).target().path().private_views().personality().json();
  program
      .command("write", "Write standard input to a file that exists, from its start; it is not truncated",
               write)
      .target()
      .path()
      .private_views()
      .personality()
      .json();
}

}  // namespace nsenterd::cli
