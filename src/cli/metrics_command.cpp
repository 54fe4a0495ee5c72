#include "cli/commands.hpp"
#include "cli/escape.hpp"
#include "cli/session.hpp"
#include "cli/standard_streams.hpp"

namespace nsenterd::cli {
namespace {

Outcome<void> metrics(Session& session, const Options& options) {
  const auto reply = session.call("io.nsenterd.GetMetrics", wire::Json::object());
  if (!reply) return reply.error();
  if (options.json) return write_json(reply->parameters);
  const auto found = reply->parameters.find("text");
  const auto* text = found != reply->parameters.end() ? found->get_ptr<const std::string*>() : nullptr;
  if (text == nullptr) return unexpected_answer("no text");
  return write_output(output_is_terminal() ? escape_lines(*text) : *text);
}

}  // namespace

void declare_metrics_command(Syntax& program) {
  program.command("metrics", "Print what the daemon counts, for Prometheus (OpenMetrics)", metrics).json();
}

}  // namespace nsenterd::cli
